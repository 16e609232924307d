"""Holds in the catalogue: which items they match, and what happens when one ends.

Every hold ever acknowledged stays until two people's release (I2). An item that a hold matched
stays held by it, whatever is learnt of its date afterwards, and so does all that has its content:
which of them is the recording and which the copy, nobody can tell (`twins`).
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import tzinfo
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from agents.engine.clock import LAST_INSTANT
from agents.engine.holding import doubts
from agents.engine.memory import numbering, wholes
from agents.engine.memory.catalogue import Catalogue, Words
from agents.engine.memory.outbox import Outbox
from agents.engine.memory.twins import same_content, with_twins
from retention import codec
from retention.calendar import Instant, civil_date
from retention.decide import State
from retention.hold import AFTER_RELEASE_SECONDS, ItemRef, StoreHold, either_number
from retention.numbers import Keyed
from retention.report import AnyEntry, Freed, Held, Runs, runs

#: Runs in one log entry: a hold on every second item of a million still travels.
RUNS_PER_ENTRY = 20_000

_FACTS = "number, source, anchor, before, after, state, fingerprint"
_ITEMS = f"SELECT {_FACTS} FROM items WHERE holds >= 0"  # noqa: S608 - constants only
# A hold that matches any part of a call holds the call: its date, and where and what the part is.
_PARTS = """
SELECT call.number, part.source, call.anchor, call.before, call.after, call.state, part.fingerprint
  FROM parts JOIN items AS part USING (number) JOIN items AS call ON call.number = parts.item
"""

_HELD = """
SELECT agent.store, agent.epoch, number, word, anchor, before, after, state, fingerprint
  FROM item_holds JOIN items USING (number) JOIN words ON words.id = source JOIN agent
 WHERE hold = ? ORDER BY number
"""


class _Facts(NamedTuple):
    """What a hold asks of an item."""

    number: int
    source: int
    anchor: Instant | None
    before: int
    after: int
    state: int
    fingerprint: bytes


class Standing(NamedTuple):
    """A hold in force, ready to be asked about an item of this epoch."""

    hold: StoreHold
    numbers: frozenset[int]  # items it names that are of this store's present epoch

    def matches(self, source: str, facts: _Facts, numbers: Collection[Keyed]) -> bool:
        """Whether it holds this item, at the widest that the item's date allows."""
        if facts.number in self.numbers:
            return True
        earliest = latest = None
        if facts.anchor is not None and facts.state != State.UNDATED:
            earliest = Instant(facts.anchor - facts.before)
            latest = Instant(facts.anchor + facts.after)
        return self.hold.matches(source, earliest, latest, facts.fingerprint, numbers)


