"""Calls of which some parts are erased and others are not yet.

That is no state of the double entry: until nothing is left of a call it is in the state that keeps the
rest there (due, held, blocked), and counts in it. What is noted here is said beside it.
"""

from sqlalchemy import Connection, delete, func, select

from enforcer.index.tables import items, partly_erased

MARK = """
    INSERT INTO partly_erased (store, epoch, number)
    SELECT store, epoch, number FROM items
    WHERE store = ? AND epoch = ? AND number BETWEEN ? AND ? AND state <> 'erased'
    ON CONFLICT DO NOTHING
"""
"""Run once per run of numbers, as is `UNMARK`."""

UNMARK = """
    DELETE FROM partly_erased WHERE store = ? AND epoch = ? AND number BETWEEN ? AND ?
"""


def counted(connection: Connection) -> dict[tuple[str, str], int]:
    """How many there are, by store and class."""
    c = partly_erased.c
    same = (items.c.store == c.store, items.c.epoch == c.epoch, items.c.number == c.number)
    # Not joined: a database that knows nothing of the sizes would begin with the items.
    of_item = select(items.c.record_class).where(*same).correlate(partly_erased)
    record_class = of_item.scalar_subquery().label("record_class")
    rows = connection.execute(
        select(c.store, record_class, func.count()).group_by(c.store, "record_class")
    )
    return {(store, name): number for store, name, number in rows}


def forget(connection: Connection, store: str, epoch: int) -> None:
    """Drop all of a store's epoch that is over."""
    c = partly_erased.c
    connection.execute(delete(partly_erased).where(c.store == store, c.epoch == epoch))
