"""What belongs together: a call's recording, its other legs and all that is kept of it, one item.

The row of the item is its *lead*: a recording, as soon as there is one. Every other part is a row
of its own with a number of its own, so that it is met by a scan, kept and erased as any file is;
but dates, holds and all that is reported are the item's (docs/rules.md, Calls). What is written
here is rows, within the caller's transaction; nothing is reported.
"""

import hmac
import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from agents.engine.memory import contents
from agents.stores import Part, Role
from retention.calendar import Instant
from retention.tombstones import LEAST_SECONDS

#: Numbers of parts begin here. Nobody outside ever sees one, and items are numbered without gaps.
FIRST_PART = 2**40
#: What a part has for a count of its holds: they are its item's, and it is no item to count or sweep.
NO_HOLDS_OF_ITS_OWN = -1

_FILE = "directory, name, inode, size, mtime_ns, links, fingerprint"
_SIGHT = "seen, period, scan"


class Member(NamedTuple):
    """A part of an item, its lead among them, and where it lies."""

    number: int
    role: Role
    directory: bytes
    name: bytes
    fingerprint: bytes


def is_part(number: int) -> bool:
    """Whether this is the number of a part, and of no item."""
    return number >= FIRST_PART


def call_of(key: bytes, part: Part) -> bytes:
    """What a whole is known by here: only this store can recognise its name in it (I8)."""
    return hmac.digest(key, b"whole\0" + part.whole, "sha256")[:16]


def find(db: sqlite3.Connection, call: bytes) -> int | None:
    """The item that this call is; None if there is none (any more)."""
    row = db.execute("SELECT item FROM calls WHERE call = ?", (call,)).fetchone()
    return None if row is None else int(row[0])


def item_of(db: sqlite3.Connection, number: int) -> int:
    """The item that this is, or is a part of."""
    if not is_part(number):
        return number
    row = db.execute("SELECT item FROM parts WHERE number = ?", (number,)).fetchone()
    return number if row is None else int(row[0])


def begin(db: sqlite3.Connection, call: bytes, item: int, role: Role) -> None:
    """Have an item be a call, and so far its only part."""
    db.execute("INSERT INTO calls (call, item, role) VALUES (?, ?, ?)", (call, item, role))


def is_whole(db: sqlite3.Connection, item: int) -> bool:
    """Whether this item is a call, with parts or without."""
    return db.execute("SELECT 1 FROM calls WHERE item = ?", (item,)).fetchone() is not None


def among(db: sqlite3.Connection, items: Iterable[int]) -> set[int]:
    """Which of these items are calls."""
    if db.execute("SELECT 1 FROM calls LIMIT 1").fetchone() is None:
        return set()  # nowhere but where calls lie
    query = "SELECT item FROM calls WHERE item IN (SELECT value FROM json_each(?))"
    return {item for (item,) in db.execute(query, (json.dumps(list(items)),))}


def was_partly_erased(db: sqlite3.Connection, item: int) -> bool:
    """Whether parts of this call were erased before."""
    row = db.execute("SELECT partial FROM calls WHERE item = ?", (item,)).fetchone()
    return row is not None and bool(row[0])


def mark_partly_erased(db: sqlite3.Connection, item: int) -> None:
    """Some of this call was erased and the rest is still there: so it is told until all is gone."""
    db.execute("UPDATE calls SET partial = 1 WHERE item = ?", (item,))


def has_parts(db: sqlite3.Connection, item: int) -> bool:
    """Whether there is more of this item than its own row."""
    return db.execute("SELECT 1 FROM parts WHERE item = ?", (item,)).fetchone() is not None


def add(db: sqlite3.Connection, item: int, role: Role) -> int:
    """The number of a new part of this item; its row is the caller's to write."""
    advance = "UPDATE agent SET next_part = next_part + 1 RETURNING next_part - 1"
    number: int = db.execute(advance).fetchone()[0]
    db.execute("INSERT INTO parts (number, item, role) VALUES (?, ?, ?)", (number, item, role))
    return number


def lead_role(db: sqlite3.Connection, item: int) -> Role:
    """What the lead of a call is to it."""
    return Role(db.execute("SELECT role FROM calls WHERE item = ?", (item,)).fetchone()[0])


def role_of(db: sqlite3.Connection, part: int) -> Role:
    """What a part that does not lead is to its call."""
    return Role(db.execute("SELECT role FROM parts WHERE number = ?", (part,)).fetchone()[0])


def period_of(db: sqlite3.Connection, number: int) -> int:
    """The stretch of the clock by which a lead or another part was seen; 0: one that was right."""
    return int(db.execute("SELECT period FROM items WHERE number = ?", (number,)).fetchone()[0])


def members(db: sqlite3.Connection, item: int) -> list[Member]:
    """All parts of a call, its lead first."""
    rows = db.execute(
        "SELECT number, role, path, name, fingerprint FROM"
        " (SELECT item AS number, role FROM calls WHERE item = ?1 UNION ALL"
        "  SELECT number, role FROM parts WHERE item = ?1)"
        " JOIN items USING (number) JOIN directories ON id = directory ORDER BY number",
        (item,),
    )
    return [Member(number, Role(role), *rest) for number, role, *rest in rows]


