"""Telephone numbers of calls: kept as a key made them, told once, and gone with the call.

A row tells them, or a sidecar does; whichever part of a call it was, they are the call's. In clear
a number is in no table here and in no entry (docs/rules.md, Numbers).
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence

from retention.calendar import Instant
from retention.numbers import Keyed
from retention.report import AnyEntry, Numbered

Keying = Callable[[str], Sequence[Keyed]]
"""Given what is written for a number, what each key makes of it; nothing if it is none."""


def note(
    db: sqlite3.Connection,
    item: int,
    numbers: Iterable[Keyed],
    now: Instant,
    entries: list[AnyEntry],
) -> bool:
    """Add numbers to an item; tell those that are new. Whether there were any."""
    fresh = tuple(sorted(set(numbers) - of_item(db, item)))
    if fresh:
        db.executemany(
            "INSERT INTO item_numbers (item, key, mac) VALUES (?, ?, ?)",
            [(item, each.key, each.mac) for each in fresh],
        )
        entries.append(Numbered(now, item, fresh))
    return bool(fresh)


def of_item(db: sqlite3.Connection, item: int) -> set[Keyed]:
    """All that is known of an item."""
    rows = db.execute("SELECT key, mac FROM item_numbers WHERE item = ?", (item,))
    return {Keyed(key, mac) for key, mac in rows}


def forget(db: sqlite3.Connection, first: int, last: int) -> None:
    """Items of these numbers are no more."""
    db.execute("DELETE FROM item_numbers WHERE item BETWEEN ? AND ?", (first, last))
