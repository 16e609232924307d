"""A recording as it is remembered: what was found, when it was first seen, and which time is believed."""

from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

from agents.stores import Generation, Part
from retention.anchor import Dated, Window
from retention.calendar import Instant, civil_date
from retention.classes import RecordClass
from retention.media import MediaKind
from retention.numbers import Keyed
from retention.probes import Candidate, TimeSource


class Early(NamedTuple):
    """When a file was first seen at the earliest, and with which window; the rest as in `Sight`.

    Its mtime is then so much earlier too, if it was written `since` this by the same clock.
    """

    seen: Instant
    window: Window | None
    since: Instant


class Sight(NamedTuple):
    """When and how a file was first seen.

    `window` is None where nobody knows when it came, and `scan` the catalogue's number of the last
    complete scan before it was, 0 for none. `offset` is by how many seconds the wall clock that
    wrote the mtime was ahead of the true time; `period` is the catalogue's stretch of that clock, 0
    if it is known to be right. `restored`: what comes now came from a backup. `early`: all this is
    the latest that it can be, because nobody has told the time to a boot.
    """

    seen: Instant
    window: Window | None
    period: int
    offset: int = 0
    restored: bool = False
    scan: int = 0
    early: Early | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """A file that is a recording, with everything the catalogue keeps of it."""

    directory: bytes
    name: bytes
    generation: Generation
    links: int
    fingerprint: bytes
    kind: MediaKind
    source: str
    record_class: RecordClass
    span: int
    dated: Dated
    candidates: tuple[Candidate, ...]
    sight: Sight
    part: Part | None = None
    numbers: tuple[Keyed, ...] = ()

    @property
    def civil(self) -> int:
        """The civil date that its limits follow from, as an ordinal; undated: of first sight."""
        return self.civil_of(self.sight.seen if self.dated.anchor is None else self.dated.anchor)

    def civil_of(self, instant: Instant) -> int:
        """The civil date of an instant in the zone of its class, as an ordinal."""
        return civil_date(instant, ZoneInfo(self.record_class.zone)).toordinal()


def best_evidence(recording: Recording) -> bool:
    """Whether its own name or content, not only its mtime, says that it was recorded just now."""
    dated = recording.dated
    weak = {str(TimeSource.MTIME), "bounded", "undated", "assumed"}
    return not dated.late and dated.how not in weak
