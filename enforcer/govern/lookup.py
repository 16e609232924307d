"""Items by their name, and the name by which acts find them again in a later epoch."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, select

from enforcer.govern.naming import Name, parse
from enforcer.index.tables import items
from retention.calendar import Instant
from retention.errors import ConfigError
from retention.hold import ItemRef

StoredRow = Row[*tuple[Any, ...]]
"""A row of a whole table."""


def row_of(connection: Connection, name: Name) -> StoredRow:
    """What the index has of an item; `ConfigError` if it has none, or no more."""
    row = connection.execute(
        select(items).where(
            items.c.store == name.store, items.c.epoch == name.epoch, items.c.number == name.number
        )
    ).one_or_none()
    if row is None or row.state == "erased":
        raise ConfigError(f"there is no item {name}, or no more")
    return row


def reference(row: StoredRow) -> ItemRef:
    """The lasting name of an item: source, interval and fingerprint find it under a later epoch."""
    anchor = row.seen if row.anchor is None else row.anchor
    return ItemRef(
        store=row.store,
        epoch=row.epoch,
        number=row.number,
        source=row.source,
        begins=Instant(anchor - row.before),
        ends=Instant(anchor + row.after),
        fingerprint=row.fingerprint,
    )


def find_items(connection: Connection, names: Iterable[str]) -> tuple[ItemRef, ...]:
    """The lasting names of items; `ConfigError` if one is not there."""
    return tuple(reference(row_of(connection, parse(name))) for name in names)
