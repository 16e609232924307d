"""A terminal that holds a million recordings of 60 days.

Only the names and inodes of most of them matter to a sweep, to a scan that knows them, or to
`find`: so they are empty files, and their rows are written straight into the catalogue, as the
indexer would have written them.
"""

import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from world import World

from bench.recordings import day
from retention.calendar import DAY, Instant, civil_date
from retention.fingerprint import keyed

DAYS, DIRECTORIES, EACH = 60, 10, 1667  # of a day, of a directory: a million and 200 in all
FILES = DAYS * DIRECTORIES * EACH
DUE = DIRECTORIES * EACH
#: Old enough for us (60 days by the calendar) and for `find -mtime +60` (61 times 24 hours).
DUE_AGE_DAYS = 62
#: Bytes that an image needs for them, their rows included.
MEGABYTES = 1200

_RIGA = ZoneInfo("Europe/Riga")
_ROW = """
INSERT INTO items (number, directory, name, inode, size, mtime_ns, links, fingerprint,
    record_class, source, anchor, civil, span, before, after, seen, period, scan, not_before,
    state, holds, granted, how)
SELECT ?1, ?2, ?3, ?4, 0, ?5, 1, randomblob(16),
    (SELECT id FROM words WHERE word = 'terminal-image'),
    (SELECT id FROM words WHERE word = 'front'), ?6, ?7, 0, 0, 1, ?8, 0, 0, 0, 0, 0, 0,
    (SELECT id FROM words WHERE word = 'name')
"""
_CONTENTS = """
INSERT INTO contents (mac, number)
SELECT keyed(store_key, fingerprint), number FROM items, agent WHERE number >= ? ORDER BY 1
"""


def make(place: Path, now: Instant) -> World:
    """The terminal below `place`, activated, everything reported, its agent running.

    The day that is due is written and dated for real, through the watcher's door.
    """
    world = World.make(place / "terminal", now)
    world.activate(count=2 * FILES)
    world.report()
    world.agent.exchange.consult()
    _record_what_is_due(world)
    world.agent.catalogue.close()
    world.agent.store.close()
    invent(world.root, world.state / "catalogue.sqlite", now, days=DAYS - 1)
    world.boot()
    world.report()
    return world


def invent(root: Path, catalogue: Path, now: Instant, *, days: int) -> None:
    """Files of so many days, none of them due, and their rows; no agent may be running."""
    with sqlite3.connect(catalogue) as db:
        db.execute("PRAGMA cache_size = -262144")
        db.executemany(
            "INSERT OR IGNORE INTO words (word) VALUES (?)",
            [("terminal-image",), ("front",), ("name",)],
        )
        (first,) = db.execute("SELECT next_item FROM agent").fetchone()
        db.create_function("keyed", 2, keyed)
        db.executemany(_ROW, _rows(db, root, now, days, first))
        db.execute(_CONTENTS, (first,))  # random keys are cheaper sorted once, at the end
        db.execute("UPDATE agent SET next_item = (SELECT max(number) + 1 FROM items)")
    db.close()


def _record_what_is_due(world: World) -> None:
    noon = Instant((world.true.now // DAY - DUE_AGE_DAYS) * DAY + DAY // 2)
    for part in range(DIRECTORIES):
        directory = f"front/due/{part:02}"
        for written in day(world.root / directory, noon, EACH):
            world.agent.scanner.hint(os.fsencode(directory), written.name, closed=True)
        world.agent.look()


def _rows(
    db: sqlite3.Connection, root: Path, now: Instant, days: int, first: int
) -> Iterator[tuple[object, ...]]:
    number = first
    for age in range(days):
        anchor = Instant(now - age * DAY)
        civil = civil_date(anchor, _RIGA).toordinal()
        for part in range(DIRECTORIES):
            path = f"front/{age:02}/{part:02}"
            query = "INSERT INTO directories (path) VALUES (?)"
            directory = db.execute(query, (os.fsencode(path),)).lastrowid
            for file in _empty_files(root / path):
                yield number, directory, *file, anchor, civil, now
                number += 1


def _empty_files(directory: Path) -> Iterator[tuple[bytes, int, int]]:
    """Name, inode and mtime in nanoseconds of each."""
    directory.mkdir(parents=True)
    place = os.open(directory, os.O_RDONLY)
    for at in range(EACH):
        os.mknod(f"20260101-120000-{at:04}.jpg", stat.S_IFREG | 0o644, dir_fd=place)
    with os.scandir(place) as entries:
        for entry in entries:
            yield os.fsencode(entry.name), entry.inode(), entry.stat().st_mtime_ns
    os.close(place)
