"""Which time to believe: from a file's candidates and what the agent saw, to one anchor.

The anchor is the start of the recording (docs/rules.md, Dating). What the agent saw for itself,
the *window* in which the file appeared, outranks what any clock wrote into the file; inside the
window the earliest candidate wins, because early dating at worst deletes a little sooner and late
dating breaks the promise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import IntEnum
from typing import NamedTuple

from retention.calendar import DAY, Instant, civil_date, iso, to_instant
from retention.probes import DECLARED, Candidate, TimeSource, ZoneKnowledge

#: How anchors are found that no single candidate gives.
BOUNDED, UNDATED, ASSUMED = "bounded", "undated", "assumed"
#: An anchor that came with the content from an earlier name or epoch, or from two people.
INHERITED, CORRECTED = "inherited", "corrected"
#: An anchor that is the latest it can be: nobody has told the time to the boot that saw its file.
LATEST = "latest"
#: An anchor by a clock that nobody has confirmed yet: nothing goes by it, and it is no evidence.
DOUBTED = "doubted"
#: An anchor that stayed when other bytes were written into the file: it says nothing of these.
REWRITTEN = "rewritten"

#: A late arrival is never erased at first sight (docs/rules.md, Dating).
LATE_ARRIVAL_SECONDS = 24 * 3600
#: People have a week to date what cannot be dated; then it goes.
UNDATED_SECONDS = 7 * DAY
#: A recorder and its terminal may disagree by this much without anybody's date being in the future.
TOLERANCE_SECONDS = 120
#: Dates by the recorder's clock and on purpose: no guess, and not the store's own clock.
RECORDERS_OWN = frozenset(TimeSource) - {
    TimeSource.NAME_GUESS,
    TimeSource.DIRECTORY,
    TimeSource.MTIME,
}

_DECLARED = {
    TimeSource.STATED: "the storage keeps its date beside it",
    TimeSource.NAME: "its name matches the pattern declared for its source",
    TimeSource.SIDECAR: "its sidecar says so, in the field declared for it",
}


class Evidence(IntEnum):
    """How well an anchor is attested, for who has to choose between two of one recording."""

    NONE = 0
    CLAIM = 1  # a guess or an mtime that nothing bears out
    SEEN = 2  # when the file came, or two witnesses that agree
    OWN = 3  # the recorder's own clock, or a name by its source's pattern
    PEOPLE = 4


_RANK = {source: rank for rank, source in enumerate(TimeSource)}

_LAST_SECOND = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 - on any wall


class Window(NamedTuple):
    """When the file came: after a complete scan that did not see it began, by when it was seen."""

    after: Instant
    until: Instant


class Reading(NamedTuple):
    """What a candidate means in the source's zone: it began in `earliest`..`latest`."""

    source: TimeSource
    earliest: Instant
    latest: Instant
    watched: bool = True  # False: by a clock of which nobody knows whether it was right

    def inside(self, window: Window) -> bool:
        """Whether the recording can have begun in the window by it, clocks being as they are."""
        return self.latest >= window.after and self.earliest <= window.until + TOLERANCE_SECONDS


@dataclass(frozen=True, slots=True)
class Dated:
    """One recording's anchor, and why.

    `how` is the candidate's source or one of the words above. The recording lies somewhere in
    `earliest`..`latest`, whichever plausible candidate is right; None with an undated one.
    `late` marks a late arrival. `skew` is by how many seconds the recorder's own date lies off
    the window (positive: in the future), 0 if it does not. `unsure`: its time may be over before that
    of its anchor is, because nobody knows how early it was seen.
    """

    anchor: Instant | None
    how: str
    reason: str
    earliest: Instant | None = None
    latest: Instant | None = None
    late: bool = False
    skew: int = 0
    unsure: bool = False

    @property
    def ordinary(self) -> bool:
        """Whether nothing about the decision is worth keeping beyond its result."""
        return self.how not in {BOUNDED, UNDATED, ASSUMED} and not self.late and not self.skew

    def or_as_early_as(self, other: "Dated") -> "Dated":
        """What is dated so at the latest, and like the other at the earliest. Two dates of one recording.

        The day of grace of a late arrival and the week of an undated one begin when it was seen.
        """
        earliest = [each.earliest for each in (self, other) if each.earliest is not None]
        unsure = self.late or self.anchor is None or self.anchor != other.anchor
        return replace(self, earliest=min(earliest, default=None), unsure=unsure)