class Holds:
    """The holds of one store."""

    def __init__(
        self,
        catalogue: Catalogue,
        words: Words,
        outbox: Outbox,
        zone_of: Callable[[str], tzinfo],
    ) -> None:
        self._catalogue = catalogue
        self._words = words
        self._outbox = outbox
        self._zone_of = zone_of

    def known(self, hold: str) -> bool:
        """Whether this hold was ever placed here, released or not."""
        return self._catalogue.one("SELECT 1 FROM holds WHERE id = ?", (hold,)) is not None

    def released(self, hold: str) -> bool:
        """Whether this hold was placed here and two people released it."""
        found = self._catalogue.value("SELECT released_at FROM holds WHERE id = ?", (hold,))
        return found is not None

    def in_force(self) -> frozenset[str]:
        """The ids of all holds that were placed and not released."""
        rows = self._catalogue.rows("SELECT id FROM holds WHERE released_at IS NULL")
        return frozenset(hold for (hold,) in rows)

    def pending(self) -> frozenset[str]:
        """The holds in force that were not acknowledged when they came, because of a doubt."""
        rows = self._catalogue.rows("SELECT id FROM holds WHERE pending AND released_at IS NULL")
        return frozenset(hold for (hold,) in rows)

    def in_doubt(self) -> frozenset[str]:
        """Those of them of which it is open still whether all that they match is there."""
        rows = self._catalogue.rows("SELECT DISTINCT hold FROM doubts")
        return self.pending() & {hold for (hold,) in rows}

    @staticmethod
    def acknowledge(db: sqlite3.Connection, holds: Iterable[str]) -> None:
        """These are pending no more."""
        db.executemany("UPDATE holds SET pending = 0 WHERE id = ?", [(hold,) for hold in holds])

    def settle_doubts(self, db: sqlite3.Connection, at: Instant) -> list[int]:
        """Hold what was matched while its erasure was under way, and has stayed; gives its numbers.

        After a hold that was released meanwhile, it has its day of grace.
        """
        held: list[int] = []
        for hold, stayed in doubts.settle(db).items():
            numbers = self._hold(db, hold, stayed, at)
            query = "SELECT released_at FROM holds WHERE id = ?"
            (released_at,) = db.execute(query, (hold,)).fetchone()
            if released_at is None:
                held += numbers
            else:
                self.let_go(db, hold, numbers, released_at)
        return held

    def place(
        self, db: sqlite3.Connection, hold: StoreHold, at: Instant, latest: Instant
    ) -> list[int]:
        """Put a hold in force, with all it matches. Gives the numbers of what it newly holds.

        One that is in force already only ever grows: it then covers what either says. One that
        was released stays released; one that was before our memory began leaves its day of grace,
        from `latest` at the latest: nothing was released in the future.
        A new one that matches what an open intent names is pending (`doubts`).
        """
        over, hold = hold.released_at, replace(hold, released_at=UNSET)
        row = db.execute("SELECT hold, released_at FROM holds WHERE id = ?", (hold.id,)).fetchone()
        if row is not None and row[1] is not None:
            return []
        if row is None:
            placed = hold
            db.execute(
                "INSERT INTO holds (id, hold, placed_at) VALUES (?, ?, ?)",
                (hold.id, codec.encode(hold), at),
            )
        else:
            known = codec.decode(row[0], StoreHold)
            placed = _widened(known, hold)
            if placed == known:
                return []
            db.execute("UPDATE holds SET hold = ? WHERE id = ?", (codec.encode(placed), hold.id))
        cursor = chain(db.execute(_ITEMS), db.execute(_PARTS))
        standing = _standing(codec.encode(placed), _epoch(db))
        matched = [f.number for f in map(_Facts._make, cursor) if self._matches(db, standing, f)]
        held = self._hold(db, hold.id, matched, at)
        if row is None:
            query = "UPDATE holds SET pending = id IN (SELECT hold FROM doubts) WHERE id = ?"
            db.execute(query, (hold.id,))
        if row is None and not isinstance(over, UnsetType):
            ended = min(Instant(over), latest)
            self._end(db, hold.id, ended)
            self.let_go(db, hold.id, held, ended)
        return held

    def match(self, db: sqlite3.Connection, numbers: Iterable[int], at: Instant) -> list[int]:
        """Have all holds in force hold these items, whose dates are new or have changed, too.

        A hold that was released within the day holds them no more, but their day of grace is the
        same. Named together with one that a hold holds already, its twins come to be held as well.
        Gives the numbers that came to be held by one more.
        """
        rows = db.execute(
            "SELECT hold, released_at FROM holds"
            " WHERE hold <> x'' AND (released_at IS NULL OR released_at > ?)",
            (at - AFTER_RELEASE_SECONDS,),
        ).fetchall()
        if not rows:
            return []
        found = [row for n in numbers if (row := _facts_of(db, n))]
        facts = [_Facts(*row) for row in found]
        epoch = _epoch(db)
        held: set[int] = set()
        for hold, released_at in rows:
            standing = _standing(hold, epoch)
            matched = [
                f.number
                for f in facts
                if self._matches(db, standing, f) or _holds(db, standing.hold.id, f.number)
            ]
            numbers = self._hold(db, standing.hold.id, matched, at)
            if released_at is None:
                held.update(numbers)
            else:
                self.let_go(db, standing.hold.id, numbers, released_at)
        return sorted(held)

    def _matches(self, db: sqlite3.Connection, standing: Standing, facts: _Facts) -> bool:
        asks = standing.hold.numbers is not UNSET
        numbers = numbering.of_item(db, facts.number) if asks else ()
        return standing.matches(self._words.word(facts.source), facts, numbers)

    def _hold(
        self, db: sqlite3.Connection, hold: str, matched: Iterable[int], at: Instant
    ) -> list[int]:
        """Have one hold hold what it matches, with the twins. Gives what it did not hold before.

        What an open intent names may be gone: that is noted, and held when it turns out to stay.
        """
        new = [n for n in sorted(with_twins(db, matched)) if not _holds(db, hold, n)]
        under_way = doubts.open_items(db).intersection(new) if new else set()
        doubts.note(db, hold, under_way)
        numbers = [n for n in new if n not in under_way]
        rows = [(number, hold) for number in numbers]
        db.executemany("INSERT INTO item_holds (number, hold) VALUES (?, ?)", rows)
        db.executemany(
            "UPDATE items SET holds = holds + 1 WHERE number = ?", [(n,) for n in numbers]
        )
        entries: list[AnyEntry] = [Held(at, hold, part) for part in _parts(numbers)]
        self._outbox.append(db, at, entries)
        return numbers

    def release(self, db: sqlite3.Connection, hold: str, at: Instant) -> list[int]:
        """End a hold: what it held goes a day later at the earliest. Gives what nothing holds now."""
        self._end(db, hold, at)
        rows = db.execute("SELECT number FROM item_holds WHERE hold = ?", (hold,)).fetchall()
        return self.let_go(db, hold, [number for (number,) in rows], at)

    @staticmethod
    def _end(db: sqlite3.Connection, hold: str, at: Instant) -> None:
        """Its day of grace counts from here, unless it had ended before."""
        db.execute(
            "UPDATE holds SET released_at = ? WHERE id = ? AND released_at IS NULL", (at, hold)
        )

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
        entries: list[AnyEntry] = [Freed(at, hold, part, not_before) for part in _parts(ours)]
        self._outbox.append(db, at, entries)
        free = "SELECT 1 FROM items WHERE number = ? AND holds = 0"
        return [n for n in ours if db.execute(free, (n,)).fetchone()]

    def let_go_of(self, db: sqlite3.Connection, hold: str, number: int, at: Instant) -> list[int]:
        """Take a hold off one item and those that only its content put under it."""
        row = db.execute("SELECT hold FROM holds WHERE id = ?", (hold,)).fetchone()
        named = frozenset() if row is None else _standing(row[0], _epoch(db)).numbers
        twins = [twin for twin in same_content(db, number) if twin not in named]
        ours = {n for n in (number, *twins) if _holds(db, hold, n)}
        return self.let_go(db, hold, ours, at)

    def only_of(self, db: sqlite3.Connection, items: Iterable[ItemRef]) -> list[str]:
        """The holds in force that name items, and none but these."""
        named = {(item.store, item.epoch, item.number) for item in items}
        rows = db.execute("SELECT hold FROM holds WHERE released_at IS NULL").fetchall()
        holds = [codec.decode(hold, StoreHold) for (hold,) in rows]
        return [
            hold.id
            for hold in holds
            if hold.items
            and hold.begins > hold.ends
            and named.issuperset((i.store, i.epoch, i.number) for i in hold.items)
        ]

    def gone(self, hold: StoreHold) -> list[tuple[str, int, int]]:
        """What a hold came too late for: (hold, civil date, count), by whole civil dates.

        More is not known of what was erased; each source's dates are of its own zone.
        """
        if hold.begins > hold.ends:
            return []
        sources = self._catalogue.rows(
            "SELECT DISTINCT word, id FROM erased JOIN words ON id = source"
        )
        counts: Counter[int] = Counter()
        for source, word in sources:
            if not hold.sources or source in hold.sources:
                zone = self._zone_of(source)
                days = (_ordinal(hold.begins, zone), _ordinal(hold.ends, zone))
                query = "SELECT civil, items FROM erased WHERE source = ? AND civil BETWEEN ? AND ?"
                counts.update(dict(self._catalogue.rows(query, (word, *days))))
        return [(hold.id, civil, items) for civil, items in sorted(counts.items())]


