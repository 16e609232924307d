"""What the agent remembers: the catalogue's tables, and what is written into them together."""
