"""What an epoch that is over knew of each file, until a whole scan of the present one is over.

An enforcer can make an agent begin anew, and takes from it nothing that it knows: when a file was
first seen and by which clock, how it was dated, and what people said of it. A file is one that was
known if its generation is, under whatever name, or its name and inode with other bytes behind them.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

from msgspec import structs

from agents.engine.clock import CONFIRMED
from agents.engine.memory.dates import Dates, dates_of
from agents.engine.memory.recording import Recording
from agents.stores import Generation
from retention.anchor import CORRECTED
from retention.calendar import Instant
from retention.decide import Grant, State

# All parts of a call have the date of the call, and are as sure as that; but what a clock in doubt has
# seen is still to say what it knows.
_KEEP = f"""
INSERT OR REPLACE INTO remembered
SELECT each.directory, each.name, each.inode, each.size, each.mtime_ns, each.record_class,
       whole.anchor, whole.civil, whole.before, whole.after, whole.how, whole.state,
       whole.not_before, whole.unsure, sight.seen, sight.period, sight.scan, whole.granted
  FROM items AS each LEFT JOIN parts ON parts.number = each.number
  JOIN items AS whole ON whole.number = coalesce(parts.item, each.number)
  JOIN items AS sight ON sight.number = CASE
       WHEN parts.number IN (SELECT number FROM items WHERE NOT {CONFIRMED}) THEN parts.number
       ELSE whole.number END
"""  # noqa: S608 - a constant of ours
# A stretch of the clock that was found right since is in doubt no more; what was unsure is dated again.
_OF_INODES = """
SELECT directory, name, inode, size, mtime_ns, classes.word,
       anchor, civil, before, after, hows.word, state, not_before, unsure, seen,
       CASE WHEN unsure = 0 AND period IN (SELECT id FROM periods WHERE offset = 0 AND back_to = 0)
            THEN 0 ELSE period END,
       scan, granted
  FROM remembered
  JOIN words AS classes ON classes.id = record_class JOIN words AS hows ON hows.id = how
 WHERE inode IN (SELECT value FROM json_each(?)) ORDER BY scan, seen
"""
_DROP = """
DELETE FROM remembered WHERE (directory, name) = (?1, ?2)
    OR (?3 = 1 AND (inode, size, mtime_ns) = (?4, ?5, ?6))
"""


class Remembered(NamedTuple):
    """A file as an earlier epoch knew it."""

    place: int
    name: bytes
    generation: Generation
    record_class: str
    dates: Dates
    seen: Instant
    period: int
    scan: int
    granted: Grant

    def seen_then(self, recording: Recording) -> Recording:
        """It was first seen then and not now; people may have given it another class than its place does."""
        known = recording.sight
        window = known.window if self.scan else None
        sight = known._replace(seen=self.seen, period=self.period, scan=self.scan, window=window)
        record_class = structs.replace(recording.record_class, name=self.record_class)
        return replace(recording, sight=sight, record_class=record_class)

    def dates_for(self, recording: Recording, *, sure: bool) -> Dates:
        """The dates that it had: what was written into it since is no reason to move them later (I10).

        `sure`: no clock is in doubt by which that is dated.
        """
        if recording.generation == self.generation or self.dates.anchor is None:
            return self.dates
        dates = self.dates.rewritten(dates_of(recording), sure=sure)
        return dates._replace(how=CORRECTED) if self.dates.how == CORRECTED else dates


def keep(db: sqlite3.Connection) -> None:
    """Remember all files, before the items of an epoch are forgotten."""
    db.execute(_KEEP)


def forget(db: sqlite3.Connection) -> None:
    """A whole scan has met what is left of them."""
    db.execute("DELETE FROM remembered")


def drop(db: sqlite3.Connection, place: int, recording: Recording) -> None:
    """Forget one that was met: its item says all that is known of it, and no old name is kept (I8)."""
    db.execute(_DROP, (place, recording.name, recording.links, *recording.generation))


def of_inodes(db: sqlite3.Connection, inodes: Collection[int]) -> dict[int, list[Remembered]]:
    """What is remembered of these, by inode; what was seen first is first."""
    found: dict[int, list[Remembered]] = defaultdict(list)
    for row in db.execute(_OF_INODES, (json.dumps(list(inodes)),)):
        place, name, inode, size, mtime_ns, record_class, *rest = row
        anchor, civil, before, after, how, state, not_before, unsure, *rest = rest
        seen, period, scan, granted = rest
        dates = Dates(anchor, civil, before, after, how, State(state), not_before, bool(unsure))
        generation = Generation(inode, size, mtime_ns)
        found[inode].append(
            Remembered(
                place, name, generation, record_class, dates, seen, period, scan, Grant(granted)
            )
        )
    return found


def which(candidates: Sequence[Remembered], place: int, recording: Recording) -> Remembered | None:
    """The one that this file is: of its generation, best under its own name; or else of its name.

    Of one that had no date nothing is worth knowing once other bytes are in it.
    """
    same = [each for each in candidates if each.generation == recording.generation]
    named = [each for each in candidates if (each.place, each.name) == (place, recording.name)]
    for each in named:
        if each in same or each.dates.anchor is not None:
            return each
    return same[0] if same else None
