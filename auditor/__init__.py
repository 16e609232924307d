"""Looks for itself: lists the storage and checks the proofs, with `retention` alone."""
