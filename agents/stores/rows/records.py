"""Reading a CSV file record by record, each with where it stands, whatever else is in the file.

A record may span lines: a quoted field can hold line feeds. One that is no CSV (a quote too many,
a line cut off) is given as a record without fields, as long as its first line, and reading goes on
behind it: a broken row costs its neighbours nothing.
"""

import csv
from collections.abc import Iterator
from typing import NamedTuple

from retention.probes.source import ByteSource, BytesSource

LONGEST = 64 * 1024
"""Bytes of one record; what is longer is no row of a call, and is cut into pieces without fields."""

_BLOCK = 256 * 1024


class Record(NamedTuple):
    """One row where it stands. `data` includes its line end; `cells` is None if it is no CSV.

    Each sign of a cell is a byte: most rows are only counted, and nobody needs their bytes.
    """

    offset: int
    data: bytes
    cells: list[str] | None

    @property
    def fields(self) -> tuple[bytes, ...] | None:
        """The cells as they were written."""
        return None if self.cells is None else tuple(c.encode("latin-1") for c in self.cells)

    @property
    def content(self) -> bytes:
        """The row without its line end: two rows of the same content are one item."""
        return self.data.rstrip(b"\r\n")

    @property
    def ended(self) -> bool:
        """Whether its line end was written: one without may still be on its way."""
        return self.data.endswith(b"\n")


def records(source: ByteSource, begin: int = 0, *, delimiter: str = ",") -> Iterator[Record]:
    """Yield all records from `begin` on, which is where one begins. Empty lines are left out.

    Memory does not grow with the file. Raises what `source.read` raises.
    """
    lines = _Lines(source, begin)
    while True:
        try:
            for cells in csv.reader(lines, delimiter=delimiter, strict=True):
                offset, data = lines.taken()
                if cells:
                    yield Record(offset, data, cells)
        except (csv.Error, _TooLongError):
            offset, data = lines.first()
            if data.strip(b"\r\n"):
                yield Record(offset, data, None)
        else:
            return


def parsed(data: bytes, *, delimiter: str = ",") -> tuple[bytes, ...] | None:
    """The fields of one record's bytes; None if it is no CSV."""
    record = next(records(BytesSource(data), delimiter=delimiter), None)
    return record.fields if record is not None and record.data == data else None


class _TooLongError(Exception):
    """A record has more bytes than any row."""


class _Lines:
    """Lines for `csv.reader`, which takes one more only while its record goes on."""

    def __init__(self, source: ByteSource, begin: int) -> None:
        self._source = source
        self._block = b""
        self._at = begin  # of the first byte of the block in the file
        self._begin = begin  # of the record that is being read
        self._next = begin  # of the line to be read next
        self._first = b""  # line of the record

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._line(self._next)
        if not line:
            raise StopIteration
        if self._next == self._begin:
            self._first = line
        self._next += len(line)
        if self._next - self._begin > LONGEST:
            raise _TooLongError
        return line.decode("latin-1")

    def taken(self) -> tuple[int, bytes]:
        """Where the record that was just read begins, and its bytes; the next begins behind it."""
        offset, end = self._begin, self._next
        self._begin = end
        return offset, self._bytes(offset, end - offset)

    def first(self) -> tuple[int, bytes]:
        """The first line of a record that is none; the next begins behind that line."""
        offset, line = self._begin, self._first
        self._begin = self._next = offset + len(line)
        return offset, line

    def _line(self, offset: int) -> bytes:
        """The line that begins here, or as much of it as a record may have and one byte more."""
        end = self._block.find(b"\n", offset - self._at) if self._has(offset) else -1
        if end < 0:
            self._read(offset)
            end = self._block.find(b"\n")
        begin = offset - self._at
        return self._block[begin : end + 1 if end >= 0 else begin + LONGEST + 1]

    def _bytes(self, offset: int, length: int) -> bytes:
        if self._has(offset) and offset - self._at + length <= len(self._block):
            begin = offset - self._at
            return self._block[begin : begin + length]
        return self._source.read(offset, length)

    def _has(self, offset: int) -> bool:
        return self._at <= offset < self._at + len(self._block)

    def _read(self, offset: int) -> None:
        self._at, self._block = offset, self._source.read(offset, _BLOCK)
