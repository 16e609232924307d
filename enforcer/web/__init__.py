"""HTTP: the agents' API, the people's API, metrics."""
