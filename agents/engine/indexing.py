"""Entering recordings into the catalogue, each with its log entry, in one transaction.

Here a dated file becomes an item: new, moved, copied, rewritten, come back from the dead, or gone
(docs/rules.md, Dating and Coming back).
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from agents.engine import contents
from agents.engine.catalogue import Catalogue, Words
from agents.engine.dates import Dates, dates_of, returned
from agents.engine.dating import Recording, Sight
from agents.engine.holding import Holds
from agents.engine.outbox import Outbox
from agents.engine.recognition import Namesake, Recognition
from agents.engine.twins import earlier_dates, same_content
from agents.stores import Found, Store
from retention.anchor import INHERITED, REWRITTEN
from retention.calendar import DAY, Instant
from retention.decide import Grant, State
from retention.errors import UnreadableError
from retention.report import AnyEntry, Changed, Gone, Sighted, runs

_COLUMNS = (
    "number, directory, name, inode, size, mtime_ns, links, fingerprint, record_class, source,"
    " anchor, civil, span, before, after, seen, period, not_before, state, holds, granted, how"
)
_INSERT = f"INSERT INTO items ({_COLUMNS}) VALUES ({', '.join('?' * 22)})"  # noqa: S608 - constants

_STATE_WORDS: dict[State, Any] = {
    State.PRESENT: "present",
    State.UNDATED: "undated",
    State.LATE: "late",
    State.RESTRICTED: "restricted",
}


@dataclass(slots=True)
class _Batch:
    """Recordings on their way in, in one transaction."""

    db: sqlite3.Connection
    now: Instant
    next_item: int
    recognition: Recognition
    entries: list[AnyEntry] = field(default_factory=list)
    fresh: list[Sight] = field(default_factory=list)
    akin: list[int] = field(default_factory=list)  # items known before that share a content met now


class Indexer:
    """Writes what the scan and the watch found."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        words: Words,
        outbox: Outbox,
        holds: Holds,
        store: Store,
        zone_of: Callable[[str], tzinfo],
    ) -> None:
        self._catalogue = catalogue
        self._words = words
        self._outbox = outbox
        self._holds = holds
        self._store = store
        self._zone_of = zone_of

    def place_of(self, directory: bytes) -> int | None:
        """The number of a directory; None if nothing that was ever in it is in the catalogue."""
        place: int | None = self._catalogue.value(
            "SELECT id FROM directories WHERE path = ?", (directory,)
        )
        return place

    def enter(self, recordings: Sequence[Recording], now: Instant) -> list[int]:
        """Make these files items, or bring the items they are up to date. One transaction.

        Gives the numbers of items that came to be held: their bytes want protecting.
        """
        for recording in recordings:
            for word in (recording.record_class.name, recording.source, recording.dated.how):
                self._words.id(word)
        for word in (INHERITED, REWRITTEN):
            self._words.id(word)
        with self._catalogue.transaction() as db:
            places = {path: _place(db, path) for path in {r.directory for r in recordings}}
            next_item = db.execute("SELECT next_item FROM agent").fetchone()[0]
            batch = _Batch(db, now, next_item, Recognition(db, recordings, places))
            touched = [self._enter(batch, r, places[r.directory]) for r in recordings]
            db.executemany(
                "DELETE FROM others WHERE directory = ? AND name = ?",
                [(places[r.directory], r.name) for r in recordings],
            )
            db.execute("UPDATE agent SET next_item = ?", (batch.next_item,))
            self._outbox.append(db, now, batch.entries)
            held = self._holds.match(db, dict.fromkeys([*touched, *batch.akin]), now)
            _count_arrivals(db, batch.fresh)
        return held

    def set_aside(self, directory: bytes, found: Found, now: Instant) -> None:
        """Remember a file that is no recording, so that no scan reads it again."""
        with self._catalogue.transaction() as db:
            entries: list[AnyEntry] = []
            place = _place(db, directory)
            known = db.execute(
                "SELECT number FROM items WHERE directory = ? AND name = ?", (place, found.name)
            ).fetchone()
            if known is not None:
                self._replaced(db, known[0], now, entries)
            db.execute(
                "INSERT OR REPLACE INTO others (directory, name, inode, size, mtime_ns)"
                " VALUES (?, ?, ?, ?, ?)",
                (place, found.name, *found.generation),
            )
            self._outbox.append(db, now, entries)

    def _enter(self, batch: _Batch, recording: Recording, place: int) -> int:
        """Enter one file; the number of the item that it is."""
        known = batch.recognition.named(place, recording)
        if known is not None and known[1] == recording.generation.inode:
            number = known[0]
            self._rewrite(batch, number, recording)
        else:
            if known is not None:
                self._replaced(batch.db, known[0], batch.now, batch.entries)
            number = self._arrive(batch, recording, place)
        batch.recognition.meet(place, recording)
        return number

    def _arrive(self, batch: _Batch, recording: Recording, place: int) -> int:
        """A file under a name that was free: new, moved, copied, or back from the dead."""
        dates = dates_of(recording)
        if batch.recognition.is_stranger(recording):
            return self._insert(batch, recording, place, dates, Grant.NONE)
        moved = next(filter(self._is_away, batch.recognition.namesakes(recording)), None)
        if moved is not None:
            self._move(batch.db, moved.number, recording, place=place)
            batch.entries.append(self.changed(batch.db, moved.number, batch.now))
            return moved.number
        dates = returned(dates, batch.recognition.prior(recording), recording)
        granted = batch.recognition.grant(recording)
        if granted is Grant.ZOMBIE:
            dates = dates._replace(not_before=Instant(0))  # its day of grace is long over
        number = self._insert(batch, recording, place, dates, granted)
        self._meet_twins(batch, number)
        return number

    def _meet_twins(self, batch: _Batch, number: int) -> None:
        """Of two that came to have the same content, one may know its date better (`twins`)."""
        batch.akin += same_content(batch.db, number)
        self.agree(batch.db, number, batch.now, batch.entries)

    def agree(
        self, db: sqlite3.Connection, number: int, now: Instant, entries: list[AnyEntry]
    ) -> list[int]:
        """Have this item and its twins take over what earlier dates they may. Gives those that did."""
        changes = list(earlier_dates(db, number, self._zone_of))
        for twin, dates in changes:
            self.redate(db, twin, dates)
            entries.append(self.changed(db, twin, now))
        return [twin for twin, _ in changes]

    def _is_away(self, item: Namesake) -> bool:
        """Whether a name leads nowhere any more; where that cannot be known, it still does."""
        try:
            return self._store.find(item.directory, item.name) is None
        except UnreadableError:
            return False

    def _insert(
        self, batch: _Batch, recording: Recording, place: int, dates: Dates, granted: Grant
    ) -> int:
        item, generation = batch.next_item, recording.generation
        batch.next_item += 1
        batch.db.execute(
            _INSERT,
            (
                item,
                place,
                recording.name,
                *generation,
                recording.links,
                recording.fingerprint,
                self._words.id(recording.record_class.name),
                self._words.id(recording.source),
                dates.anchor,
                dates.civil,
                recording.span,
                dates.before,
                dates.after,
                recording.sight.seen,
                recording.sight.period,
                dates.not_before,
                dates.state,
                0,
                granted,
                self._words.id(dates.how),
            ),
        )
        contents.remember(batch.db, item)
        if not recording.dated.ordinary:
            _keep_evidence(batch.db, item, recording)
        batch.entries.append(
            Sighted(
                item=item,
                record_class=recording.record_class.name,
                source=recording.source,
                anchor=dates.anchor,
                how=dates.how,
                span=recording.span,
                before=dates.before,
                after=dates.after,
                seen=recording.sight.seen,
                size=generation.size,
                fingerprint=recording.fingerprint,
                state=_STATE_WORDS[dates.state],
                not_before=dates.not_before,
            )
        )
        batch.fresh.append(recording.sight)
        return item

    def _rewrite(self, batch: _Batch, number: int, recording: Recording) -> None:
        """The same inode has other bytes: one item still, and its anchor moves only earlier (I10)."""
        generation, db = recording.generation, batch.db
        contents.forget(db, number)
        db.execute(
            "UPDATE items SET size = ?, mtime_ns = ?, links = ?, fingerprint = ?, span = ?"
            " WHERE number = ?",
            (
                generation.size,
                generation.mtime_ns,
                recording.links,
                recording.fingerprint,
                recording.span,
                number,
            ),
        )
        contents.remember(db, number)
        anchor, state = db.execute(
            "SELECT anchor, state FROM items WHERE number = ?", (number,)
        ).fetchone()
        dates = dates_of(recording)
        earlier = dates.anchor is not None and (anchor is None or dates.anchor < anchor)
        if earlier and state != State.RESTRICTED:
            self.redate(db, number, dates)
        elif anchor is not None and anchor != dates.anchor:
            db.execute(
                "UPDATE items SET how = (SELECT id FROM words WHERE word = ?) WHERE number = ?",
                (REWRITTEN, number),
            )
        batch.entries.append(self.changed(db, number, batch.now))
        if not batch.recognition.is_stranger(recording):
            self._meet_twins(batch, number)

    def _replaced(
        self, db: sqlite3.Connection, number: int, now: Instant, entries: list[AnyEntry]
    ) -> None:
        """Another file stands under this item's name: its own bytes are gone, unless we keep them."""
        if self._store.kept(number) is None:
            self.gone(db, [number], now, entries)
            return
        db.execute(
            "UPDATE items SET directory = ?, name = ? WHERE number = ?",
            (_place(db, b""), b"kept-%d" % number, number),
        )

    def _move(
        self, db: sqlite3.Connection, number: int, recording: Recording, *, place: int
    ) -> None:
        """The same content under another name, the old name gone: the item moved, dates and holds with it."""
        db.execute(
            "UPDATE items SET directory = ?, name = ?, inode = ?, size = ?, mtime_ns = ?, links = ?,"
            " record_class = ?, source = ? WHERE number = ?",
            (
                place,
                recording.name,
                *recording.generation,
                recording.links,
                self._words.id(recording.record_class.name),
                self._words.id(recording.source),
                number,
            ),
        )

    def redate(self, db: sqlite3.Connection, number: int, dates: Dates) -> None:
        """Give an item other dates; the caller logs the change."""
        db.execute("INSERT OR IGNORE INTO words (word) VALUES (?)", (dates.how,))
        db.execute(
            "UPDATE items SET anchor = ?, civil = ?, before = ?, after = ?, state = ?,"
            " how = (SELECT id FROM words WHERE word = ?), not_before = max(not_before, ?)"
            " WHERE number = ?",
            (
                dates.anchor,
                dates.civil,
                dates.before,
                dates.after,
                dates.state,
                dates.how,
                dates.not_before,
                number,
            ),
        )

    def changed(self, db: sqlite3.Connection, number: int, now: Instant) -> Changed:
        """The log entry that tells an item's facts as they are now."""
        row = db.execute(
            "SELECT record_class, source, anchor, how, span, before, after, seen, size, fingerprint,"
            " state, not_before FROM items WHERE number = ?",
            (number,),
        ).fetchone()
        return Changed(
            at=now,
            item=number,
            record_class=self._words.word(row[0]),
            source=self._words.word(row[1]),
            anchor=row[2],
            how=self._words.word(row[3]),
            span=row[4],
            before=row[5],
            after=row[6],
            seen=row[7],
            size=row[8],
            fingerprint=row[9],
            state=_STATE_WORDS[State(row[10])],
            not_before=row[11],
        )

    def gone(
        self,
        db: sqlite3.Connection,
        numbers: Iterable[int],
        now: Instant,
        entries: list[AnyEntry],
    ) -> None:
        """Somebody else removed these: `lost`, the worst alarm, if they were held."""
        lost: list[int] = []
        others: list[int] = []
        for number in sorted(numbers):
            row = db.execute("SELECT holds FROM items WHERE number = ?", (number,)).fetchone()
            if row is not None:
                (lost if row[0] else others).append(number)
        forget(db, [*lost, *others])
        if others:
            entries.append(Gone(now, runs(others), "gone_elsewhere"))
        if lost:
            entries.append(Gone(now, runs(lost), "lost"))


