"""Stands in for `nacl.exceptions`."""


class BadSignatureError(Exception):
    """A signature that is not its key's."""
