"""The SHA-256 of held recordings, taken in idle time: what is handed over can be told from any other.

A fingerprint knows the ends of a file, enough to find it again and too little to answer for it. A digest
stays on the store, as a name does, and goes when nothing holds the recording any more (I8).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from agents.engine.memory.catalogue import Catalogue, CatalogueFullError
from agents.stores import Generation, Store
from retention.errors import StoreUnreachableError, UnreadableError

#: Read in one turn, and at once: a card is slow, and a terminal has little memory.
TURN_BYTES, PIECE_BYTES = 32 << 20, 256 << 10
#: What it counts for to look whether a file has its digest.
_LOOK_BYTES = 16 << 10
_AT_ONCE = 100

_HELD = """
SELECT record_class, number FROM items INDEXED BY items_held
 WHERE holds > 0 AND (record_class, number) > (?, ?) ORDER BY record_class, number LIMIT ?
"""
_WITHOUT = """
SELECT each.number, path, name, each.inode, each.size, each.mtime_ns
  FROM (SELECT ?1 AS number UNION SELECT number FROM parts WHERE item = ?1)
  JOIN items AS each USING (number) JOIN directories ON directories.id = directory
  LEFT JOIN digests USING (number, inode, size, mtime_ns) WHERE sha256 IS NULL
"""
_UNHELD = """
DELETE FROM digests WHERE number NOT IN (
    SELECT number FROM items WHERE holds > 0
     UNION SELECT parts.number FROM parts JOIN items ON items.number = item WHERE holds > 0)
"""


class _File(NamedTuple):
    number: int
    path: bytes
    name: bytes
    generation: Generation


class Digests:
    """Takes the digests that are missing, a little at each turn. For the thread that uses the store."""

    def __init__(self, catalogue: Catalogue, store: Store) -> None:
        self._catalogue = catalogue
        self._store = store
        self._work = self._run()

    def turn(self) -> None:
        """Go on where the last turn ended; after the last of what is held, with the first."""
        left = TURN_BYTES
        with suppress(CatalogueFullError, StoreUnreachableError):
            while left > 0 and (read := next(self._work, 0)):
                left -= read
            if left <= 0:
                return
        self._work = self._run()

    def _run(self) -> Iterator[int]:
        """Yield how much each step has read."""
        after = (0, 0)
        while held := self._catalogue.rows(_HELD, (*after, _AT_ONCE)):
            for _, number in held:
                yield _LOOK_BYTES
                for part, path, name, *facts in self._catalogue.rows(_WITHOUT, (number,)):
                    with suppress(UnreadableError):
                        yield from self._take(_File(part, path, name, Generation(*facts)))
            after = held[-1]

    def _take(self, file: _File) -> Iterator[int]:
        """Read one file; what it is by then is not what it was, or what its storage knows anyway, has none."""
        hashed = sha256()
        with self._store.open(file.path, file.name) as opened:
            if opened.content:
                return
            for offset in range(0, file.generation.size, PIECE_BYTES):
                hashed.update(opened.read(offset, PIECE_BYTES))
                yield PIECE_BYTES
        found = self._store.find(file.path, file.name)
        if found is None or not file.generation == opened.generation == found.generation:
            return
        facts = (file.number, *file.generation, hashed.digest())
        with self._catalogue.transaction() as db:
            db.execute("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?)", facts)


def forget(db: sqlite3.Connection) -> None:
    """Drop the digests of what nothing holds any more."""
    db.execute(_UNHELD)
