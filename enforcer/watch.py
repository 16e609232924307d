"""Looks at the state of compliance once a minute, so that each day's leaf can tell how long it was what."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Engine

from enforcer import comply, days
from enforcer.clock import Clock
from enforcer.comply import Position
from enforcer.days import Seen
from enforcer.index import standings
from enforcer.index.engine import reading, writing
from enforcer.index.policies import Chains
from retention.calendar import Instant, civil_date

_LONGEST_SECONDS = 3 * 60
"""A longer pause between two looks was not watched: the machine slept, or its clock was set."""

_LOG = structlog.get_logger()


class Watch:
    """Counts each look for the time since the one before. `zone` is where days are counted."""

    def __init__(self, engine: Engine, chains: Chains, clock: Clock, zone: ZoneInfo) -> None:
        self._engine = engine
        self._chains = chains
        self._clock = clock
        self._zone = zone
        self._last: Instant | None = None

    def look(self) -> None:
        """One look; the first of a day also writes the leaves of the days before."""
        now = self._clock()
        with reading(self._engine) as connection:
            chain = self._chains.read(connection)
            seen = list(_seen(comply.positions(connection, chain, now)))
        with writing(self._engine) as connection:
            standings.note(connection, {each.record_class: each.state for each in seen}, now)
            for day, seconds in self._watched(now):
                days.watch(connection, seen, day, seconds)
            closed = days.close(connection, civil_date(now, self._zone), self._zone, now)
        self._last = now
        if closed:
            _LOG.info("wrote the leaves of past days", count=closed)

    def _watched(self, now: Instant) -> Iterator[tuple[date, int]]:
        if self._last is None or not 0 <= now - self._last <= _LONGEST_SECONDS:
            return iter(())
        return days.split(self._last, now, self._zone)


def _seen(positions: Iterable[Position]) -> Iterator[Seen]:
    """Each class over all stores: its strict state, and every reason for what is not ok."""
    found = list(positions)
    reasons: defaultdict[str, set[str]] = defaultdict(set)
    for position in found:
        reasons[position.record_class] |= {reason.word for reason in position.reasons}
    for standing in comply.standings(found):
        name = standing.record_class
        yield Seen(name, standing.state, frozenset(reasons[name]))
