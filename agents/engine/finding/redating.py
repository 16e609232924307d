"""Dating again what was seen by a clock that turned out to be wrong, or came from a backup.

First-seen is as good as the agent's clock. When the enforcer's time shows how wrong a stretch of
it was, what was seen in it is dated anew with the window moved to the true time: the one case in
which software may move an anchor later (docs/rules.md, Dating).

What has no date, in a directory whose names the owners' policy reads otherwise since, is dated by that:
people decide once for a source, and not for each file. So is all that has none when the agent is started
again: its settings may say otherwise how a row or a sidecar is read.

When two people say that a store's files came from a backup, what was dated by when it came is dated by
what it says itself: only earlier, and with a day of grace (docs/rules.md, Coming back).
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from agents.engine.clock import CONFIRMED, MOST_AHEAD, Clock, TrustedTime
from agents.engine.clockwatch import WRONG_SECONDS
from agents.engine.finding.dating import NANOSECONDS, Dater, or_earlier
from agents.engine.finding.indexing import Indexer, count_no_arrival
from agents.engine.finding.recognition import known_before
from agents.engine.finding.restoring import Restorations
from agents.engine.holding.holds import Holds
from agents.engine.memory import wholes
from agents.engine.memory.catalogue import Catalogue
from agents.engine.memory.dates import Dates, dates_of
from agents.engine.memory.outbox import Outbox
from agents.engine.memory.recording import Early, Recording, Sight
from agents.engine.memory.twins import telling
from agents.stores import Role, Store
from retention.anchor import (
    BOUNDED,
    CORRECTED,
    INHERITED,
    LATE_ARRIVAL_SECONDS,
    REWRITTEN,
    Window,
)
from retention.calendar import Instant
from retention.decide import State
from retention.errors import UnreadableError
from retention.report import AnyEntry

STEP_ITEMS = 200

_DOUBTED = f"""
SELECT number, path, name, inode, size, mtime_ns, seen, zero, offset, {MOST_AHEAD}, scan,
       CASE WHEN agreed THEN 0 ELSE period END
  FROM items
  JOIN periods ON periods.id = period JOIN directories ON directories.id = directory
 WHERE period = ? AND period <> 0 AND number > ? ORDER BY number LIMIT ?
"""  # noqa: S608 - a constant of ours
# Dates that stay as they are. Parts have yet to tell their calls what they know (`joining`), and what was
# unsure has to be dated again to be sure.
_RIGHT = """
SELECT number, fingerprint FROM items JOIN periods ON periods.id = period
 WHERE period = ? AND period <> 0 AND offset = 0 AND back_to = 0 AND unsure = 0 AND holds >= 0 LIMIT ?
"""
_BEGAN = f"""
SELECT began - coalesce(offset, 0), began - {MOST_AHEAD}
  FROM scans LEFT JOIN periods ON periods.id = period WHERE scans.id = ?
"""  # noqa: S608 - a constant of ours
# What became of an item while its file was looked at: people may have dated it, or an epoch begun.
_NOW = "SELECT anchor, word FROM items JOIN words ON words.id = how WHERE number = ?"
_JUDGED = """
SELECT id, offset, agreed FROM periods
 WHERE offset IS NOT NULL AND EXISTS (SELECT 1 FROM items WHERE period <> 0 AND period = id)
"""
# One that nobody has confirmed may have seen anything at any time.
_CAME_SINCE = f"""
SELECT number, path, name, inode, size, mtime_ns, seen, 0, 0, 0, scan, 0, {CONFIRMED}
  FROM items JOIN directories ON directories.id = directory
 WHERE number > ? AND (seen >= ? OR NOT {CONFIRMED}) ORDER BY number LIMIT ?
"""  # noqa: S608 - a constant of ours
_UNDATED = f"""
SELECT number, path, name, inode, size, mtime_ns, seen, 0, 0, 0, scan, 0
  FROM items INDEXED BY items_special JOIN directories ON directories.id = directory
 WHERE state <> 0 AND state = {State.UNDATED:d} AND {CONFIRMED} AND number > ? ORDER BY number LIMIT ?
