"""What goes: planned, intended, erased by the store, verified, written down."""