def forget_released(db: sqlite3.Connection, now: Instant) -> None:
    """Drop what released holds say when their day of grace is over: nobody asks that again (I8).

    That they were released stays: a marker may lie there still, or an old enforcer tell of them.
    """
    db.execute(
        "UPDATE holds SET hold = x'' WHERE hold <> x'' AND released_at <= ?",
        (now - AFTER_RELEASE_SECONDS,),
    )


def name_what_moved(db: sqlite3.Connection) -> None:
    """Have holds name what they hold and might not match anew: the epoch that knows of it ends.

    What was moved, or dated otherwise, since a hold matched it is held until the release (I2), and
    an enforcer that makes us begin anew need not tell us of it.
    """
    rows = db.execute("SELECT hold FROM holds WHERE released_at IS NULL").fetchall()
    for hold in (codec.decode(encoded, StoreHold) for (encoded,) in rows):
        named = tuple(_to_be_named(db, hold))
        if named:
            wider = codec.encode(replace(hold, items=(*hold.items, *named)))
            db.execute("UPDATE holds SET hold = ? WHERE id = ?", (wider, hold.id))


def _to_be_named(db: sqlite3.Connection, hold: StoreHold) -> Iterator[ItemRef]:
    """What a hold holds beyond its own words; what is undated now may be dated anyhow then."""
    for row in db.execute(_HELD, (hold.id,)):
        store, epoch, number, source, anchor, before, after, state, fingerprint = row
        begins, ends = Instant(0), Instant(LAST_INSTANT)
        if anchor is not None and state != State.UNDATED:
            begins, ends = max(Instant(anchor - before), begins), min(Instant(anchor + after), ends)
        if state == State.UNDATED or not hold.matches(source, begins, ends, fingerprint):
            yield ItemRef(store, epoch, number, source, begins, ends, fingerprint)


