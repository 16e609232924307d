"""What every agent does, whatever its store is made of."""
