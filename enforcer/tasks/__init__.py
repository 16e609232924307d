"""What the enforcer does by itself while it serves, in threads of its own."""
