"""Telephone numbers of calls, keyed: which items were made with them."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, or_, select

from enforcer.index.engine import bulk
from enforcer.index.tables import item_numbers, items
from retention.numbers import Keyed

_ENTER = """
    INSERT INTO item_numbers (key, mac, store, epoch, number)
    SELECT ?, ?, store, epoch, number FROM items
    WHERE store = ? AND epoch = ? AND number = ? AND state <> 'erased'
    ON CONFLICT DO NOTHING
"""


def enter(
    connection: Connection, store: str, epoch: int, told: Sequence[tuple[int, Keyed]]
) -> None:
    """Note numbers of items. One that is erased, or not there, has none."""
    rows = [(each.key, each.mac, store, epoch, number) for number, each in told]
    bulk(connection, _ENTER, rows)


def of_item(connection: Connection, item: Row[Any]) -> list[Keyed]:
    """All that is known of a row of `items`."""
    c = item_numbers.c
    rows = connection.execute(
        select(c.key, c.mac).where(
            c.store == item.store, c.epoch == item.epoch, c.number == item.number
        )
    )
    return [Keyed(key, mac) for key, mac in rows]


def made_with(wanted: Iterable[Keyed]) -> ColumnElement[bool]:
    """That a row of `items` is a call made with one of these."""
    c = item_numbers.c
    any_of_them = or_(*(and_(c.key == each.key, c.mac == each.mac) for each in wanted))
    same = (c.store == items.c.store, c.epoch == items.c.epoch, c.number == items.c.number)
    return exists().where(*same, any_of_them)


def forget(connection: Connection, store: str, epoch: int) -> None:
    """Drop all numbers of a store's epoch that is over."""
    c = item_numbers.c
    connection.execute(delete(item_numbers).where(c.store == store, c.epoch == epoch))
