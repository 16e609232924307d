"""When a recording must be gone: civil dates, periods, and the three instants that follow from them.

The rule (docs/rules.md, Calendar) starts at the civil date of the anchor in the source's zone, never
at the second. Two types keep civil and physical time apart: a `date` names a day on the wall, an
`Instant` a point in time. Arithmetic is done on whole numbers only. Python subtracts and compares
two datetimes of the same zone by their wall clocks, blind to a change of offset between them; that
is why no datetime outlives the function that made it, and why `fold` is only ever set in one place.

A `zone` is any `tzinfo`, in practice a `ZoneInfo`. Python keeps one per name for the life of the
process: new rules of a country reach a running program at its next start.
"""

import re
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, NewType, Self, cast, get_args

from retention.errors import MalformedError, PeriodError

Instant = NewType("Instant", int)
"""Whole seconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX)."""

Unit = Literal["D", "W", "M", "Y"]

DAY = 86_400
"""Seconds of an elapsed day; a civil day may have more or fewer."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_SECOND = timedelta(seconds=1)

_LONGEST: dict[Unit, int] = {"D": 36_525, "W": 5_217, "M": 1_200, "Y": 100}
"""A hundred years: beyond any statute, and far from the last date Python knows (9999-12-31)."""

_PERIOD = re.compile(r"P([1-9][0-9]{0,4})([DWMY])")
_ALMOST_A_PERIOD = re.compile(r"\s*P?\s*0*([1-9][0-9]{0,4})\s*([DWMY]?)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Period:
    """How long a class may be kept: `count` days, weeks, months or years, never mixed."""

    count: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.unit not in get_args(Unit) or not 1 <= self.count <= _LONGEST[self.unit]:
            raise PeriodError(_refusal(f"P{self.count}{self.unit}"))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read PnD, PnW, PnM or PnY of ISO 8601, in its one canonical spelling, or `PeriodError`."""
        match = _PERIOD.fullmatch(text)
        if match is None:
            raise PeriodError(_refusal(text))
        return cls(int(match[1]), cast("Unit", match[2]))

    def __str__(self) -> str:
        return f"P{self.count}{self.unit}"

    @property
    def days(self) -> int | None:
        """The days in it, or None where that depends on the month."""
        return {"D": self.count, "W": 7 * self.count}.get(self.unit)

    @property
    def roughly_days(self) -> int:
        """The days in it on average (146 097 in 4 800 Gregorian months): to rank, never to date."""
        return self.days if self.days is not None else self._months * 146_097 // 4_800

    @property
    def _months(self) -> int:
        return self.count * (12 if self.unit == "Y" else 1)

    def after(self, day: date) -> date:
        """Give the civil date this long after `day`; months and years stop at the month's end."""
        return self._shift(day, 1)

    def before(self, day: date) -> date:
        """Give the civil date this long before `day`; months and years stop at the month's end."""
        return self._shift(day, -1)

    def _shift(self, day: date, sign: int) -> date:
        try:
            if self.days is not None:
                return day + timedelta(days=sign * self.days)
            return _add_months(day, sign * self._months)
        except (OverflowError, ValueError) as exc:
            raise MalformedError(
                f"{day} is too far from the present to count {self} from it"
            ) from exc


_ONE_DAY = Period(1, "D")


@dataclass(frozen=True, slots=True)
class Limits:
    """What follows from a civil date and a period (docs/rules.md, Calendar)."""

    civil_date: date
    """The day of the recording, in the source's zone."""
    last_day: date
    """The last day of the period, the day of the recording not counted."""
    due_at: Instant
    """Sweeping may begin; erasing anything before is early (I1)."""
    must_be_gone_by: Instant
    """E, our own target: safe under every reading of the period. Later is overdue (I3)."""
    outer_bound: Instant
    """L, the end of the last day (Regulation 1182/71 Art. 3). Later breaks the promise."""


