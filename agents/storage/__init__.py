"""What the daemon of central storage has that a terminal has not."""
