"""The centre: knows policy and incidents, directs the agents, and proves what became of it all."""
