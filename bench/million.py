"""A terminal that holds a million recordings of 60 days, of which one day is due.

The day that is due is written and dated for real, through the watcher's door. Of the others only
the names and inodes matter to a sweep or to `find`, so they are empty files, and their rows are
written straight into the catalogue.
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

DAYS, DIRECTORIES, EACH = 60, 10, 1667  # of a day, of a directory: a million and 200 in all
FILES = DAYS * DIRECTORIES * EACH
RIGA = ZoneInfo("Europe/Riga")
DUE = DIRECTORIES * EACH
#: Old enough for us (60 days by the calendar) and for `find -mtime +60` (61 times 24 hours).
DUE_AGE_DAYS = 62

_ROW = (
    "INSERT INTO items (number, directory, name, inode, size, mtime_ns, links, fingerprint,"
    " record_class, source, anchor, civil, span, before, after, seen, period, not_before, state,"
    " holds, granted, how) VALUES (?, ?, ?, ?, 0, 0, 1, randomblob(?), ?, ?, ?, ?, 0, 0, 1, ?, 0,"
    " 0, 0, 0, 0, ?)"
)


def make(place: Path, now: Instant) -> World:
    """The terminal below `place`, activated, everything reported; its agent is running."""
    world = World.make(place / "terminal", now)
    world.activate(count=2 * FILES)
    world.report()
    world.agent.exchange.consult()
    _record_what_is_due(world)
    world.agent.catalogue.close()
    _invent_the_others(world)
    world.boot()
    world.report()
    return world


def _record_what_is_due(world: World) -> None:
    noon = Instant((world.true.now // DAY - DUE_AGE_DAYS) * DAY + DAY // 2)
    for part in range(DIRECTORIES):
        directory = f"front/due/{part:02}"
        for written in day(world.root / directory, noon, EACH):
            world.agent.scanner.hint(os.fsencode(directory), written.name, closed=True)
        world.agent.look()


def _invent_the_others(world: World) -> None:
    """Files, and rows as the indexer would have written them, without asking it a million times."""
    with sqlite3.connect(world.state / "catalogue.sqlite") as db:
        db.execute("PRAGMA cache_size = -262144")
        content = db.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'items_content'"
        ).fetchone()[0]
        db.execute("DROP INDEX items_content")  # random keys are cheaper sorted once, at the end
        db.executemany(_ROW, _rows(db, world))
        db.execute(content)
        db.execute("UPDATE agent SET next_item = ?", (FILES + 1,))


def _rows(db: sqlite3.Connection, world: World) -> Iterator[tuple[object, ...]]:
    size, record_class, source, how = db.execute(
        "SELECT length(fingerprint), record_class, source, how FROM items LIMIT 1"
    ).fetchone()
    number = DUE
    for age in range(DAYS - 1):
        anchor = Instant(world.true.now - age * DAY)
        civil = civil_date(anchor, RIGA).toordinal()
        for part in range(DIRECTORIES):
            directory = f"front/{age:02}/{part:02}"
            place = db.execute(
                "INSERT INTO directories (path) VALUES (?)", (os.fsencode(directory),)
            ).lastrowid
            for name, inode in _empty_files(world.root / directory):
                number += 1
                yield (
                    *(number, place, name, inode, size, record_class, source),
                    *(anchor, civil, world.true.now, how),
                )


def _empty_files(directory: Path) -> Iterator[tuple[bytes, int]]:
    directory.mkdir(parents=True)
    place = os.open(directory, os.O_RDONLY)
    for at in range(EACH):
        os.mknod(f"20260101-120000-{at:04}.jpg", stat.S_IFREG | 0o644, dir_fd=place)
    with os.scandir(place) as entries:
        yield from ((os.fsencode(entry.name), entry.inode()) for entry in entries)
    os.close(place)
