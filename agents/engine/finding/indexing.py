"""Entering recordings into the catalogue, each with its log entry, in one transaction.

Here a dated file becomes an item: new, moved, copied, rewritten, come back from the dead, or gone
(docs/rules.md, Dating and Coming back).
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from itertools import chain

from agents.engine.clock import CONFIRMED, is_confirmed
from agents.engine.finding.items import Batch, Items
from agents.engine.finding.joining import Joining
from agents.engine.finding.moves import Moves
from agents.engine.finding.recognition import Recognition, known_before
from agents.engine.holding.holds import Holds
from agents.engine.memory import contents, numbering, wholes
from agents.engine.memory.catalogue import Catalogue, Words
from agents.engine.memory.dates import WIDEST_SECONDS, dates_of
from agents.engine.memory.outbox import Outbox
from agents.engine.memory.recording import Recording, Sight
from agents.engine.memory.twins import earlier_dates, telling, with_twins
from agents.stores import Found, Role, Store
from retention.anchor import INHERITED, REWRITTEN
from retention.calendar import DAY, Instant, civil_date
from retention.decide import Grant, State
from retention.report import AnyEntry

# The rating of many a call is the same.
_SEEN_BEFORE = f"""
SELECT prior.seen, earliest, word
  FROM items JOIN prior USING (fingerprint) JOIN words ON words.id = source
 WHERE number = ? AND state = {State.UNDATED:d} AND size > 0 AND {CONFIRMED}
   AND prior.anchor IS NULL AND prior.seen < items.seen
   AND number NOT IN (SELECT item FROM calls WHERE role = {Role.COMPANION:d})
"""  # noqa: S608 - constants of ours


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
        self.items = Items(words)
        self.moves = Moves(store)
        self.joining = Joining(self.items, self.moves)

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
            batch = Batch(db, now, next_item, Recognition(db, recordings, places))
            touched = [self._enter(batch, r, places[r.directory]) for r in _in_order(recordings)]
            db.executemany(
                "DELETE FROM others WHERE directory = ? AND name = ?",
                [(places[r.directory], r.name) for r in recordings],
            )
            db.execute("UPDATE agent SET next_item = ?", (batch.next_item,))
            akin = self._meet_twins(batch)
            self.joining.tell(batch)
            for number, recording in zip(touched, _in_order(recordings), strict=True):
                if recording.numbers:
                    item = wholes.item_of(db, number)
                    numbering.note(db, item, recording.numbers, now, batch.entries)
            self._outbox.append(db, now, batch.entries)
            together = dict.fromkeys([*touched, *batch.joined, *akin])
            held = self._holds.match(db, together, now)
            held += [item for item in batch.joined if self._is_held(db, item)]
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

    def _enter(self, batch: Batch, recording: Recording, place: int) -> int:
        """Enter one file; the number of the item that it is."""
        known = batch.recognition.named(place, recording)
        if known is not None and known[1] == recording.generation.inode:
            number = known[0]
            self._rewrite(batch, number, recording)
        else:
            if known is not None:
                self._make_way(batch, known[0])
            number = self._arrive(batch, recording, place)
            if not batch.recognition.is_stranger(recording) and self.recall(batch.db, number):
                batch.joined.add(number)
        batch.recognition.meet(place, recording)
        return number

    def _arrive(self, batch: Batch, recording: Recording, place: int) -> int:
        """A file under a name that was free: new, moved, copied, or back from the dead."""
        memory = batch.recognition.remembered(place, recording)
        sure = memory is not None and is_confirmed(batch.db, recording.sight.period)
        if memory is not None:
            recording = memory.seen_then(recording)
        if recording.part is not None:
            number = self.joining.arrive(batch, recording, place, recording.part)
            if number in batch.sighted and not batch.recognition.is_stranger(recording):
                batch.alike.setdefault(recording.fingerprint, []).append(number)
            return number
        dates, granted = dates_of(recording), Grant.NONE
        if memory is not None:
            dates, granted = memory.dates_for(recording, sure=sure), memory.granted
        if batch.recognition.is_stranger(recording):
            return self.items.insert(batch, recording, place, dates, granted)
        moved = self.moves.away(batch, recording)
        if moved is not None:
            self.items.move(batch.db, moved, recording, place=place)
            batch.entries.append(self.items.changed(batch.db, moved, batch.now))
            return moved
        if memory is None:
            dates = known_before(batch.db, dates, recording)
            granted = batch.recognition.grant(recording)
        if granted is Grant.ZOMBIE:
            dates = dates._replace(not_before=Instant(0))  # its day of grace is long over
        number = self.items.insert(batch, recording, place, dates, granted)
        batch.alike.setdefault(recording.fingerprint, []).append(number)
        return number

    def _meet_twins(self, batch: Batch) -> set[int]:
        """Of those that came to have the same content, one may know its date better (`twins`).

        Content by content, and not item by item: a thousand of one content are a thousand twins.
        Gives all whose content was met.
        """
        for alike in batch.alike.values():
            self.agree(batch.db, telling(batch.db, alike), batch.now, batch.entries)
        return with_twins(batch.db, chain.from_iterable(batch.alike.values()))

    def agree(
        self, db: sqlite3.Connection, number: int, now: Instant, entries: list[AnyEntry]
    ) -> list[int]:
        """Have this item and its twins take over what earlier dates they may. Gives those that did."""
        changes = list(earlier_dates(db, number, self._zone_of))
        for twin, dates in changes:
            self.items.redate(db, twin, dates)
            entries.append(self.items.changed(db, twin, now))
        return [twin for twin, _ in changes]

    def recall(self, db: sqlite3.Connection, number: int) -> bool:
        """Have the week of what has no date begin when an earlier epoch first saw it; whether it did."""
        row = db.execute(_SEEN_BEFORE, (number,)).fetchone()
        if row is None:
            return False
        seen, earliest, source = row
        civil = civil_date(seen, self._zone_of(source)).toordinal()
        db.execute(
            "UPDATE items SET seen = ?, civil = ?, before = ?, unsure = ? WHERE number = ?",
            (seen, civil, min(seen - earliest, WIDEST_SECONDS), earliest < seen, number),
        )
        return True

    @staticmethod
    def _is_held(db: sqlite3.Connection, item: int) -> bool:
        row = db.execute("SELECT 1 FROM items WHERE number = ? AND holds > 0", (item,)).fetchone()
        return row is not None

    def _rewrite(self, batch: Batch, number: int, recording: Recording) -> None:
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
        if wholes.is_part(number):
            item = wholes.item_of(db, number)
            self.joining.date(db, item, recording, dates_of(recording))
            batch.joined.add(item)
            return
        if recording.part is None or recording.part.role is Role.RECORDING:
            contents.remember(db, number)
        known, period = self.items.dates(db, number)
        dates, seen_in = dates_of(recording), recording.sight.period
        sure = is_confirmed(db, seen_in)
        earlier = dates.anchor is not None and (known.anchor is None or dates.anchor < known.anchor)
        earlier = earlier and (seen_in == period or sure)
        if earlier and known.state is not State.RESTRICTED:
            self.items.redate(db, number, dates)
        elif known.anchor is not None:
            self.items.redate(db, number, known.rewritten(dates, sure=sure))
        batch.entries.append(self.items.changed(db, number, batch.now))
        if not batch.recognition.is_stranger(recording):
            batch.alike.setdefault(recording.fingerprint, []).append(number)

    def _make_way(self, batch: Batch, number: int) -> None:
        """Another file has this one's name; what is lost of a call by it is numbered on its way out."""
        batch.db.execute("UPDATE agent SET next_item = ?", (batch.next_item,))
        self._replaced(batch.db, number, batch.now, batch.entries)
        batch.next_item = batch.db.execute("SELECT next_item FROM agent").fetchone()[0]

    def _replaced(
        self, db: sqlite3.Connection, number: int, now: Instant, entries: list[AnyEntry]
    ) -> None:
        """Another file stands under this item's name: its own bytes are gone, unless we keep them."""
        if self._store.kept(number) is None:
            self.items.gone(db, [number], now, entries)
            return
        place = _place(db, b"")
        db.execute(
            "UPDATE items SET directory = ?, name = ? WHERE number = ?",
            (place, _free_name(db, place, b"kept-%d" % number), number),
        )


