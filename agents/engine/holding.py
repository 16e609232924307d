"""Holds in the catalogue: which items they match, and what happens when one ends.

Every hold ever acknowledged stays until two people's release (I2). An item that a hold matched
stays held by it, whatever is learnt of its date afterwards.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from agents.engine.catalogue import Catalogue, Words
from agents.engine.outbox import Outbox
from retention import codec
from retention.calendar import DAY, Instant
from retention.decide import State
from retention.hold import AFTER_RELEASE_SECONDS, StoreHold
from retention.report import Freed, Held, runs


class Standing(NamedTuple):
    """A hold in force, ready to be asked about an item of this epoch."""

    hold: StoreHold
    numbers: frozenset[int]  # items it names that are of this store's present epoch

    def matches(
        self,
        *,
        number: int,
        source: str,
        anchor: Instant | None,
        before: int,
        after: int,
        fingerprint: bytes,
    ) -> bool:
        """Whether it holds this item, at the widest that item's date allows."""
        if number in self.numbers:
            return True
        earliest = None if anchor is None else Instant(anchor - before)
        latest = None if anchor is None else Instant(anchor + after)
        return self.hold.matches(source, earliest, latest, fingerprint)


class Holds:
    """The holds of one store."""

    def __init__(self, catalogue: Catalogue, words: Words, outbox: Outbox) -> None:
        self._catalogue = catalogue
        self._words = words
        self._outbox = outbox
        self._standing: tuple[Standing, ...] | None = None

    def standing(self) -> tuple[Standing, ...]:
        """All holds in force."""
        if self._standing is None:
            epoch = self._catalogue.value("SELECT epoch FROM agent")
            rows = self._catalogue.rows("SELECT hold FROM holds WHERE released_at IS NULL")
            self._standing = tuple(
                _standing(codec.decode(hold, StoreHold), epoch) for (hold,) in rows
            )
        return self._standing

    def known(self, hold: str) -> bool:
        """Whether this hold was ever placed here, released or not."""
        return self._catalogue.one("SELECT 1 FROM holds WHERE id = ?", (hold,)) is not None

    def place(self, db: sqlite3.Connection, hold: StoreHold, at: Instant) -> list[int]:
        """Put a new hold in force, with all it matches. Gives the numbers of what it holds."""
        db.execute(
            "INSERT INTO holds (id, hold, placed_at) VALUES (?, ?, ?)",
            (hold.id, codec.encode(hold), at),
        )
        epoch = db.execute("SELECT epoch FROM agent").fetchone()[0]
        matched = list(self._matching(db, _standing(hold, epoch)))
        self.hold(db, hold.id, matched, at)
        self._standing = None
        return matched

    def hold(self, db: sqlite3.Connection, hold: str, numbers: list[int], at: Instant) -> None:
        """Have a hold in force hold these items too."""
        if not numbers:
            return
        rows = [(number, hold) for number in numbers]
        db.executemany("INSERT INTO item_holds (number, hold) VALUES (?, ?)", rows)
        db.executemany(
            "UPDATE items SET holds = holds + 1 WHERE number = ?", [(n,) for n in numbers]
        )
        self._outbox.append(db, at, [Held(at, hold, runs(sorted(numbers)))])

    def release(self, db: sqlite3.Connection, hold: str, at: Instant) -> list[int]:
        """End a hold: what it alone held goes a day later at the earliest. Gives those numbers."""
        db.execute("UPDATE holds SET released_at = ? WHERE id = ?", (at, hold))
        self._standing = None
        rows = db.execute("SELECT number FROM item_holds WHERE hold = ?", (hold,)).fetchall()
        return self.let_go(db, hold, [number for (number,) in rows], at)

    def let_go(
        self, db: sqlite3.Connection, hold: str, numbers: Iterable[int], at: Instant
    ) -> list[int]:
        """Take one hold off these items. Gives the numbers that nothing holds any more."""
        ours = sorted(numbers)
        if not ours:
            return []
        not_before = Instant(at + AFTER_RELEASE_SECONDS)
        db.executemany(
            "DELETE FROM item_holds WHERE number = ? AND hold = ?", [(n, hold) for n in ours]
        )
        db.executemany(
            "UPDATE items SET holds = holds - 1, not_before = max(not_before, ?) WHERE number = ?",
            [(not_before, n) for n in ours],
        )
        self._outbox.append(db, at, [Freed(at, hold, runs(ours), not_before)])
        free = "SELECT 1 FROM items WHERE number = ? AND holds = 0"
        return [n for n in ours if db.execute(free, (n,)).fetchone()]

    def gone(self, hold: StoreHold) -> list[tuple[str, int, int]]:
        """What a hold came too late for: (hold, civil date, count), by whole civil dates.

        A civil date counts if it overlaps the hold in any zone: its start may lie 14 h before
        midnight UTC, its end 12 h after the next (UTC+14 to UTC-12).
        """
        if hold.begins > hold.ends:
            return []
        first, last = _ordinal(hold.begins - 12 * 3600), _ordinal(hold.ends + 14 * 3600)
        rows = self._catalogue.rows(
            "SELECT word, civil, items FROM erased JOIN words ON id = source"
            " WHERE civil BETWEEN ? AND ?",
            (first, last),
        )
        counts: Counter[int] = Counter()
        for source, civil, items in rows:
            if not hold.sources or source in hold.sources:
                counts[civil] += items
        return [(hold.id, civil, items) for civil, items in sorted(counts.items())]

    def _matching(self, db: sqlite3.Connection, standing: Standing) -> Iterator[int]:
        cursor = db.execute(
            "SELECT number, source, anchor, before, after, state,"
            " CASE WHEN ? THEN fingerprint ELSE x'' END FROM items",
            (bool(standing.hold.items),),
        )
        for number, source, anchor, before, after, state, fingerprint in cursor:
            dated = None if state == State.UNDATED else anchor
            if standing.matches(
                number=number,
                source=self._words.word(source),
                anchor=dated,
                before=before,
                after=after,
                fingerprint=fingerprint,
            ):
                yield number


def _ordinal(instant: int) -> int:
    return date(1970, 1, 1).toordinal() + instant // DAY


def _standing(hold: StoreHold, epoch: int) -> Standing:
    return Standing(hold, frozenset(item.number for item in hold.items if item.epoch == epoch))
