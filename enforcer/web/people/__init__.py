"""What people ask of the people's API, and have done by it: a file per noun."""
