"""Holds on items whose erasure was under way when they came, and of which nobody can tell yet.

The store became unreachable, or could not look, in the midst of a batch: an intent is open. What a
hold matches of it is not held, because it may be gone. The pair is noted here until the intent has
its outcome: what is gone was erased before the hold, what stays is held then. A new hold that waits
so is in force for all else, and is acknowledged when there is no doubt left (I2, I15).
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable

_OPEN = """
SELECT coalesce(parts.item, items.number)
  FROM intents JOIN items ON items.number BETWEEN first AND last
  LEFT JOIN parts ON parts.number = items.number
"""


def open_items(db: sqlite3.Connection) -> set[int]:
    """The items that open intents name, or a part of which they name."""
    return {number for (number,) in db.execute(_OPEN)}


def is_open(db: sqlite3.Connection, number: int) -> bool:
    """Whether an open intent names this file, or part."""
    query = "SELECT 1 FROM intents WHERE ? BETWEEN first AND last"
    return db.execute(query, (number,)).fetchone() is not None


def note(db: sqlite3.Connection, hold: str, numbers: Iterable[int]) -> None:
    """A hold matched these items, whose intents are open."""
    db.executemany(
        "INSERT OR IGNORE INTO doubts (number, hold) VALUES (?, ?)", [(n, hold) for n in numbers]
    )


def settle(db: sqlite3.Connection) -> dict[str, list[int]]:
    """Take away what is in doubt no more. Gives by hold the items that stayed."""
    stayed: dict[str, list[int]] = defaultdict(list)
    under_way: set[int] | None = None
    for number, hold in db.execute("SELECT number, hold FROM doubts").fetchall():
        under_way = open_items(db) if under_way is None else under_way
        if number in under_way:
            continue
        db.execute("DELETE FROM doubts WHERE number = ? AND hold = ?", (number, hold))
        if db.execute("SELECT 1 FROM items WHERE number = ?", (number,)).fetchone():
            stayed[hold].append(number)
    return stayed