def forget(db: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Drop all rows of items that are no more."""
    args = [(number,) for number in numbers]
    for number in numbers:
        contents.forget(db, number)
    db.executemany("DELETE FROM items WHERE number = ?", args)
    db.executemany("DELETE FROM item_holds WHERE number = ?", args)
    db.executemany("DELETE FROM evidence WHERE number = ?", args)


def _keep_evidence(db: sqlite3.Connection, item: int, recording: Recording) -> None:
    candidates = [
        {"source": str(c.source), "value": c.value.isoformat(), "zone": str(c.zone)}
        for c in recording.candidates
    ]
    db.execute(
        "INSERT OR REPLACE INTO evidence (number, reason, candidates) VALUES (?, ?, ?)",
        (item, recording.dated.reason, json.dumps(candidates)),
    )


def _place(db: sqlite3.Connection, directory: bytes) -> int:
    """The number of a directory; made if it is new."""
    query = "SELECT id FROM directories WHERE path = ?"
    found = db.execute(query, (directory,)).fetchone()
    if found is None:
        insert = "INSERT INTO directories (path) VALUES (?) RETURNING id"
        found = db.execute(insert, (directory,)).fetchone()
    return int(found[0])


def _count_arrivals(db: sqlite3.Connection, fresh: Iterable[Sight]) -> None:
    """Count, per day, what came while the agent watched."""
    days = Counter(sight.seen // DAY for sight in fresh if sight.window is not None)
    db.executemany(
        "INSERT INTO arrivals (day, items) VALUES (?, ?)"
        " ON CONFLICT (day) DO UPDATE SET items = items + excluded.items",
        days.items(),
    )
