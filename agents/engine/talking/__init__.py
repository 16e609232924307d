"""What is told: greeting, reporting, consulting; and beginning anew."""
