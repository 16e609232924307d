"""WAVE, as call recorders write it: RIFF, and RF64 or BW64 beyond 4 GiB (EBU Tech 3306, ITU-R BS.2088).

A date is in the broadcast extension `bext` (EBU Tech 3285) or in `ICRD` of the list `INFO`; both
are wall time of the recorder. Most recorders write neither: then the length is what helps. We hop
over the chunks ourselves: the kept library for tags is under the GPL, and knows no `bext`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from retention.probes.candidate import Candidate, Finding, Span, TimeSource
from retention.probes.source import Reader
from retention.probes.strptime import candidate_of, fields_of

_IN_64_BITS = (b"RF64", b"BW64")
_IN_DS64 = 0xFFFF_FFFF
_DATE_AT = 256 + 32 + 32  # in bext, behind description, originator and its reference
_DATE_AND_TIME = re.compile(
    rb"(?P<Y>\d{4})[-_:. ](?P<m>\d\d)[-_:. ](?P<d>\d\d)"
    rb"(?:(?P<H>\d\d)[-_:. ](?P<M>\d\d)[-_:. ](?P<S>\d\d))?"
)
_LONGEST_DATE = 64


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A chunk's name, and where its content lies: [start, end)."""

    name: bytes
    start: int
    end: int


def read_wave(reader: Reader) -> Iterator[Finding]:
    """Yield the dates, and the span as soon as both the format and the samples were met."""
    rate = 0  # bytes a second
    for chunk in _chunks(reader):
        if chunk.name == b"fmt ":
            rate = _number(reader, chunk.start + 8, 4)
        elif chunk.name == b"data" and rate:
            yield Span(-(-(chunk.end - chunk.start) // rate))
        elif chunk.name == b"bext":
            yield from _broadcast_date(reader, chunk)
        elif chunk.name == b"LIST" and reader.exactly(chunk.start, 4) == b"INFO":
            yield from _listed_date(reader, chunk)


def _chunks(reader: Reader) -> Iterator[_Chunk]:
    """Yield the chunks; the samples of a recorder that was killed reach to the file's end."""
    long = reader.exactly(0, 4) in _IN_64_BITS
    samples: int | None = None
    offset = 12
    while offset + 8 <= reader.size:
        name, size = reader.exactly(offset, 4), _number(reader, offset + 4, 4)
        start = offset + 8
        if name == b"ds64" and long:
            samples = _number(reader, start + 8, 8)
        if name == b"data" and size == _IN_DS64 and samples is not None:
            size = samples
        elif name == b"data" and size in (0, _IN_DS64):  # filled in when the recording ends
            size = reader.size - start
        yield _Chunk(name, start, min(start + size, reader.size))
        offset = start + size + size % 2


def _broadcast_date(reader: Reader, chunk: _Chunk) -> Iterator[Candidate]:
    if chunk.start + _DATE_AT + 18 <= chunk.end:
        written = _DATE_AND_TIME.match(reader.exactly(chunk.start + _DATE_AT, 18))
        groups = written.groupdict() if written else {}
        fields = {code: digits.decode() for code, digits in groups.items() if digits}
        yield from _dated(fields, "bext")


def _listed_date(reader: Reader, parent: _Chunk) -> Iterator[Candidate]:
    offset = parent.start + 4
    while offset + 8 <= parent.end:
        size = _number(reader, offset + 4, 4)
        if reader.exactly(offset, 4) == b"ICRD":
            length = min(size, parent.end - offset - 8, _LONGEST_DATE)
            text = reader.exactly(offset + 8, length).decode("latin-1")
            yield from _dated(fields_of(text), "ICRD")
        offset += 8 + size + size % 2


def _dated(fields: dict[str, str], tag: str) -> Iterator[Candidate]:
    candidate = candidate_of(TimeSource.WAVE, fields, tag=tag)
    if candidate:
        yield candidate


def _number(reader: Reader, offset: int, width: int) -> int:
    return int.from_bytes(reader.exactly(offset, width), "little")
