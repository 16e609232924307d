"""Canonical bytes: one document, one encoding.

Documents are frozen `msgspec.Struct`s written as JSON (RFC 8259) in UTF-8 with sorted keys, no
white space and no numbers but integers. `decode` accepts exactly what `encode` writes, so two
parties that hold the same document hold the same bytes, and a digest of one means the other.
"""

from collections.abc import Hashable, Mapping
from functools import cache
from hashlib import sha256
from typing import Any, TypeVar, cast

import msgspec

from retention.errors import MalformedError

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder(order="sorted")


@cache
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)


def encode(document: msgspec.Struct) -> bytes:
    """The canonical bytes of a document; `MalformedError` if some of its text is not Unicode."""
    try:
        return _ENCODER.encode(document)
    # Half a surrogate: how Python hands over an argument that is not UTF-8.
    except UnicodeEncodeError as error:
        raise MalformedError(f"a {_name(type(document))} holds text that is not Unicode") from error


def decode(data: bytes, type_: type[T]) -> T:
    """The document that these canonical bytes are; `MalformedError` if they are anything else."""
    decoder: msgspec.json.Decoder[T] = _decoder(cast("Hashable", type_))
    try:
        document = decoder.decode(data)
        canonical = _ENCODER.encode(document)
    # RecursionError: JSON nested deeper than the decoder follows; both are what a stranger sent.
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"not a {_name(type_)}: {error}") from error
    if canonical != data:
        raise MalformedError(f"not the canonical form of a {_name(type_)}")
    return document


def glance(data: bytes) -> Mapping[str, Any]:
    """The fields of a document of a form that may not be known here; none if it is no document.

    Says what `decode` cannot: which form it is. Nothing else is to be believed of it.
    """
    try:
        found = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def digest(data: bytes) -> bytes:
    """SHA-256, 32 bytes: how documents refer to each other."""
    return sha256(data).digest()


def _name(type_: Any) -> str:
    return str(getattr(type_, "__name__", type_)).strip("_").lower()
