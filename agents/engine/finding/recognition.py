"""Recognising what was met before: by name, by content, from an earlier epoch, from the dead.

A scan meets mostly strangers, or mostly friends: a first one finds nothing but new files. So a
batch is asked about as a whole, and only a file that rang a bell costs queries of its own.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from agents.engine.memory import remembered
from agents.engine.memory.dates import Dates, returned
from agents.engine.memory.recording import Recording, best_evidence
from agents.engine.memory.remembered import Remembered, which
from retention.decide import Grant
from retention.fingerprint import keyed


class Namesake(NamedTuple):
    """An item with the same content, and where it lies."""

    number: int
    directory: bytes
    name: bytes


class Recognition:
    """What one batch of recordings has in common with the catalogue, within one transaction.

    Recordings are entered one after another: `meet` makes each known to those behind it.
    """

    def __init__(
        self, db: sqlite3.Connection, recordings: Sequence[Recording], places: Mapping[bytes, int]
    ) -> None:
        self._db = db
        self.key: bytes = db.execute("SELECT store_key FROM agent").fetchone()[0]
        self._names = set(_known_names(db, recordings, places))
        self._remembered = _remembered(db, recordings)
        self._buried: dict[bytes, bool] = {}
        self._contents = self._known_contents(
            # All empty files have the same content; it says nothing.
            {r.fingerprint for r in recordings if r.generation.size}
        )

    def meet(self, place: int, recording: Recording) -> None:
        """From now on the catalogue knows this one too."""
        self._names.add((place, recording.name))
        if self._remembered:
            remembered.drop(self._db, place, recording)
        if recording.generation.size:
            self._contents.add(recording.fingerprint)

    def is_stranger(self, recording: Recording) -> bool:
        """Whether its content was never met: then it has no twin, no earlier date, no tombstone."""
        return recording.fingerprint not in self._contents

    def remembered(self, place: int, recording: Recording) -> Remembered | None:
        """What an epoch that is over knew of this very file."""
        candidates = self._remembered.get(recording.generation.inode, ())
        return which(candidates, place, recording)

    def named(self, place: int, recording: Recording) -> tuple[int, int] | None:
        """The number and inode of the item that has this name already."""
        if (place, recording.name) not in self._names:
            return None
        row: tuple[int, int] | None = self._db.execute(
            "SELECT number, inode FROM items WHERE directory = ? AND name = ?",
            (place, recording.name),
        ).fetchone()
        return row

    def namesakes(self, recording: Recording) -> list[Namesake]:
        """Items with this content."""
        rows = self._db.execute(
            "SELECT number, path, name"
            " FROM contents JOIN items USING (number) JOIN directories ON id = directory"
            " WHERE mac = ? AND fingerprint = ?",
            (keyed(self.key, recording.fingerprint), recording.fingerprint),
        )
        return [Namesake(*row) for row in rows]

    def grant(self, recording: Recording) -> Grant:
        """A zombie goes at once, unless its own date says that it was recorded just now (I11)."""
        if recording.sight.window is not None and best_evidence(recording):
            return Grant.NONE
        if recording.fingerprint not in self._buried:
            self._buried[recording.fingerprint] = self._is_buried(recording.fingerprint)
        return Grant.ZOMBIE if self._buried[recording.fingerprint] else Grant.NONE

    def _is_buried(self, content: bytes) -> bool:
        """Whether it has a tombstone; that is asked once, because no batch of arrivals makes one."""
        tombstone = self._db.execute(
            "SELECT 1 FROM contents WHERE mac = ? AND NOT EXISTS"
            " (SELECT 1 FROM items WHERE items.number = contents.number AND fingerprint = ?)",
            (keyed(self.key, content), content),
        ).fetchone()
        return tombstone is not None

    def _known_contents(self, contents: Collection[bytes]) -> set[bytes]:
        macs = {keyed(self.key, content): content for content in contents}
        met = _among(self._db, "SELECT mac FROM contents WHERE mac IN", macs)
        earlier = _among(self._db, "SELECT fingerprint FROM prior WHERE fingerprint IN", contents)
        return earlier | {macs[mac] for mac in met}


def known_before(db: sqlite3.Connection, dates: Dates, recording: Recording) -> Dates:
    """A recording's dates, after what an earlier epoch knew of this content."""
    row = db.execute(
        "SELECT anchor, earliest FROM prior WHERE fingerprint = ?", (recording.fingerprint,)
    ).fetchone()
    if row is None or row[0] is None or not recording.generation.size:
        return dates
    prior, earliest = row
    return returned(
        dates,
        prior,
        recording.civil_of(prior),
        earliest=earliest,
        span=recording.span,
        came_unseen=recording.sight.window is None,
    )


def _remembered(
    db: sqlite3.Connection, recordings: Sequence[Recording]
) -> Mapping[int, Sequence[Remembered]]:
    """What an epoch that is over knew of these, by inode."""
    if db.execute("SELECT 1 FROM remembered LIMIT 1").fetchone() is None:
        return {}
    return remembered.of_inodes(db, {each.generation.inode for each in recordings})


def _known_names(
    db: sqlite3.Connection, recordings: Iterable[Recording], places: Mapping[bytes, int]
) -> Iterable[tuple[int, bytes]]:
    """(directory, name) of those that items have already."""
    named = defaultdict(list)
    for recording in recordings:
        named[places[recording.directory]].append(recording.name)
    for place, names in named.items():
        query = "SELECT name FROM items WHERE directory = ? AND name IN"
        for name in _among(db, query, names, place):
            yield place, name


def _among(
    db: sqlite3.Connection, query: str, values: Collection[bytes], *first: int
) -> set[bytes]:
    """Which of these values a query finds; it ends in IN, and `first` fills what stands before."""
    marks = ",".join("?" * len(values))
    return {found for (found,) in db.execute(f"{query} ({marks})", (*first, *values))}
