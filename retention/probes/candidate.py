"""A time a file claims for itself, and how far the claim goes.

A probe collects candidates; which one to believe is decided elsewhere (docs/rules.md, Dating).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from retention.errors import MalformedError
from retention.media import MediaKind


class TimeSource(StrEnum):
    """Where a candidate was found. Two of the same source are one witness, not two."""

    EXIF = "exif"
    MP4 = "mp4"
    MATROSKA = "matroska"
    WAVE = "wave"  # bext and ICRD: one recorder wrote both
    OGG = "ogg"
    MP3 = "mp3"
    PCAP = "pcap"
    STATED = "stated"  # the storage keeps it beside the bytes: user metadata, a row's time column
    NAME = "name"  # the name matches a pattern that was declared for the file's source
    NAME_GUESS = "name-guess"  # the name looks like a date; nobody said that it is one
    DIRECTORY = "directory"  # a directory's name looks like a date: a guess as well
    SIDECAR = "sidecar"
    MTIME = "mtime"


DECLARED = frozenset({TimeSource.STATED, TimeSource.NAME, TimeSource.SIDECAR})
"""Where the time stands because a person said beforehand that it does."""


class ZoneKnowledge(StrEnum):
    """What is known of the zone a candidate was written in."""

    OFFSET = "offset"  # its distance from UTC is in the file
    UTC = "utc"
    LOCAL = "local"  # wall time of the recorder: naive, of the source's zone
    UTC_OR_LOCAL = "utc-or-local"  # UTC by its standard, wall time by many recorders: naive


@dataclass(frozen=True, slots=True)
class Candidate:
    """One claim: "this recording started at `value`" (or ended by then, if `is_end`).

    `value` is in whole seconds, rounded down; aware for the zones `OFFSET` and `UTC`, naive for
    the other two. The moment meant lies in [value, value + precision_seconds). `tag` names the
    field, pattern or guess, so that a person can check the claim.
    """

    source: TimeSource
    value: datetime
    zone: ZoneKnowledge
    tag: str = ""
    is_end: bool = False
    precision_seconds: int = 1

    def __post_init__(self) -> None:
        """Keep zone and value of one mind."""
        known = self.zone in (ZoneKnowledge.OFFSET, ZoneKnowledge.UTC)
        if known != (self.value.utcoffset() is not None):
            raise MalformedError(f"A time of zone {self.zone} cannot be written {self.value!r}.")

    @property
    def declared(self) -> bool:
        """Whether a person said beforehand that this is where the time stands."""
        return self.source in DECLARED


@dataclass(frozen=True, slots=True)
class Span:
    """How long a recording lasts, in whole seconds, rounded up."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Telephone:
    """A number that a call was made with, as somebody wrote it. It stays where it was found."""

    written: str


Finding = Candidate | Span | Telephone
"""What a format's reader yields, in the order it comes upon it."""


@dataclass(frozen=True, slots=True)
class Probed:
    """All that a file says of itself. `span_seconds` is None where it does not say how long it is."""

    kind: MediaKind
    span_seconds: int | None
    candidates: tuple[Candidate, ...]
    numbers: tuple[str, ...] = ()
