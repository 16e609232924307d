"""Which content the catalogue has met: each is an entry, a keyed hash and the number of its item.

Life of an entry:

1. An item is entered, and its entry with it; of a rewritten item it is exchanged.
2. What somebody else removed is forgotten, entry and all: if it comes back, it is a file like others.
3. What is erased leaves its entry behind. An entry whose number no item of its content has is a
   *tombstone*: a zombie is known by it (I11). So a sweep has nothing to look for in the one place
   where the items of a day lie at random; only the stretches of numbers that it erased out of are
   told until when their tombstones are wanted.
4. What two people want erased has a tombstone at once, whether or not it is there: so a copy that
   comes first goes with it. Its number is 0, which no item has.
5. When many of these are not wanted any more, one walk through all entries drops them.

Neither an item's entry nor a tombstone tells anything of the content to who has not the store's key (I8).
"""

import sqlite3
from collections.abc import Iterable

from agents.engine.memory.catalogue import Catalogue
from retention.calendar import Instant
from retention.tombstones import LEAST_SECONDS

#: Numbers of a stretch. All its tombstones stay as long as the youngest of them is wanted.
STRETCH_ITEMS = 1024
#: A walk is worth its while when this share of the stretches is not wanted any more: one in ...
WALK_SHARE = 16
#: Entries that are looked at in one transaction of a walk.
WALK_ENTRIES = 20_000

_NO_ITEM = 0
_OF_ITEM = "SELECT keyed(store_key, fingerprint), number FROM items, agent WHERE number = ?"
_WALK = f"""
DELETE FROM contents WHERE mac > ?1 AND (?2 IS NULL OR mac <= ?2)
   AND number / {STRETCH_ITEMS} IN (SELECT stretch FROM tombstones WHERE until < ?3)
   AND NOT EXISTS (SELECT 1 FROM items WHERE items.number = contents.number)
"""  # noqa: S608 - a constant of ours


def remember(db: sqlite3.Connection, number: int) -> None:
    """The content of this item was met, as the item has it now."""
    db.execute(f"INSERT OR IGNORE INTO contents (mac, number) {_OF_ITEM}", (number,))


def forget(db: sqlite3.Connection, number: int) -> None:
    """The content of this item is met no more: called before the item changes or goes."""
    db.execute(f"DELETE FROM contents WHERE (mac, number) IN ({_OF_ITEM})", (number,))  # noqa: S608 - constants


def forget_living(db: sqlite3.Connection) -> None:
    """Forget the contents of all items, before their numbers are given anew; tombstones stay."""
    db.execute(
        "DELETE FROM contents WHERE mac = (SELECT keyed(store_key, fingerprint) FROM items, agent"
        " WHERE items.number = contents.number)"
    )


def bury(db: sqlite3.Connection, numbers: Iterable[int], now: Instant) -> None:
    """These were erased: what is left of them here is wanted for as long as a backup may live."""
    until = now + LEAST_SECONDS
    db.executemany(
        "INSERT INTO tombstones (stretch, until) VALUES (?, ?)"
        " ON CONFLICT (stretch) DO UPDATE SET until = max(until, excluded.until)",
        [(stretch, until) for stretch in sorted({n // STRETCH_ITEMS for n in numbers})],
    )


def condemn(db: sqlite3.Connection, fingerprint: bytes, now: Instant) -> None:
    """Two people want this content gone: whatever comes with it from now on is a zombie."""
    db.execute(
        "INSERT OR IGNORE INTO contents (mac, number) SELECT keyed(store_key, ?), ? FROM agent",
        (fingerprint, _NO_ITEM),
    )
    bury(db, [_NO_ITEM], now)


def drop_unwanted(catalogue: Catalogue, now: Instant, wanted: int) -> None:
    """Drop the tombstones that no backup can need any more, when there are enough for a walk.

    They are `wanted` for so many seconds from the erasure on, as far as is known today.
    """
    now = Instant(now - (wanted - LEAST_SECONDS))
    query = "SELECT count(*), count(*) FILTER (WHERE until < ?) FROM tombstones"
    [(stretches, unwanted)] = catalogue.rows(query, (now,))
    if not unwanted or unwanted * WALK_SHARE < stretches:
        return
    after: bytes | None = b""
    while after is not None:
        last = catalogue.value(
            "SELECT mac FROM contents WHERE mac > ? ORDER BY mac LIMIT 1 OFFSET ?",
            (after, WALK_ENTRIES),
        )
        with catalogue.transaction() as db:
            db.execute(_WALK, (after, last, now))
        after = last
    with catalogue.transaction() as db:
        db.execute("DELETE FROM tombstones WHERE until < ?", (now,))
