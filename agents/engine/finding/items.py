"""Rows of items in the catalogue, and the log entries that tell of them.

Each is written in the caller's transaction; which file is which item, and when it has come or gone,
is for others to find out (`indexing`, `joining`).
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import astuple

from agents.engine.clock import CONFIRMED, is_confirmed
from agents.engine.finding.recognition import Namesake, Recognition
from agents.engine.memory import contents, numbering, wholes
from agents.engine.memory.catalogue import Words
from agents.engine.memory.counting import STATE_WORDS
from agents.engine.memory.dates import Dates
from agents.engine.memory.recording import Recording, Sight
from agents.stores import Role
from retention.anchor import CORRECTED, DOUBTED, INHERITED, LATEST
from retention.calendar import Instant
from retention.decide import Grant, State
from retention.report import AnyEntry, Changed, Gone, Held, Sighted, runs

_COLUMNS = (
    "number, directory, name, inode, size, mtime_ns, links, fingerprint, record_class, source,"
    " anchor, civil, span, before, after, seen, period, scan, not_before, state, holds, granted, how,"
    " unsure"
)
_INSERT = f"INSERT INTO items ({_COLUMNS}) VALUES ({', '.join('?' * 24)})"  # noqa: S608 - constants

_TOLD_OF = f"""
SELECT record_class, source, how, unsure, {CONFIRMED}, size, state,
       anchor, span, before, after, seen, fingerprint, not_before
  FROM items WHERE number = ?
"""  # noqa: S608 - a constant of ours


@dataclass(slots=True)
class Batch:
    """Recordings on their way in, in one transaction."""

    db: sqlite3.Connection
    now: Instant
    next_item: int
    recognition: Recognition
    entries: list[AnyEntry] = field(default_factory=list)
    fresh: list[Sight] = field(default_factory=list)
    alike: dict[bytes, list[int]] = field(default_factory=dict)  # items met with a known content
    away: dict[tuple[bytes, bool], list[Namesake]] = field(default_factory=dict)  # see `Moves`
    sighted: dict[int, int] = field(default_factory=dict)  # calls begun: where their entries are
    joined: set[int] = field(default_factory=set)  # to be told as they are in the end


class Items:
    """Writes items and parts of items."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def insert(
        self, batch: Batch, recording: Recording, place: int, dates: Dates, granted: Grant
    ) -> int:
        """Make this file an item, and tell of it. Gives its number."""
        item = batch.next_item
        batch.next_item += 1
        self.write(batch.db, item, recording, place, dates, granted=granted)
        if recording.part is None or recording.part.role is Role.RECORDING:
            contents.remember(batch.db, item)
        batch.entries.append(
            Sighted(
                item=item,
                record_class=recording.record_class.name,
                source=recording.source,
                anchor=dates.anchor,
                how=_told(
                    dates.how,
                    unsure=dates.unsure,
                    confirmed=is_confirmed(batch.db, recording.sight.period),
                ),
                span=recording.span,
                before=dates.before,
                after=dates.after,
                seen=recording.sight.seen,
                size=recording.generation.size,
                fingerprint=recording.fingerprint,
                state=STATE_WORDS[dates.state],
                not_before=dates.not_before,
            )
        )
        batch.fresh.append(recording.sight)
        return item

    def write(
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
                recording.sight.scan,
                dates.not_before,
                dates.state,
                holds,
                granted,
                self._words.id(dates.how),
                dates.unsure,
            ),
        )
        if not recording.dated.ordinary:
            _keep_evidence(db, number, recording)

    def move(
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

    @staticmethod
    def dates(db: sqlite3.Connection, number: int) -> tuple[Dates, int]:
        """An item's dates, and the stretch of the clock that they are by."""
        anchor, civil, before, after, how, state, not_before, unsure, period = db.execute(
            "SELECT anchor, civil, before, after, word, state, not_before, unsure, period"
            " FROM items JOIN words ON words.id = how WHERE number = ?",
            (number,),
        ).fetchone()
        dates = Dates(
            anchor, civil, before, after, how, State(state), not_before, unsure=bool(unsure)
        )
        return dates, period

    def redate(self, db: sqlite3.Connection, number: int, dates: Dates) -> None:
        """Give an item other dates; the caller logs the change."""
        db.execute("INSERT OR IGNORE INTO words (word) VALUES (?)", (dates.how,))
        db.execute(
            "UPDATE items SET anchor = ?, civil = ?, before = ?, after = ?, state = ?,"
            " how = (SELECT id FROM words WHERE word = ?), not_before = max(not_before, ?), unsure = ?"
            " WHERE number = ?",
            (
                dates.anchor,
                dates.civil,
                dates.before,
                dates.after,
                dates.state,
                dates.how,
                dates.not_before,
                dates.unsure,
                number,
            ),
        )

    def changed(self, db: sqlite3.Connection, number: int, now: Instant) -> Changed:
        """The log entry that tells an item's facts as they are now."""
        record_class, source, how, unsure, confirmed, size, state, *rest = db.execute(
            _TOLD_OF, (number,)
        ).fetchone()
        anchor, span, before, after, seen, fingerprint, not_before = rest
        return Changed(
            at=now,
            item=number,
            record_class=self._words.word(record_class),
            source=self._words.word(source),
            anchor=anchor,
            how=_told(self._words.word(how), unsure=unsure, confirmed=confirmed),
            span=span,
            before=before,
            after=after,
            seen=seen,
            size=wholes.size_of(db, number) if wholes.is_whole(db, number) else size,
            fingerprint=fingerprint,
            state=STATE_WORDS[State(state)],
            not_before=not_before,
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


def _told(how: str, *, unsure: bool, confirmed: bool) -> str:
    """The rule that the centre is told: also what it would have to know to tell it an agent without memory.

    What came with the content, or from people, is no matter of this item's clock.
    """
    if not confirmed and how not in {CORRECTED, INHERITED}:
        return DOUBTED
    return LATEST if unsure else how


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
    for number in numbers:
        numbering.forget(db, number, number)
    db.executemany("DELETE FROM items WHERE number = ?", args)
    db.executemany("DELETE FROM item_holds WHERE number = ?", args)
    db.executemany("DELETE FROM evidence WHERE number = ?", args)


def _keep_evidence(db: sqlite3.Connection, item: int, recording: Recording) -> None:
    candidates = [
        {"source": str(c.source), "value": c.value.isoformat(), "zone": str(c.zone)}
        for c in recording.candidates
    ]
    db.execute(
        "INSERT OR REPLACE INTO evidence (number, reason, candidates, skew) VALUES (?, ?, ?, ?)",
        (item, recording.dated.reason, json.dumps(candidates), recording.dated.skew),
    )
