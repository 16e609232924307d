"""What time a file says it was recorded: from its bytes, its name and its mtime.

One file per format. A probe is pure: ranges of bytes and a name come in, candidates go out, and
whatever the bytes are, nothing is raised and the cost is bounded. A broken file has a candidate
less. Which candidate to believe is `retention.anchor`'s to say (docs/rules.md, Dating).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from types import MappingProxyType

from retention.calendar import DAY
from retention.errors import MalformedError, WithheldError
from retention.media import HEAD_BYTES, MediaFormat, MediaKind, format_of, recognise
from retention.probes.candidate import (
    DECLARED,
    Candidate,
    Finding,
    Probed,
    Span,
    Telephone,
    TimeSource,
    ZoneKnowledge,
)
from retention.probes.exif import read_exif
from retention.probes.guess import guess_from_directories, guess_from_name
from retention.probes.matroska import read_matroska
from retention.probes.mp3 import read_mp3
from retention.probes.mp4 import read_mp4
from retention.probes.name import NamePattern
from retention.probes.ogg import read_ogg
from retention.probes.pcap import read_pcap
from retention.probes.source import ByteSource, BytesSource, Reader
from retention.probes.strptime import UNIX_EPOCH
from retention.probes.wave import read_wave

__all__ = [
    "DECLARED",
    "ByteSource",
    "BytesSource",
    "Candidate",
    "Finding",
    "NamePattern",
    "Probed",
    "Span",
    "Telephone",
    "TimeSource",
    "ZoneKnowledge",
    "probe",
]

_FORMATS: Mapping[MediaFormat, Callable[[Reader], Iterator[Finding]]] = MappingProxyType(
    {
        MediaFormat.JPEG: read_exif,
        MediaFormat.MP4: read_mp4,
        MediaFormat.MATROSKA: read_matroska,
        MediaFormat.WAVE: read_wave,
        MediaFormat.OGG: read_ogg,
        MediaFormat.MP3: read_mp3,
        MediaFormat.PCAP: read_pcap,
    }
)

_NOTHING = BytesSource(b"")

_MOST_FINDINGS = 16
"""Of one file's bytes; honest ones have five at most."""

_LONGEST_SPAN_SECONDS = 7 * DAY
"""No recorder cuts later; a longer one is a broken counter, and would widen a window for nothing."""


def probe(
    source: ByteSource,
    *,
    name: bytes,
    mtime_ns: int | None,
    patterns: Sequence[NamePattern] = (),
    stated: Sequence[Finding] = (),
    sparing: bool = False,
) -> Probed:
    """Collect every time the file claims: embedded, in its name, in its directories, its mtime.

    `name` is the path below its source's directory, '/' between the parts, as the file system
    has it; `patterns` are those declared for the source. `stated` is what the storage keeps beside
    the bytes; `mtime_ns` is None where no recorder can have set it. Order: embedded, stated,
    declared name, guesses, mtime. Raises only what `source.read` raises.

    `sparing`, where each read is a request to a server: bytes are read only if all else together
    does not say what it is, on which declared date, and, unless it is a picture, how long it is.
    Where they are withheld, what all else says has to do, if that is enough to say what it is.
    """
    if not sparing:
        return _probed(source, name, mtime_ns, patterns, stated)
    told = _probed(_NOTHING, name, mtime_ns, patterns, stated)
    if _suffices(told):
        return told
    try:
        return _probed(source, name, mtime_ns, patterns, stated)
    except WithheldError:
        if told.kind is MediaKind.OTHER:
            raise
        return told


def _probed(
    source: ByteSource,
    name: bytes,
    mtime_ns: int | None,
    patterns: Sequence[NamePattern],
    stated: Sequence[Finding],
) -> Probed:
    """The same, whatever it costs."""
    reader = Reader(source)
    head = reader.head(HEAD_BYTES)
    findings = [
        *_embedded(reader, format_of(head)),
        *stated,
        *_named(name, patterns),
        *_modified(mtime_ns),
    ]
    spans = [found.seconds for found in findings if isinstance(found, Span)]
    believable = [seconds for seconds in spans if 0 < seconds <= _LONGEST_SPAN_SECONDS]
    return Probed(
        kind=recognise(name, head),
        span_seconds=max(believable, default=None),
        candidates=tuple(found for found in findings if isinstance(found, Candidate)),
        numbers=tuple(found.written for found in findings if isinstance(found, Telephone)),
    )


def _suffices(told: Probed) -> bool:
    """Whether bytes need not be asked. A hold has to match all of a clip, so its length matters."""
    long = told.kind is not MediaKind.IMAGE and told.span_seconds is None
    dated = any(candidate.declared for candidate in told.candidates)
    return dated and told.kind is not MediaKind.OTHER and not long


def _embedded(reader: Reader, layout: MediaFormat | None) -> Iterator[Finding]:
    """Yield what the format's own fields say, as far as they can be read."""
    if layout is not None and layout in _FORMATS:
        try:
            yield from islice(_FORMATS[layout](reader), _MOST_FINDINGS)
        except MalformedError:
            return  # what was found before the break stands


def _named(name: bytes, patterns: Sequence[NamePattern]) -> Iterator[Candidate]:
    """Yield what the name says; where a declared pattern speaks, nobody guesses at the base name."""
    declared = [found for pattern in patterns if (found := pattern.match(name))]
    yield from declared or guess_from_name(name)
    yield from guess_from_directories(name)


def _modified(mtime_ns: int | None) -> Iterator[Candidate]:
    """Yield the mtime: writing ended then or before, so it bounds the recording's end from above."""
    if mtime_ns is None:
        return
    try:
        value = UNIX_EPOCH + timedelta(seconds=mtime_ns // 10**9)
    except OverflowError:
        return  # a time no calendar has
    yield Candidate(TimeSource.MTIME, value, ZoneKnowledge.UTC, is_end=True)
