"""The fingerprint of a recording: what finds the same content again under another name or epoch.

Agent and auditor take it from the bytes alone, so each can recognise what the other means. It
reads 128 KiB at most, however long the recording is. A bucket tells what it keeps without a byte
of it being read: there both go by what it tells.
"""

import hmac
from hashlib import blake2b

from retention.errors import MalformedError
from retention.probes import ByteSource

FINGERPRINT_BYTES = 16

END_BYTES = 64 * 1024
"""Read from either end; between them two recordings of a camera hardly ever agree."""

KEYED_BYTES = 8
"""Of a million million strangers, one is taken for one of the millions that a store has met."""

_SIZE_BYTES = 8


def fingerprint(source: ByteSource) -> bytes:
    """BLAKE2b-128 (RFC 7693) over the size, 8 bytes big-endian, the first and the last 64 KiB.

    The ends of a short file never overlap: up to 128 KiB every byte counts once. `MalformedError`
    if the file becomes shorter meanwhile; else raises only what `source.read` raises.
    """
    size = source.size
    head = min(size, END_BYTES)
    tail = min(size - head, END_BYTES)
    hashed = blake2b(size.to_bytes(_SIZE_BYTES, "big"), digest_size=FINGERPRINT_BYTES)
    for offset, length in ((0, head), (size - tail, tail)):
        data = source.read(offset, length)
        if len(data) != length:
            raise MalformedError("the file became shorter while it was read")
        hashed.update(data)
    return hashed.digest()


def fingerprint_stored(size: int, etag: str) -> bytes:
    """Of an object in a bucket: its size and its ETag as the server writes it, quotes and all.

    The ETag is the MD5 of what came in one piece; of what came in several, it tells how it was cut.
    """
    return blake2b(f"{size}\0{etag}".encode(), digest_size=FINGERPRINT_BYTES).digest()


def fingerprint_begun(upload: str) -> bytes:
    """Of an upload that nobody completed: nothing of it can be read, so its id stands for it."""
    return blake2b(f"+{upload}".encode(), digest_size=FINGERPRINT_BYTES).digest()


def keyed(key: bytes, mark: bytes) -> bytes:
    """What may be kept of erased content: HMAC-SHA256, cut off, that says nothing without the key."""
    return hmac.digest(key, mark, "sha256")[:KEYED_BYTES]
