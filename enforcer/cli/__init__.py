"""The `enforcer` command."""
