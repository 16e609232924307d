"""Where bytes come from, and how many of them a probe may ask for.

A file can be a 3 GB object behind a network, or made by somebody who wishes us ill. So a probe
never reads a file whole: it asks for ranges, and for no more than its allowance.
"""

from typing import Protocol

from retention.errors import MalformedError

BLOCK_BYTES = 4096
"""The least a probe asks for at once: most headers are inside one block, so one request reads them."""

ALLOWANCE_BYTES = 512 * 1024
ALLOWANCE_READS = 64
ALLOWANCE_STEPS = 20_000
"""What one file may cost. A recorder's takes one to three reads and some thirty steps; EXIF is 64 KiB
at most; a minute of one-second fragments is 64 reads and 2 000 steps."""


class ByteSource(Protocol):
    """A file or object, read by ranges."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Return the bytes [offset, offset + length); fewer only where the file ends.

        What it raises (a disk error, a lost connection) is not the file's fault: it passes through
        every probe untouched.
        """


class BytesSource:
    """Bytes already at hand, such as a small file that was read for another reason."""

    def __init__(self, data: bytes) -> None:
        """Take the bytes."""
        self._data = data

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        """Return the bytes [offset, offset + length)."""
        return self._data[offset : offset + length]


class Reader:
    """A source read in blocks, within an allowance."""

    def __init__(self, source: ByteSource) -> None:
        """Take a source; nothing is read yet."""
        self._source = source
        self._start = 0
        self._block = b""
        self._bytes_left = ALLOWANCE_BYTES
        self._reads_left = ALLOWANCE_READS
        self._steps_left = ALLOWANCE_STEPS

    @property
    def size(self) -> int:
        """Length of the source in bytes."""
        return self._source.size

    def head(self, length: int) -> bytes:
        """Return the first bytes; none if the file became shorter than it said."""
        try:
            return self.exactly(0, min(length, self.size))
        except MalformedError:
            return b""

    def exactly(self, offset: int, length: int) -> bytes:
        """Return the bytes [offset, offset + length).

        Raises MalformedError if the file ends before, or has cost more than its allowance.
        """
        self._steps_left -= 1
        if self._steps_left < 0:
            raise MalformedError("The file has more parts than any recording needs.")
        if offset < 0 or length < 0 or offset + length > self.size:
            raise MalformedError("The file ends before what it announces.")
        if not self._start <= offset <= offset + length <= self._start + len(self._block):
            self._fetch(offset, length)
        begin = offset - self._start
        return self._block[begin : begin + length]

    def _fetch(self, offset: int, length: int) -> None:
        wanted = min(max(length, BLOCK_BYTES), self.size - offset)
        self._reads_left -= 1
        self._bytes_left -= wanted
        if self._reads_left < 0 or self._bytes_left < 0:
            raise MalformedError("The file asks for more reading than any recording needs.")
        self._start, self._block = offset, self._source.read(offset, wanted)
        if len(self._block) < length:
            raise MalformedError("The file became shorter while it was read.")