def read(candidate: Candidate, zone: tzinfo, span: int) -> Reading:
    """Turn a candidate into instants of the *start*; what marks an end is `span` seconds earlier.

    A naive local time that exists twice or never: from the earlier reading to the later. UTC or
    local: both. A whole day is one on the wall, be it 23 or 25 hours long.
    """
    first = candidate.value
    width = timedelta(seconds=candidate.precision_seconds - 1)
    last = first + min(width, _LAST_SECOND - first.replace(tzinfo=None))
    moments = [each for value in (first, last) for each in _moments(value, candidate.zone, zone)]
    back = span if candidate.is_end else 0
    return Reading(candidate.source, Instant(min(moments) - back), Instant(max(moments) - back))


def _moments(value: datetime, known: ZoneKnowledge, zone: tzinfo) -> list[Instant]:
    if value.tzinfo:
        return [to_instant(value)]
    moments = [to_instant(value.replace(tzinfo=zone, fold=fold)) for fold in (0, 1)]
    if known is ZoneKnowledge.UTC_OR_LOCAL:
        moments.append(to_instant(value.replace(tzinfo=UTC)))
    return moments


def date_recording(
    candidates: Sequence[Candidate],
    *,
    zone: tzinfo,
    first_seen: Instant,
    commissioned: Instant,
    window: Window | None = None,
    existed: Instant | None = None,
    span: int = 0,
    max_delay: int = 0,
    imports: bool = False,
    restored: bool = False,
    written: Sequence[int] = (0,),
) -> Dated:
    """The anchor of a recording.

    `first_seen` is when somebody first looked at it, `commissioned` when the store went into
    service. `window` is None where nobody knows when the file came: a backlog at installation, a
    restored store, an auditor. `existed` is an instant at which the storage had it already, where
    it tells one (LastModified): it bounds every date from above and is none itself. `max_delay` is
    seconds a finished file may take to appear. `restored`: it came from a backup, say two people,
    so the window tells when it came back and nothing of when it began.
    `written`: by how many seconds each clock was ahead that may have written the mtime; none: no
    clock that anybody watched. Inside a window such an mtime is no date: who knows when it was.
    """
    if first_seen < commissioned:
        return Dated(None, UNDATED, "the clock by which it was first seen was wrong")
    readings = [read(candidate, zone, span) for candidate in candidates]
    there = first_seen if existed is None else min(first_seen, existed)
    if window is None:
        return _without_window(_plausible(readings, commissioned, there), span, zone)
    start = max(commissioned, Instant(min(window) - span - max_delay))
    if restored:
        dated = _without_window(_plausible(readings, commissioned, there), span, zone)
        return replace(dated, late=dated.anchor is not None and dated.anchor < start)
    came = Window(start, max(start, min(window.until, there)))
    readings = [_by_its_clock(each, written, came) for each in readings]
    plausible = _plausible(readings, commissioned, there)
    if imports and any(r.latest < start for r in plausible):
        return _late(plausible, span, zone)
    return _inside(readings, plausible, came, span, zone)


def evidence_of(how: str, *, late: bool) -> Evidence:
    """What stands behind an anchor that was found so; an inherited one has its giver's evidence.

    The date of a late arrival lies outside its window: without a word of its recorder's, nothing
    bears it out.
    """
    if how == CORRECTED:
        return Evidence.PEOPLE
    if how in RECORDERS_OWN:
        return Evidence.OWN
    if how in {UNDATED, REWRITTEN}:
        return Evidence.NONE
    return Evidence.CLAIM if late or how == ASSUMED else Evidence.SEEN


def _by_its_clock(reading: Reading, written: Sequence[int], window: Window) -> Reading:
    """An mtime as the clock meant it that wrote it: of those that allow it to lie in the window, the earliest."""
    if reading.source is not TimeSource.MTIME:
        return reading
    meant = [
        reading._replace(
            earliest=Instant(reading.earliest - ahead), latest=Instant(reading.latest - ahead)
        )
        for ahead in written
    ]
    unwatched = reading._replace(watched=False)
    return min((each for each in meant if each.inside(window)), default=unwatched)


def _plausible(
    readings: Iterable[Reading], commissioned: Instant, there: Instant
) -> Sequence[Reading]:
    """What may be true of the readings: nothing from before the store's time, nor of when it was there."""
    plausible = [
        each._replace(earliest=max(each.earliest, commissioned))
        for each in readings
        if each.latest >= commissioned and each.earliest <= there + TOLERANCE_SECONDS
    ]
    return sorted(plausible, key=_order)


