"""How long a fragmented MP4 lasts, from its fragments (ISO/IEC 14496-12, section 8.8).

Network recorders write `moov` first and empty, then a fragment per second or so; killed or not,
the file plays. Its length stands nowhere, but follows from the samples each fragment counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from retention.probes.boxes import Box, Boxes

_BASE_OFFSET, _DESCRIPTION, _DEFAULT_DURATION = 0x1, 0x2, 0x8  # flags of tfhd
_DATA_OFFSET, _FIRST_FLAGS, _OWN_DURATIONS = 0x1, 0x4, 0x100  # flags of trun
_SAMPLE_FIELDS = (0x100, 0x200, 0x400, 0x800)  # four bytes each per sample, duration first


@dataclass(slots=True)
class _Track:
    """A track's clock (ticks a second), and in ticks what was seen of it."""

    scale: int
    begin: int | None
    end: int
    sample_duration: int = 0  # of samples that do not state their own


def fragments_seconds(boxes: Boxes, movie: Box) -> int:
    """Return how many seconds the longest track lasts, rounded up; 0 if nothing was recorded.

    Raises MalformedError where a fragment is broken or there are more than may be read: half a
    length would be a wrong one.
    """
    tracks = _tracks(boxes, movie)
    for fragment in boxes.each(boxes.root, b"moof"):
        for run in boxes.each(fragment, b"traf"):
            _follow(boxes, run, tracks)
    spans = ((track.end - (track.begin or 0), track.scale) for track in tracks.values())
    return max((-(-ticks // scale) for ticks, scale in spans if scale), default=0)


def _tracks(boxes: Boxes, movie: Box) -> dict[int, _Track]:
    """Read each track's clock, and what of it was recorded before the first fragment."""
    tracks = {}
    for box in boxes.each(movie, b"trak"):
        header = boxes.first(box, b"tkhd")
        number = boxes.number(header.start + 4 + 2 * boxes.width(header), 4)
        scale, ticks = boxes.duration(boxes.first(box, b"mdia", b"mdhd"))
        tracks[number] = _Track(scale, 0 if ticks else None, ticks)
    for box in boxes.each(boxes.first(movie, b"mvex"), b"trex"):
        track = tracks.get(boxes.number(box.start + 4, 4))
        if track:
            track.sample_duration = boxes.number(box.start + 12, 4)
    return tracks


def _follow(boxes: Boxes, fragment: Box, tracks: dict[int, _Track]) -> None:
    """Move a track's end to the end of this fragment of it."""
    header = boxes.first(fragment, b"tfhd")
    track = tracks.get(boxes.number(header.start + 4, 4))
    if track is None:
        return
    start = next((_decode_time(boxes, box) for box in boxes.each(fragment, b"tfdt")), track.end)
    usual = _default_duration(boxes, header) or track.sample_duration
    length = sum(_run_length(boxes, box, usual) for box in boxes.each(fragment, b"trun"))
    track.begin = start if track.begin is None else min(track.begin, start)
    track.end = max(track.end, start + length)


def _decode_time(boxes: Boxes, box: Box) -> int:
    return boxes.number(box.start + 4, boxes.width(box))


def _default_duration(boxes: Boxes, header: Box) -> int | None:
    flags = boxes.flags(header)
    if not flags & _DEFAULT_DURATION:
        return None
    skipped = (8 if flags & _BASE_OFFSET else 0) + (4 if flags & _DESCRIPTION else 0)
    return boxes.number(header.start + 8 + skipped, 4)


def _run_length(boxes: Boxes, box: Box, usual: int) -> int:
    """Return the sum of a run's sample durations, in ticks."""
    flags, count = boxes.flags(box), boxes.number(box.start + 4, 4)
    if not flags & _OWN_DURATIONS:
        return count * usual
    fields = sum(bool(flags & field) for field in _SAMPLE_FIELDS)
    first = 8 + (4 if flags & _DATA_OFFSET else 0) + (4 if flags & _FIRST_FLAGS else 0)
    return sum(_durations(boxes.content(box)[first:], count, 4 * fields))


def _durations(samples: bytes, count: int, stride: int) -> Iterator[int]:
    for offset in range(0, min(count * stride, len(samples)), stride):
        yield int.from_bytes(samples[offset : offset + 4], "big")
