"""MP4 and QuickTime (ISO/IEC 14496-12; QuickTime File Format): creation time and duration.

Boxes are hopped over by their sizes, so that a `moov` behind gigabytes of `mdat` costs a few
small reads. Times count seconds from 1904-01-01. The standard says UTC; many recorders write
wall time, so the zone of `mvhd` stays open.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from retention.probes.boxes import Box, Boxes
from retention.probes.candidate import Candidate, Finding, Span, TimeSource, ZoneKnowledge
from retention.probes.fragments import fragments_seconds
from retention.probes.source import Reader
from retention.probes.strptime import candidate_of, fields_of

_UNIX_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - whether UTC or wall time is not known
_SECONDS_1904_TO_1970 = 2_082_844_800
_APPLE_KEY = b"com.apple.quicktime.creationdate"
_VALUE_BYTES = 8 + 40  # type and locale, then a date to the nanosecond
_HANDLER = int.from_bytes(b"hdlr", "big")


def read_mp4(reader: Reader) -> Iterator[Finding]:
    """Yield the creation times, and the span."""
    boxes = Boxes(reader)
    movie = boxes.first(boxes.root, b"moov")
    header = boxes.first(movie, b"mvhd")
    yield from _created(boxes.number(header.start + 4, boxes.width(header)))
    yield from _apple_dates(boxes, movie)
    yield Span(_seconds(boxes, movie, header))


def _created(seconds: int) -> Iterator[Candidate]:
    """Yield the header's creation time; 0 means that the recorder did not set it."""
    if seconds == 0:
        return
    # A date before 1970 is the work of a recorder that counts from there.
    since_1970 = seconds - _SECONDS_1904_TO_1970 if seconds >= _SECONDS_1904_TO_1970 else seconds
    try:
        value = _UNIX_EPOCH + timedelta(seconds=since_1970)
    except OverflowError:
        return
    yield Candidate(TimeSource.MP4, value, ZoneKnowledge.UTC_OR_LOCAL, "mvhd")


def _seconds(boxes: Boxes, movie: Box, header: Box) -> int:
    """Return the length, rounded up; 0 where the file does not tell."""
    scale, ticks = boxes.duration(header)
    for extends in boxes.each(movie, b"mvex"):  # then the header speaks of the first part only
        overall = next(boxes.each(extends, b"mehd"), None)
        if overall is None:
            return fragments_seconds(boxes, movie)
        ticks = boxes.number(overall.start + 4, boxes.width(overall))
    return -(-ticks // scale) if scale else 0


def _apple_dates(boxes: Boxes, movie: Box) -> Iterator[Candidate]:
    """Yield the creation date with its offset, where an Apple device or ffmpeg wrote one."""
    for parent in (movie, *boxes.each(movie, b"udta")):
        for meta in boxes.each(parent, b"meta"):
            text = _apple_value(boxes, meta)
            candidate = candidate_of(TimeSource.MP4, fields_of(text), tag=_APPLE_KEY.decode())
            if candidate:
                yield candidate


def _apple_value(boxes: Boxes, meta: Box) -> str:
    """Find the key's place in `keys`: its value is the item of that number in `ilst`."""
    # The standard's `meta` is a full box, Apple's is not: its first box comes four bytes sooner.
    if boxes.number(meta.start + 4, 4) != _HANDLER:
        meta = Box(meta.kind, meta.start + 4, meta.end)
    for keys in boxes.each(meta, b"keys"):
        entries = boxes.inside(Box(keys.kind, keys.start + 8, keys.end))  # laid out as boxes are
        for number, key in enumerate(entries, start=1):
            if boxes.content(key, most=len(_APPLE_KEY) + 1) == _APPLE_KEY:
                item = boxes.first(meta, b"ilst", number.to_bytes(4, "big"), b"data")
                return boxes.content(item, most=_VALUE_BYTES)[8:].decode("latin-1")
    return ""
