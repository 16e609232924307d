"""What must stay: which items a hold matches, and how their bytes are kept."""
