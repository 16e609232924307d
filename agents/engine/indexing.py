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

from msgspec.structs import astuple

from agents.engine import contents, wholes
from agents.engine.catalogue import Catalogue, Words
from agents.engine.dates import WIDEST_SECONDS, Dates, dates_of, returned
from agents.engine.dating import Recording, Sight, best_evidence
from agents.engine.holding import Holds
from agents.engine.outbox import Outbox
from agents.engine.recognition import Namesake, Recognition
from agents.engine.twins import earlier_dates, same_content
from agents.engine.wholes import NO_HOLDS_OF_ITS_OWN, Member
from agents.stores import Found, Part, Role, Store
from retention.anchor import CORRECTED, INHERITED, REWRITTEN
from retention.calendar import DAY, Instant
from retention.decide import Grant, State
from retention.errors import UnreadableError
from retention.report import AnyEntry, Changed, Gone, Held, Sighted, runs

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
    sighted: dict[int, int] = field(default_factory=dict)  # calls begun: where their entries are
    joined: set[int] = field(default_factory=set)  # calls of which a part came or changed


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
            touched = [self._enter(batch, r, places[r.directory]) for r in _in_order(recordings)]
            db.executemany(
                "DELETE FROM others WHERE directory = ? AND name = ?",
                [(places[r.directory], r.name) for r in recordings],
            )
            db.execute("UPDATE agent SET next_item = ?", (batch.next_item,))
            self._tell_of_calls(batch)
            self._outbox.append(db, now, batch.entries)
            together = dict.fromkeys([*touched, *batch.joined, *batch.akin])
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

    def _enter(self, batch: _Batch, recording: Recording, place: int) -> int:
        """Enter one file; the number of the item that it is."""
        known = batch.recognition.named(place, recording)
        if known is not None and known[1] == recording.generation.inode:
            number = known[0]
            self._rewrite(batch, number, recording)
        else:
            if known is not None:
                self._make_way(batch, known[0])
            number = self._arrive(batch, recording, place)
        batch.recognition.meet(place, recording)
        return number

    def _arrive(self, batch: _Batch, recording: Recording, place: int) -> int:
        """A file under a name that was free: new, moved, copied, or back from the dead."""
        if recording.part is not None:
            return self._arrive_at_call(batch, recording, place, recording.part)
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

    def _arrive_at_call(self, batch: _Batch, recording: Recording, place: int, part: Part) -> int:
        """A part of a call: it joins the others, or it is the first one met."""
        db = batch.db
        call = wholes.call_of(batch.recognition.key, part)
        item = wholes.find(db, call)
        moved = self._moved_part(batch, recording, item)
        if moved is not None:
            self._move(db, moved, recording, place=place)
            if item is None:
                wholes.begin(db, call, moved, part.role)
            batch.joined.add(wholes.item_of(db, moved))
            return moved
        if item is None:
            return self._begin_call(batch, recording, place, call, part.role)
        batch.joined.add(item)
        return self._join(batch, recording, place, item, part.role)

    def _moved_part(self, batch: _Batch, recording: Recording, item: int | None) -> int | None:
        """Which known file this one is under another name.

        One of its own call; or, for the first of a call, a recording that had no such name before.
        """
        if item is not None:
            alike = [m for m in wholes.members(batch.db, item) if m[-1] == recording.fingerprint]
            return next((m.number for m in alike if self._is_away(m)), None)
        namesakes = batch.recognition.namesakes(recording)
        alone = [n for n in namesakes if not wholes.is_whole(batch.db, n.number)]
        return next((n.number for n in alone if self._is_away(n)), None)

    def _begin_call(
        self, batch: _Batch, recording: Recording, place: int, call: bytes, role: Role
    ) -> int:
        """The first part of a call that is known. Of one that was erased before, it goes (I11)."""
        dates, granted = self._dates_of_part(batch, recording, role), Grant.NONE
        fresh = role is Role.RECORDING and recording.sight.window and best_evidence(recording)
        if wholes.has_ended(batch.db, call) and not fresh:
            dates, granted = dates._replace(not_before=Instant(0)), Grant.ZOMBIE
        item = self._insert(batch, recording, place, dates, granted)
        batch.sighted[item] = len(batch.entries) - 1
        wholes.begin(batch.db, call, item, role)
        if role is Role.RECORDING and not batch.recognition.is_stranger(recording):
            self._meet_twins(batch, item)
        return item

    def _join(self, batch: _Batch, recording: Recording, place: int, item: int, role: Role) -> int:
        """One more part of a call: its dates, holds and all are the call's."""
        db = batch.db
        number = wholes.add(db, item, role)
        dates = self._dates_of_part(batch, recording, role)
        holds = NO_HOLDS_OF_ITS_OWN
        self._write(db, number, recording, place, dates._replace(state=State.PRESENT), holds=holds)
        if role is Role.RECORDING and wholes.lead_role(db, item) is not Role.RECORDING:
            wholes.lead_by(db, item, number)
        self.date_by_part(db, item, recording, dates)
        return number

    def _dates_of_part(self, batch: _Batch, recording: Recording, role: Role) -> Dates:
        """What it says, and what an earlier epoch knew of it, if it can be told from others.

        The rating of many a call is `5`; and of calls that nobody answered, the recording is the same.
        """
        dates = dates_of(recording)
        if role is not Role.RECORDING or batch.recognition.is_stranger(recording):
            return dates
        return returned(dates, batch.recognition.prior(recording), recording)

    def date_by_part(
        self, db: sqlite3.Connection, item: int, recording: Recording, dates: Dates
    ) -> None:
        """Have a call begin when a part of it says, if that is earlier and well attested (I10)."""
        anchor, before, after, state, how = db.execute(
            "SELECT anchor, before, after, state, word FROM items JOIN words ON id = how"
            " WHERE number = ?",
            (item,),
        ).fetchone()
        if dates.anchor is None or how == CORRECTED or state == State.RESTRICTED:
            return
        if anchor is None:
            self.redate(db, item, dates)
        elif dates.anchor < anchor and (best_evidence(recording) or dates.how == INHERITED):
            earliest = min(anchor - before, dates.anchor - dates.before)
            latest = max(anchor + after, dates.anchor + dates.after)
            widest = dates._replace(
                before=min(dates.anchor - earliest, WIDEST_SECONDS),
                after=min(latest - dates.anchor, WIDEST_SECONDS),
                state=State(state),
                not_before=Instant(0),
            )
            self.redate(db, item, widest)
        if recording.part is not None and recording.part.role is Role.RECORDING:
            db.execute(
                "UPDATE items SET span = max(span, ?1), after = max(after, ?1) WHERE number = ?2",
                (recording.span, item),
            )

    def _tell_of_calls(self, batch: _Batch) -> None:
        """Each call of which a part came or changed is told once, as it is now."""
        for item in sorted(batch.joined):
            if not batch.db.execute("SELECT 1 FROM items WHERE number = ?", (item,)).fetchone():
                continue  # it went in the same batch
            changed = self.changed(batch.db, item, batch.now)
            if item in batch.sighted:
                _, *facts = astuple(changed)
                batch.entries[batch.sighted[item]] = Sighted(*facts)
            else:
                batch.entries.append(changed)

    @staticmethod
    def _is_held(db: sqlite3.Connection, item: int) -> bool:
        row = db.execute("SELECT 1 FROM items WHERE number = ? AND holds > 0", (item,)).fetchone()
        return row is not None

    def _is_away(self, item: Namesake | Member) -> bool:
        """Whether a name leads nowhere any more; where that cannot be known, it still does."""
        try:
            return self._store.find(item.directory, item.name) is None
        except UnreadableError:
            return False

    def _insert(
        self, batch: _Batch, recording: Recording, place: int, dates: Dates, granted: Grant
    ) -> int:
        item = batch.next_item
        batch.next_item += 1
        self._write(batch.db, item, recording, place, dates, granted=granted)
        if recording.part is None or recording.part.role is Role.RECORDING:
            contents.remember(batch.db, item)
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
                size=recording.generation.size,
                fingerprint=recording.fingerprint,
                state=_STATE_WORDS[dates.state],
                not_before=dates.not_before,
            )
        )
        batch.fresh.append(recording.sight)
        return item

    def _write(
        self,
        db: sqlite3.Connection,
        number: int,
        recording: Recording,
        place: int,
        dates: Dates,
        *,
        granted: Grant = Grant.NONE,
        holds: int = 0,
    ) -> None:
        """The row of a new item, or of a new part of one."""
        db.execute(
            _INSERT,
            (
                number,
                place,
                recording.name,
                *recording.generation,
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
                holds,
                granted,
                self._words.id(dates.how),
            ),
        )
        if not recording.dated.ordinary:
            _keep_evidence(db, number, recording)

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
        if wholes.is_part(number):
            item = wholes.item_of(db, number)
            self.date_by_part(db, item, recording, dates_of(recording))
            batch.joined.add(item)
            return
        if recording.part is None or recording.part.role is Role.RECORDING:
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

    def _make_way(self, batch: _Batch, number: int) -> None:
        """Another file has this one's name; what is lost of a call by it is numbered on its way out."""
        batch.db.execute("UPDATE agent SET next_item = ?", (batch.next_item,))
        self._replaced(batch.db, number, batch.now, batch.entries)
        batch.next_item = batch.db.execute("SELECT next_item FROM agent").fetchone()[0]

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
            size=wholes.size_of(db, number) if wholes.is_whole(db, number) else row[8],
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
        """Somebody else removed these: `lost`, the worst alarm, if they were held.

        A call goes on while any part of it is left. One that was lost is told as an item of its
        own, because the centre knows of no parts: it must hear of every recording that was held.
        """
        lost: list[int] = []
        others: list[int] = []
        changed: set[int] = set()
        for number in sorted(
            numbers, reverse=True
        ):  # parts first: a lead that is left by all is last
            item = wholes.item_of(db, number)
            row = db.execute("SELECT holds FROM items WHERE number = ?", (item,)).fetchone()
            if row is None:
                continue
            if wholes.is_part(number) or wholes.has_parts(db, number):
                if row[0]:
                    lost.append(self._tell_apart(db, item, number, now, entries))
                _leave(db, number)
                changed.add(item)
            else:
                (lost if row[0] else others).append(number)
        left = sorted(changed - {*lost, *others})
        entries.extend(self.changed(db, item, now) for item in left)
        forget(db, [*lost, *others])
        if others:
            entries.append(Gone(now, runs(sorted(others)), "gone_elsewhere"))
        if lost:
            entries.append(Gone(now, runs(sorted(lost)), "lost"))

    def _tell_apart(
        self,
        db: sqlite3.Connection,
        item: int,
        number: int,
        now: Instant,
        entries: list[AnyEntry],
    ) -> int:
        """Tell a part of a held call as an item that the same holds hold. Gives its number."""
        advance = "UPDATE agent SET next_item = next_item + 1 RETURNING next_item - 1"
        apart: int = db.execute(advance).fetchone()[0]
        query = "SELECT size, fingerprint FROM items WHERE number = ?"
        size, fingerprint = db.execute(query, (number,)).fetchone()
        _, _, *facts, state, not_before = astuple(self.changed(db, item, now))
        state = "present" if state == "restricted" else state  # by a hold, which is told as well
        told = (*facts[:-2], size, fingerprint, state, not_before)
        entries.append(Sighted(apart, *told))
        holds = db.execute("SELECT hold FROM item_holds WHERE number = ?", (item,)).fetchall()
        entries += [Held(now, hold, ((apart, apart),)) for (hold,) in holds]
        return apart


def _leave(db: sqlite3.Connection, number: int) -> None:
    """A part of a call is no more, its lead perhaps; others are left."""
    if wholes.is_part(number):
        wholes.drop(db, [number])
    else:
        wholes.promote(db, number)


def forget(db: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Drop all rows of items that are no more."""
    args = [(number,) for number in numbers]
    for number in numbers:
        contents.forget(db, number)
    wholes.forget(db, numbers)
    db.executemany("DELETE FROM items WHERE number = ?", args)
    db.executemany("DELETE FROM item_holds WHERE number = ?", args)
    db.executemany("DELETE FROM evidence WHERE number = ?", args)


def _in_order(recordings: Sequence[Recording]) -> Sequence[Recording]:
    """Of calls, the recordings first: what is met first leads the others."""
    if all(recording.part is None for recording in recordings):
        return recordings
    return sorted(recordings, key=lambda each: each.part.role if each.part else Role.RECORDING)


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
