"""Holds: how many stand, on what, and how old it was when it was held."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from enforcer.home import midnight, today
from enforcer.index.histograms import AGE_BOUNDS
from enforcer.index.tables import held_items, hold_ages, hold_stores, holds, items
from enforcer.metrics.family import Family, Labels, gauge, histogram, number
from retention.calendar import Instant
from retention.hold import Ground

_ITEM = and_(
    items.c.store == held_items.c.store,
    items.c.epoch == held_items.c.epoch,
    items.c.number == held_items.c.number,
)
_HELD = (
    select(holds.c.ground, items.c.record_class, func.count(), func.min(items.c.civil))
    .join_from(held_items, holds, holds.c.id == held_items.c.hold)
    .join(items, _ITEM)
    .group_by(holds.c.ground, items.c.record_class)
)
#: A ground without holds is told as 0, so that an alert sees the first one.
_NONE: dict[Labels, float] = {
    (ground.value, state): 0
    for ground in Ground
    for state in ("standing", "unconfirmed", "released")
}
_PENDING = select(func.count(func.distinct(hold_stores.c.store))).where(
    hold_stores.c.effective_at.is_(None), hold_stores.c.freed_at.is_(None)
)


def holding(connection: Connection, now: Instant) -> Iterator[Family]:
    """The register of holds, what they hold, and the answer to "why 60 days?"."""
    yield from _register(connection, now)
    yield from _held(connection)
    rows = connection.execute(select(hold_ages)).all()
    yield histogram(
        "retention_hold_item_age_at_placement_seconds",
        "Histogram of how old items were when they were held.",
        (),
        {(): ({age: count for age, count, _ in rows}, sum(seconds for _, _, seconds in rows))},
        AGE_BOUNDS,
    )


def _register(connection: Connection, now: Instant) -> Iterator[Family]:
    rows = connection.execute(select(holds)).all()
    open_holds = [row for row in rows if row.released_at is None]
    day = today(now).toordinal()
    yield gauge(
        "retention_holds",
        "Holds by ground and state.",
        ("ground", "state"),
        {**_NONE, **Counter((row.ground, _state(row)) for row in rows)},
    )
    yield number(
        "retention_hold_review_overdue",
        "Holds whose review is overdue.",
        sum(row.review_on < day for row in open_holds),
    )
    yield number(
        "retention_hold_pending_stores",
        "Stores on which some hold is not effective yet.",
        connection.execute(_PENDING).scalar_one(),
    )


def _held(connection: Connection) -> Iterator[Family]:
    counts: Counter[Labels] = Counter({(ground.value,): 0 for ground in Ground})
    oldest: dict[Labels, float] = {}
    for ground, name, count, civil in connection.execute(_HELD):
        counts[(ground,)] += count
        oldest[name, ground] = midnight(date.fromordinal(civil))
    yield gauge(
        "retention_hold_items",
        "Items held, by ground; an item may have several.",
        ("ground",),
        counts,
    )
    yield gauge(
        "retention_oldest_held_anchor_timestamp_seconds",
        "Start of the civil day of the oldest held item.",
        ("class", "ground"),
        oldest,
    )


def _state(row: Row[Any]) -> str:
    """A hold that only an agent spoke of waits for a person to take it on."""
    if row.released_at is not None:
        return "released"
    return "standing" if row.owner or row.confirmed_at is not None else "unconfirmed"
