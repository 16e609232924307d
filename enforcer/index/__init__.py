"""The index: the enforcer's facts in SQL."""
