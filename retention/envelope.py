"""Signatures on documents: DSSE envelopes (Dead Simple Signing Envelope, v1) with Ed25519 keys.

The payload travels as the exact bytes that were signed, and its type is signed with it, so a
document of one kind can never pass for another.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from retention import codec
from retention.errors import MalformedError, SignatureError

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

PAYLOAD_TYPE = "application/vnd.retention-enforcer.{}.v1+json"


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One signature: `keyid` is a hint which key made it, `sig` the 64 bytes of RFC 8032."""

    keyid: str
    sig: bytes


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A payload, its type, and who signed both."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]


def key_id(public_key: bytes) -> str:
    """The first 16 hex digits of SHA-256 over the 32 bytes of an Ed25519 public key."""
    return sha256(public_key).hexdigest()[:16]


def authenticated_bytes(payload_type: str, payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding, `PAE(type, body)`."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(kind: str, payload: bytes, keys: Iterable[SigningKey]) -> Envelope:
    """An envelope of `payload`, a document of this kind (`policy`, `directive`, ...), signed."""
    payload_type = PAYLOAD_TYPE.format(kind)
    unsigned = Envelope(payload=payload, payload_type=payload_type, signatures=())
    for key in keys:
        unsigned = countersign(unsigned, key)
    return unsigned


def countersign(envelope: Envelope, key: SigningKey) -> Envelope:
    """The same envelope with one more signature."""
    signed = key.sign(authenticated_bytes(envelope.payload_type, envelope.payload)).signature
    signature = Signature(keyid=key_id(bytes(key.verify_key)), sig=signed)
    return msgspec.structs.replace(envelope, signatures=(*envelope.signatures, signature))


def signers(envelope: Envelope, kind: str, keys: Mapping[str, bytes]) -> frozenset[str]:
    """The key ids, out of `keys` (key id -> public key), whose signature on the envelope holds.

    A signature by a key that is not in `keys` counts for nothing. `MalformedError` if the
    envelope holds another kind of document; `SignatureError` if a signature of a known key is
    wrong, since that is tampering and never an accident.
    """
    if envelope.payload_type != PAYLOAD_TYPE.format(kind):
        raise MalformedError(
            f"this is a {envelope.payload_type!r}, not a {kind} this version can read"
        )
    signed = authenticated_bytes(envelope.payload_type, envelope.payload)
    good = set()
    for signature in envelope.signatures:
        public_key = keys.get(signature.keyid)
        if public_key is None:
            continue
        if not _holds(public_key, signed, signature.sig):
            raise SignatureError(f"the signature of key {signature.keyid} on this {kind} is wrong")
        good.add(signature.keyid)
    return frozenset(good)


def open_sealed(envelope: Envelope, kind: str, public_keys: Iterable[bytes]) -> bytes:
    """The payload, if at least one of these keys signed it; else `SignatureError`."""
    if not signers(envelope, kind, {key_id(key): key for key in public_keys}):
        raise SignatureError(f"this {kind} is signed by no key that may sign it")
    return envelope.payload


def encode(envelope: Envelope) -> bytes:
    """Canonical bytes of an envelope."""
    return codec.encode(envelope)


def decode(data: bytes) -> Envelope:
    """The envelope that these bytes are, or `MalformedError`."""
    return codec.decode(data, Envelope)


def _holds(public_key: bytes, message: bytes, signature: bytes) -> bool:
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        VerifyKey(public_key).verify(message, signature)
    except BadSignatureError:
        return False
    return True
