"""Stands in for `nacl.signing`: an auditor verifies and never signs."""

from nacl.exceptions import BadSignatureError

from auditor.standins.ed25519 import verify

_KEY_BYTES, _SIGNATURE_BYTES = 32, 64


class VerifyKey:
    """A public key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise ValueError("a key has 32 bytes")
        self._key = key

    def __bytes__(self) -> bytes:
        return self._key

    def verify(self, message: bytes, signature: bytes) -> bytes:
        """The message, or `BadSignatureError`."""
        if len(signature) != _SIGNATURE_BYTES:
            raise ValueError("a signature has 64 bytes")
        if not verify(self._key, message, signature):
            raise BadSignatureError("Signature was forged or corrupt")
        return message


class SigningKey:
    """Nobody's: there is no signing here."""

    def __init__(self, seed: bytes) -> None:
        raise NotImplementedError("the auditor signs nothing")

    verify_key: VerifyKey

    def sign(self, message: bytes) -> "SigningKey":
        """Never."""
        raise NotImplementedError("the auditor signs nothing")

    signature: bytes