def to_instant(moment: datetime) -> Instant:
    """Drop the fraction of a second of an aware datetime; a naive one is a `MalformedError`."""
    if moment.utcoffset() is None:
        raise MalformedError(f"{moment.isoformat()} does not say its offset from UTC")
    return Instant((moment - _EPOCH) // _ONE_SECOND)


def parse_instant(text: str) -> Instant:
    """Read an ISO 8601 date and time with its offset (`Z` or `+02:00`), or `MalformedError`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise MalformedError(
            f"{text[:40]!r} is not a time such as 2026-01-15T14:20:00+02:00"
        ) from exc
    if moment.utcoffset() is None:
        raise MalformedError(
            f"{text[:40]!r} does not say its offset from UTC: write it as 2026-01-15T14:20:00+02:00"
        )
    return to_instant(moment)


def iso(instant: Instant, zone: tzinfo) -> str:
    """Write an instant in ISO 8601 with the offset the zone has at that instant."""
    return _on_the_wall(instant, zone).isoformat()


def civil_date(instant: Instant, zone: tzinfo) -> date:
    """Give the date on a calendar in the zone at that instant."""
    return _on_the_wall(instant, zone).date()


def start_of_day(day: date, zone: tzinfo) -> Instant:
    """Find the first instant at which a calendar in the zone shows `day` or a later date.

    That is midnight, the first of two where clocks go back over it. Where clocks skip midnight
    it is the moment of the jump; where they skip the whole day (Apia, 2011-12-30), the start of
    the next one. So defined, it never decreases from one day to the next.
    """
    midnight = datetime.combine(day, time.min, zone)
    readings = to_instant(midnight), to_instant(midnight.replace(fold=1))
    earlier, later = min(readings), max(readings)
    if earlier == later or civil_date(earlier, zone) >= day:
        return earlier
    # Skipped: read with the offset after the jump, midnight lies before it; with the other, after.
    seconds = range(earlier, later)
    jump = bisect_left(seconds, day, key=lambda second: civil_date(Instant(second), zone))
    return Instant(earlier + jump)


def limits(day: date, period: Period, zone: tzinfo, lead: int) -> Limits:
    """Derive the limits of what was recorded on `day`; `lead` is seconds, at least 0."""
    last_day = period.after(day)
    gone_by = _must_be_gone_by(day, period, zone)
    return Limits(
        civil_date=day,
        last_day=last_day,
        due_at=Instant(gone_by - lead),
        must_be_gone_by=gone_by,
        outer_bound=_outer_bound(day, period, zone),
    )


def delete_through(now: Instant, period: Period, zone: tzinfo, lead: int) -> date:
    """Find the last civil date that is due: `due_at` <= `now` for it and every one before.

    One date answers for a whole class because `must_be_gone_by` never decreases from one day to
    the next. The day whose period ends today is due, since today has begun; clamped months and
    the elapsed-time term put the answer at most a few days after it.
    """
    swept_to = Instant(now + lead)
    due = period.before(civil_date(swept_to, zone))
    return _last_day_that(lambda day: _must_be_gone_by(day, period, zone) <= swept_to, due)


def limit_through(now: Instant, period: Period, zone: tzinfo) -> date:
    """Find the last civil date past its limit: `outer_bound` <= `now` for it and every one before."""
    past = period.before(_ONE_DAY.before(civil_date(now, zone)))
    return _last_day_that(lambda day: _outer_bound(day, period, zone) <= now, past)


def _last_day_that(holds: Callable[[date], bool], day: date) -> date:
    """Step on from a day for which it holds while it still does; it never holds again after."""
    while holds(tomorrow := _ONE_DAY.after(day)):
        day = tomorrow
    return day


def _outer_bound(day: date, period: Period, zone: tzinfo) -> Instant:
    """L: the end of the last day."""
    return start_of_day(_ONE_DAY.after(period.after(day)), zone)


def _must_be_gone_by(day: date, period: Period, zone: tzinfo) -> Instant:
    """E: the last day's first instant, or `days` elapsed from the first of `day` if earlier."""
    calendar_term = start_of_day(period.after(day), zone)
    if period.days is None:
        return calendar_term
    elapsed_term = Instant(start_of_day(day, zone) + period.days * DAY)
    return min(calendar_term, elapsed_term)


def _on_the_wall(instant: Instant, zone: tzinfo) -> datetime:
    try:
        return datetime.fromtimestamp(instant, zone)
    except (OverflowError, ValueError, OSError) as exc:
        raise MalformedError(f"{instant} is not within the years 1 to 9999") from exc


def _add_months(day: date, months: int) -> date:
    year, month = divmod(12 * day.year + day.month - 1 + months, 12)
    _, month_end = monthrange(year, month + 1)
    return date(year, month + 1, min(day.day, month_end))


def _refusal(text: str) -> str:
    sentence = f"{text[:40]!r} is not a period: write P60D, P8W, P6M or P3Y, at most 100 years"
    almost = _ALMOST_A_PERIOD.fullmatch(text)
    if almost is None:
        return sentence
    count, unit = int(almost[1]), cast("Unit", almost[2].upper() or "D")
    return f"{sentence}; did you mean P{count}{unit}?" if count <= _LONGEST[unit] else sentence