def _order(reading: Reading) -> tuple[Instant, int, Instant]:
    """Earlier first, then as `TimeSource` has them, an mtime last, then sharper first."""
    return reading.earliest, _RANK[reading.source], reading.latest


def _inside(
    readings: Sequence[Reading],
    plausible: Sequence[Reading],
    window: Window,
    span: int,
    zone: tzinfo,
) -> Dated:
    inside = [r for r in plausible if r.watched and r.inside(window)]
    skew = _skew(readings, window)
    if not inside:
        return Dated(
            window.after,
            BOUNDED,
            f"no date in it lies where it must: it came after {iso(window.after, zone)}",
            min([window.after, *(r.earliest for r in plausible)]),
            max([*window, *(Instant(r.latest + span) for r in plausible)]),
            skew=skew,
        )
    best = _sharp(inside, inside, zone)[0]
    anchor = max(min(best.earliest, window.until), window.after)
    reason = f"its {best.source} date is the earliest of those possible when it appeared"
    return _dated(anchor, best, reason, _sharp(plausible, inside, zone), span, skew=skew)


def _without_window(plausible: Sequence[Reading], span: int, zone: tzinfo) -> Dated:
    """The earliest reading that has something to stand on; else the earliest."""
    if not plausible:
        return Dated(None, UNDATED, "no date in it can be true")
    sharp = _sharp(plausible, plausible, zone)
    for reading in sharp:
        if reading.source in DECLARED:
            reason = _DECLARED[reading.source]
            return _dated(reading.earliest, reading, reason, sharp, span)
        witness = _agreeing(reading, plausible)
        if witness is not None:
            reason = f"its {reading.source} and {witness.source} dates agree within a day"
            return _dated(reading.earliest, reading, reason, sharp, span)
    best = sharp[0]
    reason = f"only its {best.source} date can be true: {iso(best.earliest, zone)}"
    return replace(_dated(best.earliest, best, reason, sharp, span), how=ASSUMED)


def _late(plausible: Sequence[Reading], span: int, zone: tzinfo) -> Dated:
    sharp = _sharp(plausible, plausible, zone)
    best = sharp[0]
    reason = f"copied here after it was recorded, says its {best.source} date: {iso(best.earliest, zone)}"
    return replace(_dated(best.earliest, best, reason, sharp, span), late=True)


def _dated(
    anchor: Instant,
    best: Reading,
    reason: str,
    readings: Sequence[Reading],
    span: int,
    *,
    skew: int = 0,
) -> Dated:
    """Dated by a reading; how wide the recording may lie, all of the readings say."""
    earliest = min([anchor, *(r.earliest for r in readings)])
    latest = max([anchor, *(r.latest for r in readings)])
    return Dated(anchor, str(best.source), reason, earliest, Instant(latest + span), skew=skew)


def _sharp(
    readings: Sequence[Reading], believed: Sequence[Reading], zone: tzinfo
) -> Sequence[Reading]:
    """The readings without those that one of the believed says more exactly.

    The directory of a day adds nothing to a second of that day; else a hold of half an hour would
    hold the day.
    """
    return [r for r in readings if not any(_sharpens(each, r, zone) for each in believed)]


def _sharpens(fine: Reading, coarse: Reading, zone: tzinfo) -> bool:
    """Whether one reading lies in the other, on the civil date that the other begins on.

    An mtime says when writing ended, not when the recording began: it sharpens nothing.
    """
    return (
        fine.source is not TimeSource.MTIME
        and coarse.earliest <= fine.earliest <= fine.latest <= coarse.latest
        and fine.latest - fine.earliest < coarse.latest - coarse.earliest
        and civil_date(fine.earliest, zone) == civil_date(coarse.earliest, zone)
    )


def _agreeing(reading: Reading, plausible: Sequence[Reading]) -> Reading | None:
    """Another witness within a day of this reading, or None."""
    for other in plausible:
        apart = max(other.earliest - reading.latest, reading.earliest - other.latest, 0)
        if other.source is not reading.source and apart <= DAY:
            return other
    return None


def _skew(readings: Sequence[Reading], window: Window) -> int:
    """How far off the recorder's clock is, by the first date of its own that says so."""
    for reading in readings:
        if reading.source not in RECORDERS_OWN:
            continue
        if reading.earliest > window.until + TOLERANCE_SECONDS:
            return reading.earliest - window.until
        if reading.latest < window.after:
            return reading.latest - window.after
    return 0