def size_of(db: sqlite3.Connection, item: int) -> int:
    """The bytes of an item, those of all its parts."""
    return int(
        db.execute(
            "SELECT sum(size) FROM items"
            " WHERE number = ?1 OR number IN (SELECT number FROM parts WHERE item = ?1)",
            (item,),
        ).fetchone()[0]
    )


def lead_by(db: sqlite3.Connection, item: int, part: int) -> None:
    """Have a part be the lead, and what was it so far a part. Dates and holds stay.

    By which clock each was seen goes with it, where that is not the same.
    """
    contents.forget(db, item)
    old, new = lead_role(db, item), role_of(db, part)
    lead, other = _file(db, item), _file(db, part)
    _become(db, part, (0, b"", *lead[2:]))  # no two rows may have one name, even in between
    _become(db, item, other)
    _become(db, part, lead)
    db.execute("UPDATE calls SET role = ? WHERE item = ?", (new, item))
    db.execute("UPDATE parts SET role = ? WHERE number = ?", (old, part))
    _exchange(db, "record_class, source", item, part)  # where a file lies says these
    if period_of(db, item) != period_of(db, part):
        _exchange(db, _SIGHT, item, part)
    if new is Role.RECORDING:
        contents.remember(db, item)


def promote(db: sqlite3.Connection, item: int) -> bool:
    """Have another part take the place of a lead that is gone; False if there is none left."""
    query = "SELECT number, role FROM parts WHERE item = ? ORDER BY role, number LIMIT 1"
    row = db.execute(query, (item,)).fetchone()
    if row is None:
        return False
    contents.forget(db, item)
    file = _file(db, row[0])
    drop(db, [row[0]])
    _become(db, item, file)
    db.execute("UPDATE calls SET role = ? WHERE item = ?", (row[1], item))
    if row[1] == Role.RECORDING:
        contents.remember(db, item)
    return True


def bury(db: sqlite3.Connection, parts: Sequence[int], now: Instant) -> None:
    """These parts were erased. A recording among them is known again by its content (I11)."""
    for number in parts:
        row = db.execute("SELECT role FROM parts WHERE number = ?", (number,)).fetchone()
        if row is not None and row[0] == Role.RECORDING:
            contents.remember(db, number)
    contents.bury(db, parts, now)
    drop(db, parts)


def drop(db: sqlite3.Connection, parts: Iterable[int]) -> None:
    """Forget parts that are no more; the item stays."""
    args = [(number,) for number in parts]
    db.executemany("DELETE FROM parts WHERE number = ?", args)
    db.executemany("DELETE FROM items WHERE number = ?", args)
    db.executemany("DELETE FROM evidence WHERE number = ?", args)


def forget(db: sqlite3.Connection, items: Iterable[int]) -> None:
    """These items are no more, and were no calls or have no parts left."""
    db.executemany("DELETE FROM calls WHERE item = ?", [(item,) for item in items])


def end(db: sqlite3.Connection, items: Sequence[int], now: Instant) -> None:
    """These items were erased: what turns up of those that were calls is known for theirs (I11)."""
    args = (now + LEAST_SECONDS, json.dumps(items))
    db.execute(
        "INSERT OR REPLACE INTO ended (call, until)"
        " SELECT call, ? FROM calls WHERE item IN (SELECT value FROM json_each(?))",
        args,
    )
    forget(db, items)


def drop_unwanted(db: sqlite3.Connection, now: Instant, wanted: int) -> None:
    """Forget calls that are not `wanted` any more, so many seconds after they were erased."""
    db.execute("DELETE FROM ended WHERE until < ?", (now - (wanted - LEAST_SECONDS),))


def has_ended(db: sqlite3.Connection, call: bytes) -> bool:
    """Whether this call was erased here."""
    return db.execute("SELECT 1 FROM ended WHERE call = ?", (call,)).fetchone() is not None


def _file(db: sqlite3.Connection, number: int) -> tuple[object, ...]:
    query = f"SELECT {_FILE} FROM items WHERE number = ?"  # noqa: S608 - constants
    row: tuple[object, ...] = db.execute(query, (number,)).fetchone()
    return row


def _become(
    db: sqlite3.Connection, number: int, facts: Sequence[object], columns: str = _FILE
) -> None:
    marks = ", ".join("?" * len(facts))
    db.execute(
        f"UPDATE items SET ({columns}) = ({marks}) WHERE number = ?",  # noqa: S608 - constants
        (*facts, number),
    )


def _exchange(db: sqlite3.Connection, columns: str, item: int, part: int) -> None:
    query = f"SELECT {columns} FROM items WHERE number = ?"  # noqa: S608 - constants
    facts = [db.execute(query, (number,)).fetchone() for number in (part, item)]
    _become(db, item, facts[0], columns)
    _become(db, part, facts[1], columns)
