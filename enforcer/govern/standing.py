"""Which holds stand on an item: those its store has acknowledged, and those still on their way."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, select

from enforcer.govern.lookup import StoredRow
from enforcer.index import numbers
from enforcer.index.scope import Scope
from enforcer.index.tables import held_items, hold_stores, holds
from retention import codec
from retention.calendar import Instant
from retention.hold import StoreHold


def holds_on(connection: Connection, item: StoredRow) -> Sequence[str]:
    """Ids of the holds on a row of `items`. A hold that nobody released stands, wherever it is."""
    reported = select(held_items.c.hold).where(
        held_items.c.store == item.store,
        held_items.c.epoch == item.epoch,
        held_items.c.number == item.number,
    )
    found = set(connection.execute(reported).scalars())
    rows = connection.execute(
        select(holds.c.id, holds.c.begins, holds.c.ends, holds.c.scope)
        .join(hold_stores, hold_stores.c.hold == holds.c.id)
        .where(hold_stores.c.store == item.store, holds.c.released_at.is_(None))
    )
    found |= {row.id for row in rows if _covers(connection, row, item)}
    return sorted(found)


def _covers(connection: Connection, row: StoredRow, item: StoredRow) -> bool:
    """What the store's agent will find when the hold reaches it."""
    scope = codec.decode(row.scope, Scope)
    if any(
        (i.store, i.epoch, i.number) == (item.store, item.epoch, item.number) for i in scope.items
    ):
        return True
    hold = StoreHold(row.id, row.begins, row.ends, scope.sources, scope.items, scope.numbers)
    told = () if scope.numbers is msgspec.UNSET else numbers.of_item(connection, item)
    if item.anchor is None:
        return hold.matches(item.source, None, None, item.fingerprint, told)
    earliest, latest = Instant(item.anchor - item.before), Instant(item.anchor + item.after)
    return hold.matches(item.source, earliest, latest, item.fingerprint, told)
