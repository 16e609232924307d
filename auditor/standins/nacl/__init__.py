"""Stands in for PyNaCl."""