"""  # noqa: S608 - constants of ours


class _Seen(NamedTuple):
    """An item as it was seen, and by how much the clock that saw it was ahead, and can have been.

    `zero` is what that clock said when the machine was started, `scan` the last scan before. `doubted`:
    its stretch of the clock, where that was judged by the enforcer's word alone; else 0.
    """

    number: int
    path: bytes
    name: bytes
    inode: int
    size: int
    mtime_ns: int
    seen: Instant
    zero: Instant
    offset: int
    most: int
    scan: int
    doubted: int

    @property
    def mtime_offset(self) -> int:
        """By how much the clock was ahead that wrote its mtime: this one, or one before it."""
        written = self.mtime_ns // NANOSECONDS
        return self.offset if self.zero <= written <= self.seen else 0


class Redater:
    """Dates again what was seen by a clock now known to have been wrong."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        store: Store,
        dater: Dater,
        indexer: Indexer,
        holds: Holds,
        outbox: Outbox,
        clock: Clock,
        time: TrustedTime,
        restorations: Restorations,
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._dater = dater
        self._indexer = indexer
        self._holds = holds
        self._outbox = outbox
        self._clock = clock
        self._time = time
        self._restorations = restorations
        # By stretches that were judged by the enforcer's word alone: how far ahead it says that they were,
        # and the last item that was dated by that. Parts are dated again each time.
        self._by_word: dict[int, tuple[int, int]] = {}
        self._settings_read = False  # what has no date was looked at by the present settings

    def run(self) -> Iterator[list[int]]:
        """Do so step by step. Gives the items that came to be held by their new dates."""
        yield from self._by_true_time()
        yield from self._by_new_rules()
        for act, since in self._restorations.scanned():
            yield from self._restored(act, since)

    def _by_true_time(self) -> Iterator[list[int]]:
        # One after another: for all of them at once SQLite would go through every item.
        for period, offset, agreed in self._catalogue.rows(_JUDGED):
            yield from self._confirm(period)
            by_word, reached = self._by_word.pop(period, (offset, 0))
            if agreed or abs(by_word - offset) > WRONG_SECONDS:
                reached = 0
            after = reached
            while rows := self._catalogue.rows(_DOUBTED, (period, after, STEP_ITEMS)):
                after = rows[-1][0]
                reached = max(reached, *(n for n, *_ in rows if not wholes.is_part(n)), 0)
                yield [n for row in rows for n in self._redate(_Seen(*row))]
            if not agreed:
                self._by_word[period] = (offset, reached)

    def _confirm(self, period: int) -> Iterator[list[int]]:
        """What a clock saw that was right has its dates for sure; the centre and its twins hear of it."""
        while rows := self._catalogue.rows(_RIGHT, (period, STEP_ITEMS)):
            now = self._clock.wall()
            alike: dict[bytes, list[int]] = defaultdict(list)
            with self._catalogue.transaction() as db:
                entries: list[AnyEntry] = []
                for number, fingerprint in rows:
                    db.execute("UPDATE items SET period = 0 WHERE number = ?", (number,))
                    self._indexer.recall(db, number)
                    entries.append(self._indexer.items.changed(db, number, now))
                    alike[fingerprint].append(number)
                twins = [
                    twin
                    for each in alike.values()
                    for twin in self._indexer.agree(db, telling(db, each), now, entries)
                ]
                self._outbox.append(db, now, entries)
                held = self._holds.match(db, twins, now)
            yield held

    def _by_new_rules(self) -> Iterator[list[int]]:
        after = 0
        while rows := self._catalogue.rows(_UNDATED, (after, STEP_ITEMS)):
            after = rows[-1][0]
            held: list[int] = []
            for item in map(_Seen._make, rows):
                if not self._settings_read or self._dater.reads_otherwise(item.path):
                    with suppress(UnreadableError):  # the next sweep brings us here again
                        held += self._redate_told(item)
            yield held
        self._settings_read = True

    def _restored(self, act: str, since: Instant) -> Iterator[list[int]]:
        """Go through all that came since; what cannot be dated just now is tried again next time."""
        after, left = 0, False
        while rows := self._catalogue.rows(_CAME_SINCE, (after, since, STEP_ITEMS)):
            after = rows[-1][0]
            held: list[int] = []
            for *facts, confirmed in rows:
                try:
                    if confirmed:
                        held += self._redate_told(_Seen(*facts))
                    else:
                        left = True
                except UnreadableError:
                    left = True
            yield held
        if not left:
            self._restorations.dated(act)

    def _redate(self, item: _Seen) -> list[int]:
        true_seen = Instant(item.seen - item.offset)
        try:
            recording = self._recording(item, true_seen)
        except UnreadableError:
            return []  # the next sweep brings us here again
        if recording is None:
            return []  # the scan will find what became of it
        if item.doubted and recording.dated.anchor is None:
            return []  # its week is as long as it is not known when it was seen
        now = self._clock.wall()
        with self._catalogue.transaction() as db:
            row = db.execute(_NOW, (item.number,)).fetchone()
            if row is None:
                return []
            known, how = row
            dates = _as_known(db, how, recording)
            if item.doubted:  # so it is dated again when the clocks agree, or another word comes
                dates = dates._replace(unsure=True)
            db.execute(
                "UPDATE items SET not_before = 0 WHERE number = ? AND not_before = ?",
                (item.number, item.seen + LATE_ARRIVAL_SECONDS),
            )
            whole = wholes.item_of(db, item.number)
            if whole != item.number:
                self._indexer.joining.date(db, whole, recording, dates)
            elif _may_move(known, how, dates.anchor):
                self._indexer.items.redate(db, item.number, dates)
            if not item.doubted:
                db.execute(
                    "UPDATE items SET seen = ?, period = 0 WHERE number = ?",
                    (true_seen, item.number),
                )
                if whole != item.number:
                    self._indexer.joining.lead(db, whole, item.number, dates)
                self._indexer.recall(db, whole)
            entries: list[AnyEntry] = [self._indexer.items.changed(db, whole, now)]
            twins = self._indexer.agree(db, whole, now, entries)
            self._outbox.append(db, now, entries)
            return self._holds.match(db, [item.number, whole, *twins], now)

    def _recording(self, item: _Seen, true_seen: Instant) -> Recording | None:
        """The file dated as if the clock had been right; None if it is not what it was."""
        began, earliest = self._catalogue.one(_BEGAN, (item.scan,)) or (None, None)
        window = None if began is None else Window(began, true_seen)
        since = self._restorations.since
        restored = since is not None and true_seen >= since
        found = self._store.find(item.path, item.name)
        if found is None or found.generation != (item.inode, item.size, item.mtime_ns):
            return None
        sight = or_earlier(
            Sight(true_seen, window, item.doubted, item.mtime_offset, restored, item.scan),
            Instant(item.seen - item.most),
            earliest,
            item.zero,
        )
        if window is None and self._may_be_anothers(item, true_seen):
            apart = abs(item.mtime_offset)
            sooner = min(Instant(true_seen - apart), sight.early.seen if sight.early else true_seen)
            sight = sight._replace(
                offset=min(item.mtime_offset, 0), early=Early(sooner, None, item.zero)
            )
        return self._dater.date(item.path, found, sight)

    def _may_be_anothers(self, item: _Seen, true_seen: Instant) -> bool:
        """Whether its mtime may be of the clock before this one was set, as far as anybody watched."""
        written = Instant(item.mtime_ns // NANOSECONDS)
        if not item.mtime_offset or written > true_seen:
            return False
        return {ahead for ahead, _ in self._time.clocks_of(written)} != {item.mtime_offset}

    def _redate_told(self, item: _Seen) -> list[int]:
        """By what people have said of it since: that it came from a backup, or how its name is read."""
        recording = self._recording(item, item.seen)
        if recording is None:
            return []
        dates, now = dates_of(recording), self._clock.wall()
        with self._catalogue.transaction() as db:
            row = db.execute(_NOW, (item.number,)).fetchone()
            if row is None:
                return []
            known, how = row
            if known is None and dates.anchor is None:
                return []  # it still has none
            whole = wholes.item_of(db, item.number)
            if whole != item.number:
                self._indexer.joining.date(db, whole, recording, dates)
            elif _may_come_forward(known, how, dates):
                self._indexer.items.redate(db, item.number, self._graced(dates))
                if recording.sight.restored:
                    count_no_arrival(db, item.seen)
            else:
                return []
            entries: list[AnyEntry] = [self._indexer.items.changed(db, whole, now)]
            twins = self._indexer.agree(db, whole, now, entries)
            self._outbox.append(db, now, entries)
            return self._holds.match(db, [item.number, whole, *twins], now)

    def _graced(self, dates: Dates) -> Dates:
        """Not at first sight, and this is the first sight of it as what it is."""
        if dates.state is not State.LATE:
            return dates
        return dates._replace(not_before=Instant(self._time.latest() + LATE_ARRIVAL_SECONDS))


def _as_known(db: sqlite3.Connection, how: str, recording: Recording) -> Dates:
    """Its dates, after what an earlier epoch knew of this content, as when it was met (`Indexer`)."""
    dates = dates_of(recording)
    if how == REWRITTEN or (recording.part and recording.part.role is not Role.RECORDING):
        return dates
    return known_before(db, dates, recording)


def _may_come_forward(known: Instant | None, how: str, dates: Dates) -> bool:
    """What people said stands; else an earlier date counts, and none at all for one made up."""
    if how == CORRECTED:
        return False
    if dates.anchor is None:
        return how == BOUNDED
    return known is None or dates.anchor < known


def _may_move(known: Instant | None, how: str, anchor: Instant | None) -> bool:
    """People's word stands; a date that came with the content moves only earlier."""
    if how == CORRECTED:
        return False
    if how == INHERITED:
        return anchor is not None and known is not None and anchor < known
    return True
