"""The daemon of the contact centre's storage: calls, and all that belongs to them."""
