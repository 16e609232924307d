"""One row: what it is known by, and how it is read."""

from hashlib import blake2b

from agents.stores import Generation
from agents.stores.files.opening import NothingOpen
from retention.probes import Finding

DIGEST_BYTES = 16


def digest_of(content: bytes) -> bytes:
    """What a row is known by."""
    return blake2b(content, digest_size=DIGEST_BYTES).digest()


def generation_of(content: bytes) -> Generation:
    """One content of a row. It has no time of its own, as a file has: that is 0."""
    return Generation(int.from_bytes(digest_of(content)[:8]) >> 1, len(content), 0)


class OpenRow(NothingOpen):
    """One row: an `Opened`. Its bytes are at hand."""

    existed = None
    content = b""
    unfinished = False

    def __init__(self, content: bytes, stated: tuple[Finding, ...]) -> None:
        self._content = content
        self.size = len(content)
        self.generation = generation_of(content)
        self.stated = stated

    def read(self, offset: int, length: int) -> bytes:
        """A range of it."""
        return self._content[offset : offset + length]
