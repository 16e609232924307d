"""What every store on a file system is made of: opening, walking, and a private directory of its own."""
