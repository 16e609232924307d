"""Which stores have planted their canary: one a day, and its absence says something too."""

from zoneinfo import ZoneInfo

from sqlalchemy import Connection, exists, select

from enforcer.index import tally
from enforcer.index.tables import stores, tallies
from retention.calendar import Instant, civil_date
from retention.classes import CANARY
from retention.policy import Chain

PLANTED_IN = frozenset({"terminal", "directory"})
"""Kinds of stores with canaries. Where a bucket or a database is swept, the agent has no right to
write, and that is worth more: its canary would have to be written by whoever writes there."""

MORNING_SECONDS = 6 * 3600
"""From so long after midnight on the day's canary has to be there."""


def planted(connection: Connection, chain: Chain, now: Instant) -> frozenset[str]:
    """The stores of which the last canary that is to be expected by now was seen, whatever became of it."""
    named = (each.record_class(CANARY) for each in reversed(chain.policies))
    zone = next((each.zone for each in named if each), "UTC")
    day = civil_date(Instant(now - MORNING_SECONDS), ZoneInfo(zone))
    c = tallies.c
    seen = exists().where(
        c.store == stores.c.id,
        c.record_class == CANARY,
        c.civil >= day.toordinal(),
        c.state == tally.SEEN,
        c["items"] > 0,
    )
    return frozenset(connection.execute(select(stores.c.id).where(seen)).scalars())
