"""Looks at the state of compliance once a minute, so that each day's leaf can tell how long it was what."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection, Engine

from enforcer import comply
from enforcer.clock import Clock
from enforcer.comply import Position
from enforcer.index import standings
from enforcer.index.engine import reading, writing
from enforcer.index.policies import Chains
from enforcer.tasks import days
from enforcer.tasks.days import Seen
from retention.calendar import Instant, civil_date

_LONGEST_SECONDS = 3 * 60
"""A longer pause between two looks was not watched: the machine slept, or its clock was set."""

_LOG = structlog.get_logger()


class Watch:
    """Counts each look for the time since the one before. `zone` is where days are counted.

    When that was stands in the index: several processes look at one, and no second counts twice.
    """

    def __init__(self, engine: Engine, chains: Chains, clock: Clock, zone: ZoneInfo) -> None:
        self._engine = engine
        self._chains = chains
        self._clock = clock
        self._zone = zone

    def look(self) -> None:
        """One look; the first two in a row of a day also write the leaves of the days before."""
        now = self._clock()
        with reading(self._engine) as connection:
            chain = self._chains.read(connection)
            seen = list(_seen(comply.positions(connection, chain, now)))
        with writing(self._engine) as connection:
            before = standings.last_look(connection)
            if before is not None and 0 <= before - now <= _LONGEST_SECONDS:
                return  # another process looked later
            standings.note(connection, {each.record_class: each.state for each in seen}, now)
            standings.look(connection, now)
            closed = 0
            if before is not None and 0 < now - before <= _LONGEST_SECONDS:
                closed = self._count(connection, seen, before, now)
        if closed:
            _LOG.info("wrote the leaves of past days", count=closed)

    def _count(self, connection: Connection, seen: list[Seen], since: Instant, now: Instant) -> int:
        """Count the time since then, and give how many leaves of past days were written."""
        for day, seconds in days.split(since, now, self._zone):
            days.watch(connection, seen, day, seconds)
        names, today = {each.record_class for each in seen}, civil_date(now, self._zone)
        return days.close(connection, names, today, self._zone, now)


def _seen(positions: Iterable[Position]) -> Iterator[Seen]:
    """Each class over all stores: its strict state, and every reason for what is not ok."""
    found = list(positions)
    reasons: defaultdict[str, set[str]] = defaultdict(set)
    for position in found:
        reasons[position.record_class] |= {reason.word for reason in position.reasons}
    for standing in comply.standings(found):
        name = standing.record_class
        yield Seen(name, standing.state, frozenset(reasons[name]))