def _facts_of(db: sqlite3.Connection, number: int) -> tuple[Any, ...] | None:
    """What a hold asks of an item, or of a part of one."""
    query = (
        f"{_PARTS} WHERE part.number = ?" if wholes.is_part(number) else f"{_ITEMS} AND number = ?"
    )
    row: tuple[Any, ...] | None = db.execute(query, (number,)).fetchone()
    return row


def _ordinal(instant: Instant, zone: tzinfo) -> int:
    return civil_date(Instant(min(max(instant, 0), LAST_INSTANT)), zone).toordinal()


def _holds(db: sqlite3.Connection, hold: str, number: int) -> bool:
    query = "SELECT 1 FROM item_holds WHERE number = ? AND hold = ?"
    return db.execute(query, (number, hold)).fetchone() is not None


def _epoch(db: sqlite3.Connection) -> int:
    epoch: int = db.execute("SELECT epoch FROM agent").fetchone()[0]
    return epoch


@lru_cache(maxsize=1024)
def _standing(hold: bytes, epoch: int) -> Standing:
    decoded = codec.decode(hold, StoreHold)
    return Standing(decoded, frozenset(i.number for i in decoded.items if i.epoch == epoch))


def _widened(known: StoreHold, told: StoreHold) -> StoreHold:
    """A hold of the same id that covers all that either of them does, and perhaps more."""
    everywhere = not known.sources or not told.sources
    spans = [hold for hold in (known, told) if hold.begins <= hold.ends] or [known]
    return StoreHold(
        known.id,
        min(hold.begins for hold in spans),
        max(hold.ends for hold in spans),
        () if everywhere else tuple(sorted({*known.sources, *told.sources})),
        known.items + tuple(item for item in told.items if item not in known.items),
        either_number(known.numbers, told.numbers),
    )


def _parts(numbers: Sequence[int]) -> Iterator[Runs]:
    """Ascending numbers as runs, no more of them together than one log entry takes."""
    whole = runs(sorted(numbers))
    for start in range(0, len(whole), RUNS_PER_ENTRY):
        yield whole[start : start + RUNS_PER_ENTRY]
