"""Boxes, of which MP4 and QuickTime files are made (ISO/IEC 14496-12, section 4.2)."""

from collections.abc import Iterator
from dataclasses import dataclass

from retention.errors import MalformedError
from retention.probes.source import Reader


@dataclass(frozen=True, slots=True)
class Box:
    """A box's type, and where its content lies: [start, end)."""

    kind: bytes
    start: int
    end: int


class Boxes:
    """A file as a tree of boxes; each method raises MalformedError where it is none."""

    def __init__(self, reader: Reader) -> None:
        """Take a file; nothing is read yet."""
        self._reader = reader
        self.root = Box(b"", 0, reader.size)

    def inside(self, parent: Box) -> Iterator[Box]:
        """Yield the boxes inside a box, in order; one that sticks out is cut at its parent's end."""
        offset = parent.start
        while offset + 8 <= parent.end:
            size, header = self.number(offset, 4), 8
            kind = self._reader.exactly(offset + 4, 4)
            if size == 0:  # as long as there is file
                size = parent.end - offset
            elif size == 1:  # too long for four bytes
                size, header = self.number(offset + 8, 8), 16
            if size < header:
                raise MalformedError("A box is smaller than its own header.")
            yield Box(kind, offset + header, min(offset + size, parent.end))
            offset += size

    def each(self, parent: Box, kind: bytes) -> Iterator[Box]:
        """Yield the boxes of one type inside a box."""
        return (box for box in self.inside(parent) if box.kind == kind)

    def first(self, parent: Box, *path: bytes) -> Box:
        """Return the first box of a type inside a box, and so on down the path."""
        box = parent
        for kind in path:
            found = next(self.each(box, kind), None)
            if found is None:
                raise MalformedError(f"There is no {kind!r} box.")
            box = found
        return box

    def number(self, offset: int, width: int) -> int:
        """Return an unsigned number."""
        return int.from_bytes(self._reader.exactly(offset, width), "big")

    def flags(self, box: Box) -> int:
        """Return the 24 flags of a full box."""
        return self.number(box.start + 1, 3)

    def width(self, box: Box) -> int:
        """Return how many bytes a time or duration has in a full box: 8 in version 1, else 4."""
        return 8 if self.number(box.start, 1) == 1 else 4

    def duration(self, header: Box) -> tuple[int, int]:
        """Return ticks a second, and ticks, of a movie's or a media's header; 0 where unknown."""
        width = self.width(header)
        scale = self.number(header.start + 4 + 2 * width, 4)
        ticks = self.number(header.start + 8 + 2 * width, width)
        return scale, 0 if ticks == (1 << 8 * width) - 1 else ticks

    def content(self, box: Box, *, most: int | None = None) -> bytes:
        """Return a box's content, or the first `most` bytes of it."""
        length = box.end - box.start
        return self._reader.exactly(box.start, length if most is None else min(length, most))
