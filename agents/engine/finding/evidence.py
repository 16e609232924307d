"""What an earlier epoch of this store knew of dates, told by the enforcer after our memory was lost.

It is kept for files that are met from now on (`recognition`), and applied to those that were met
before it came: an agent that cannot reach the enforcer at first scans all the same.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from typing import NamedTuple

from agents.engine.clock import Clock, TrustedTime
from agents.engine.finding.indexing import Indexer
from agents.engine.holding.holds import Holds
from agents.engine.memory import wholes
from agents.engine.memory.catalogue import Catalogue
from agents.engine.memory.dates import Dates, returned
from agents.engine.memory.outbox import Outbox
from retention.anchor import CORRECTED, INHERITED, REWRITTEN
from retention.calendar import Instant, civil_date
from retention.decide import State
from retention.report import AnyEntry
from retention.wire import Prior

# What we remember ourselves, nobody tells us otherwise.
_KEEP = """
INSERT INTO prior (fingerprint, anchor, own, earliest) VALUES (?, ?, 0, ?)
    ON CONFLICT DO UPDATE
   SET anchor = min(coalesce(anchor, excluded.anchor), excluded.anchor),
       earliest = CASE WHEN anchor IS NULL THEN excluded.earliest ELSE min(earliest, excluded.earliest) END
 WHERE own = 0 AND (anchor IS NULL OR excluded.anchor < anchor OR excluded.earliest < earliest)
RETURNING anchor, earliest
"""
# Another item of this content may have one.
_KEEP_UNDATED = """
INSERT INTO prior (fingerprint, own, earliest, seen) VALUES (?, 0, ?, ?)
    ON CONFLICT DO UPDATE
   SET earliest = min(earliest, excluded.earliest), seen = min(seen, excluded.seen)
 WHERE own = 0 AND anchor IS NULL
"""
_OF_CONTENT = """
SELECT number, anchor, civil, before, after, hows.word, state, not_before, unsure, span,
       sources.word, scan
  FROM contents JOIN items USING (number)
  JOIN words AS hows ON hows.id = how JOIN words AS sources ON sources.id = source
 WHERE mac = (SELECT keyed(store_key, ?1) FROM agent) AND fingerprint = ?1 AND size > 0
"""
_NUMBERS = """
SELECT number FROM contents JOIN items USING (number)
 WHERE mac = (SELECT keyed(store_key, ?1) FROM agent) AND fingerprint = ?1
"""


class _Told(NamedTuple):
    """What is known of a content: its date, and how early it can be if that is the latest."""

    anchor: Instant
    earliest: Instant


class _Met(NamedTuple):
    """An item that was dated without this evidence."""

    number: int
    dates: Dates
    span: int
    source: str
    scan: int


class Evidence:
    """Learns what the enforcer tells of earlier epochs. Uses no store: any thread may call it."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        indexer: Indexer,
        holds: Holds,
        outbox: Outbox,
        clock: Clock,
        time: TrustedTime,
        zone_of: Callable[[str], tzinfo],
        touch: Callable[[Iterable[int]], None],
    ) -> None:
        self._catalogue = catalogue
        self._indexer = indexer
        self._holds = holds
        self._outbox = outbox
        self._clock = clock
        self._time = time
        self._zone_of = zone_of
        self._touch = touch  # what came to be held by its date

    def learn(self, page: Prior) -> None:
        """Keep these, and date anew what was met without them."""
        commissioned = self._catalogue.value("SELECT commissioned_at FROM agent")
        latest, now = self._time.latest(), self._clock.wall()
        early = dict(page.earliest or ())
        entries: list[AnyEntry] = []
        with self._catalogue.transaction() as db:
            moved: list[int] = []
            for item in page.items:
                if not commissioned <= item.anchor <= latest:
                    continue
                earliest = max(commissioned, min(item.anchor, early.get(item.number, item.anchor)))
                kept = db.execute(_KEEP, (item.fingerprint, item.anchor, earliest)).fetchone()
                if kept is not None:
                    moved += self._apply(db, item.fingerprint, _Told(*kept), now, entries)
            for seen in page.undated or ():
                if commissioned <= seen.seen <= latest:
                    earliest = max(commissioned, min(seen.seen, early.get(seen.number, seen.seen)))
                    db.execute(_KEEP_UNDATED, (seen.fingerprint, earliest, seen.seen))
                    for (number,) in db.execute(_NUMBERS, (seen.fingerprint,)).fetchall():
                        if self._indexer.recall(db, number):
                            entries.append(self._indexer.items.changed(db, number, now))
            self._outbox.append(db, now, entries)
            self._touch(self._holds.match(db, dict.fromkeys(moved), now))

    def _apply(
        self,
        db: sqlite3.Connection,
        content: bytes,
        told: _Told,
        now: Instant,
        entries: list[AnyEntry],
    ) -> list[int]:
        """Give this date to the items of a content. The numbers of those whose dates changed."""
        moved: list[int] = []
        for row in db.execute(_OF_CONTENT, (content,)).fetchall():
            met = _met(row)
            dates = self._dates(db, met, told)
            if dates != met.dates:
                self._indexer.items.redate(db, met.number, dates)
                entries.append(self._indexer.items.changed(db, met.number, now))
                moved += [met.number, *self._indexer.agree(db, met.number, now, entries)]
        return moved

    def _dates(self, db: sqlite3.Connection, met: _Met, told: _Told) -> Dates:
        """As they would be if the evidence had been there first. What is not its own moves only earlier."""
        if met.dates.how in {CORRECTED, REWRITTEN}:
            return met.dates
        own = met.dates.how != INHERITED and not wholes.is_whole(db, met.number)
        return returned(
            met.dates,
            told.anchor,
            civil_date(told.anchor, self._zone_of(met.source)).toordinal(),
            earliest=told.earliest,
            span=met.span,
            came_unseen=own and not met.scan,
        )


def _met(row: Sequence[object]) -> _Met:
    number, anchor, civil, before, after, how, state, not_before, unsure, *rest = row
    dates = Dates(anchor, civil, before, after, how, State(state), not_before, bool(unsure))  # type: ignore[arg-type] # as the table says
    return _Met(number, dates, *rest)  # type: ignore[arg-type] # as the table says
