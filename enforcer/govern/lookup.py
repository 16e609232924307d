"""Items by their name."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, select

from enforcer.govern.naming import Name, parse
from enforcer.index.scope import reference
from enforcer.index.tables import items
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


def find_items(connection: Connection, names: Iterable[str]) -> tuple[ItemRef, ...]:
    """The lasting names of items; `ConfigError` if one is not there."""
    return tuple(reference(row_of(connection, parse(name))) for name in names)
