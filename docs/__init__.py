"""What a reader needs; the parts that the code knows best are written by `python -m docs`."""
