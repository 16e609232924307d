"""A period while one policy version is the newest in effect.

What is due under a version stays due; what is not due when the next version takes effect is
judged by that one (docs/rules.md, Calendar). So a version announced for next month erases nothing
today, and no date jumps when its day comes.
"""

from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from retention.calendar import (
    Instant,
    Period,
    civil_date,
    delete_through,
    limit_through,
    limits,
    start_of_day,
)
from retention.classes import RecordClass


class Reached(NamedTuple):
    """What a reign makes of a civil date: its own target, its limit, and the last day before it."""

    must_be_gone_by: Instant
    outer_bound: Instant
    last_day: date


class Reign(NamedTuple):
    """A period in a zone, from the instant `begins` to before `ends`; None: without end there."""

    period: Period
    zone: ZoneInfo
    begins: Instant | None
    ends: Instant | None

    @classmethod
    def of(cls, record_class: RecordClass, since: date | None, until: date | None) -> "Reign":
        """The class's period on the days from `since` to before `until`."""
        zone = ZoneInfo(record_class.zone)
        first, last = (None if day is None else start_of_day(day, zone) for day in (since, until))
        return cls(Period.parse(record_class.period), zone, first, last)

    def reached(self, day: date) -> Reached | None:
        """What a recording of this day comes to in this reign; None if its end comes later."""
        found = limits(day, self.period, self.zone, 0)
        target, limit = found.must_be_gone_by, found.outer_bound
        if self.begins is not None:
            target, limit = max(target, self.begins), max(limit, self.begins)
        if self.ends is not None and target >= self.ends:
            return None
        last_day = found.last_day if limit == found.outer_bound else self._day_before(limit)
        return Reached(target, limit, last_day)

    def target_through(self, now: Instant) -> date | None:
        """The last civil date whose own target this reign has reached by `now`, if any."""
        last = now if self.ends is None else min(now, Instant(self.ends - 1))
        if self.begins is not None and last < self.begins:
            return None  # not begun, or ended on the day it began
        return delete_through(last, self.period, self.zone, 0)

    def limit_through(self, now: Instant) -> date | None:
        """The last civil date that reached its target in this reign and its limit by `now`, if any."""
        if self.begins is not None and now < self.begins:
            return None
        past = limit_through(now, self.period, self.zone)
        if self.ends is None:
            return past
        reached = self.target_through(self.ends)
        return None if reached is None else min(past, reached)

    def _day_before(self, limit: Instant) -> date:
        return civil_date(Instant(limit - 1), self.zone)
