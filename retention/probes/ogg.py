"""Ogg (RFC 3533) with Opus (RFC 7845) or Vorbis in it: a date among its comments, and the length.

Pages are not walked: the comments stand in the second packet, and the last page's position tells
how many samples there are. What lies between is never read.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from retention.errors import MalformedError
from retention.probes.candidate import Finding, Span, TimeSource
from retention.probes.source import Reader
from retention.probes.strptime import candidate_of, fields_of

_PAGE = b"OggS"
_PAGE_HEADER = 27
_TAILS = (4 * 1024, 64 * 1024)  # where the last page begins; the longest is a little shorter
_DATES = (b"CREATION_TIME", b"DATE", b"ENCODED_DATE")
_MOST_COMMENTS = 64
_LONGEST_DATE = 64
_OPUS_RATE = 48_000  # whatever was recorded: RFC 7845, section 4


@dataclass(frozen=True, slots=True)
class _Stream:
    """What the first packet says of the stream."""

    rate: int
    skipped: int  # samples before the recording begins
    comments: bytes  # what the packet of comments begins with


def read_ogg(reader: Reader) -> Iterator[Finding]:
    """Yield the dates among the comments, then the length."""
    stream = _stream(reader, _content(reader, 0))
    if stream is None:
        return
    yield from _dates(reader, _content(reader, _after(reader, 0)), stream.comments)
    samples = _last_position(reader) - stream.skipped
    if stream.rate and samples > 0:
        yield Span(-(-samples // stream.rate))


def _stream(reader: Reader, start: int) -> _Stream | None:
    head = reader.exactly(start, min(19, reader.size - start))
    if head.startswith(b"OpusHead"):
        return _Stream(_OPUS_RATE, int.from_bytes(head[10:12], "little"), b"OpusTags")
    if head.startswith(b"\x01vorbis"):
        return _Stream(int.from_bytes(head[12:16], "little"), 0, b"\x03vorbis")
    return None


def _content(reader: Reader, page: int) -> int:
    """Where what a page holds begins."""
    if reader.exactly(page, 4) != _PAGE:
        raise MalformedError("There is no page where one must be.")
    return page + _PAGE_HEADER + reader.exactly(page + 26, 1)[0]


def _after(reader: Reader, page: int) -> int:
    """Where the next page begins."""
    segments = reader.exactly(page + 26, 1)[0]
    return _content(reader, page) + sum(reader.exactly(page + _PAGE_HEADER, segments))


def _last_position(reader: Reader) -> int:
    """How many samples end on the last page; 0 if the end is missing."""
    for most in _TAILS:
        length = min(reader.size, most)
        tail = reader.exactly(reader.size - length, length)
        position = tail[tail.rfind(_PAGE) + 6 :][:8] if _PAGE in tail else b""
        if len(position) == 8:
            return int.from_bytes(position, "little", signed=True)
    return 0


def _dates(reader: Reader, start: int, magic: bytes) -> Iterator[Finding]:
    if reader.exactly(start, len(magic)) != magic:
        return
    offset = start + len(magic)
    offset += 4 + _number(reader, offset)  # who wrote it
    count = _number(reader, offset)
    offset += 4
    for _ in range(min(count, _MOST_COMMENTS)):
        length = _number(reader, offset)
        text = reader.exactly(offset + 4, min(length, _LONGEST_DATE))
        name, _, value = text.partition(b"=")
        if name.upper() in _DATES:
            fields = fields_of(value.decode("latin-1"))
            candidate = candidate_of(TimeSource.OGG, fields, tag=name.decode("latin-1").upper())
            if candidate:
                yield candidate
        offset += 4 + length


def _number(reader: Reader, offset: int) -> int:
    return int.from_bytes(reader.exactly(offset, 4), "little")
