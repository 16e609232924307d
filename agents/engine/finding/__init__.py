"""What is there: found, dated, recognised, and entered with its log entry."""
