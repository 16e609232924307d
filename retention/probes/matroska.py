"""Matroska and WebM (RFC 9559, on EBML, RFC 8794): DateUTC and duration.

Both stand in the segment's Info element, mostly before the first cluster; where they do not, the
seek head says where. Elements are hopped over by their sizes. We read them ourselves: the kept
libraries for EBML weigh 3 to 11 MiB in memory and set no bound on what a hostile file may cost.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from retention.errors import MalformedError
from retention.probes.candidate import Candidate, Finding, Span, TimeSource, ZoneKnowledge
from retention.probes.source import Reader

_SEGMENT, _SEEK_HEAD, _INFO, _CLUSTER = 0x18538067, 0x114D9B74, 0x1549A966, 0x1F43B675
_SEEK, _SEEK_ID, _SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
_TIMESTAMP_SCALE, _DURATION, _DATE_UTC = 0x2AD7B1, 0x4489, 0x4461
_USUAL_SCALE = 1_000_000  # nanoseconds per tick, where the file does not say
_LONGEST_FIELD = 8
_EPOCH = datetime(2001, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Element:
    """An element's ID, and where its content lies: [start, end)."""

    id: int
    start: int
    end: int


def read_matroska(reader: Reader) -> Iterator[Finding]:
    """Yield DateUTC, and the span where the recorder lived to write it."""
    info = _fields(reader, _info(reader))
    if _DATE_UTC in info:
        nanoseconds = int.from_bytes(info[_DATE_UTC], "big", signed=True)
        value = _EPOCH + timedelta(seconds=nanoseconds // 10**9)
        yield Candidate(TimeSource.MATROSKA, value, ZoneKnowledge.UTC, "DateUTC")
    if _DURATION in info:
        scale = int.from_bytes(info.get(_TIMESTAMP_SCALE, b""), "big") or _USUAL_SCALE
        yield Span(_seconds(info[_DURATION], scale))


def _seconds(duration: bytes, scale: int) -> int:
    """Return a duration, a float of `scale` nanoseconds each, in seconds, rounded up and exact."""
    if len(duration) not in (4, 8):
        raise MalformedError("A duration is not a float.")
    ticks: float = struct.unpack(">f" if len(duration) == 4 else ">d", duration)[0]
    if not math.isfinite(ticks):
        raise MalformedError("A duration is not a number.")
    numerator, denominator = ticks.as_integer_ratio()
    return -(-numerator * scale // (denominator * 10**9))


def _info(reader: Reader) -> _Element:
    """Return the Info element, before the clusters or where the seek head points."""
    segment = _first(reader, _Element(0, 0, reader.size), _SEGMENT)
    pointed_at: int | None = None
    for element in _inside(reader, segment):
        if element.id == _INFO:
            return element
        if element.id == _SEEK_HEAD:
            pointed_at = _position(reader, element, _INFO)
        if element.id == _CLUSTER:
            break
    if pointed_at is None:
        raise MalformedError("There is no Info element.")
    return _first(reader, _Element(0, segment.start + pointed_at, segment.end), _INFO)


def _position(reader: Reader, seek_head: _Element, sought: int) -> int | None:
    """Return where a seek head says that an element is, counted from the segment's content."""
    for seek in _inside(reader, seek_head):
        fields = _fields(reader, seek)
        if int.from_bytes(fields.get(_SEEK_ID, b""), "big") == sought:
            return int.from_bytes(fields.get(_SEEK_POSITION, b""), "big")
    return None


def _first(reader: Reader, parent: _Element, sought: int) -> _Element:
    for element in _inside(reader, parent):
        if element.id == sought:
            return element
    raise MalformedError(f"There is no element {sought:X}.")


def _fields(reader: Reader, parent: _Element) -> dict[int, bytes]:
    """Return the short elements inside one, by ID: all that a number, float or date needs."""
    return {
        element.id: reader.exactly(element.start, element.end - element.start)
        for element in _inside(reader, parent)
        if 0 < element.end - element.start <= _LONGEST_FIELD
    }


def _inside(reader: Reader, parent: _Element) -> Iterator[_Element]:
    """Yield the elements inside one, in order; of unknown or too great a size: to its parent's end."""
    offset = parent.start
    while offset < parent.end:
        identity, length = _number(reader, offset, longest=4)
        size, width = _number(reader, offset + length, longest=8)
        start = offset + length + width
        marker = 1 << 7 * width
        unknown = size == 2 * marker - 1
        offset = parent.end if unknown else min(start + size - marker, parent.end)
        yield _Element(identity, start, offset)


def _number(reader: Reader, offset: int, *, longest: int) -> tuple[int, int]:
    """Return a variable-size integer, its length marker still in it, and its width in bytes."""
    first = reader.exactly(offset, 1)[0]
    width = 9 - first.bit_length()
    if width > longest:
        raise MalformedError("An EBML number is longer than it may be.")
    return int.from_bytes(reader.exactly(offset, width), "big"), width