def _in_order(recordings: Sequence[Recording]) -> Sequence[Recording]:
    """Of calls, the recordings first: what is met first leads the others."""
    if all(recording.part is None for recording in recordings):
        return recordings
    return sorted(recordings, key=lambda each: each.part.role if each.part else Role.RECORDING)


def _place(db: sqlite3.Connection, directory: bytes) -> int:
    """The number of a directory; made if it is new."""
    query = "SELECT id FROM directories WHERE path = ?"
    found = db.execute(query, (directory,)).fetchone()
    if found is None:
        insert = "INSERT INTO directories (path) VALUES (?) RETURNING id"
        found = db.execute(insert, (directory,)).fetchone()
    return int(found[0])


def _free_name(db: sqlite3.Connection, place: int, name: bytes) -> bytes:
    """Give this name, longer by as much as is taken: what was given back under it may be replaced as well."""
    query = "SELECT 1 FROM items WHERE directory = ? AND name = ?"
    while db.execute(query, (place, name)).fetchone() is not None:
        name += b"-"
    return name


def count_no_arrival(db: sqlite3.Connection, seen: Instant) -> None:
    """What was counted as having come then did not: it came from a backup."""
    db.execute("UPDATE arrivals SET items = items - 1 WHERE day = ? AND items > 0", (seen // DAY,))


def _count_arrivals(db: sqlite3.Connection, fresh: Iterable[Sight]) -> None:
    """Count, per day, what came while the agent watched, and not from a backup: what is usual."""
    days = Counter(s.seen // DAY for s in fresh if s.window is not None and not s.restored)
    db.executemany(
        "INSERT INTO arrivals (day, items) VALUES (?, ?)"
        " ON CONFLICT (day) DO UPDATE SET items = items + excluded.items",
        days.items(),
    )
