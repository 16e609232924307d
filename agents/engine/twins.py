"""Twins: items of the same content are one recording, whichever of them was met first.

What tells a copy from its original is not in the bytes, so every rule here works both ways: which
date one takes over from another (docs/rules.md, Dating), and which are held together (Holds).
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from typing import NamedTuple

from agents.engine import wholes
from agents.engine.clock import CONFIRMED
from agents.engine.dates import Dates
from retention.anchor import CORRECTED, INHERITED, Evidence, evidence_of
from retention.calendar import Instant, civil_date
from retention.decide import State

# All empty files have the same content; it says nothing. Calls are told apart by their names: of all
# that nobody answered the recording is the same.
_TWINS = """
SELECT twin.number FROM items JOIN agent
  JOIN contents ON mac = keyed(store_key, items.fingerprint)
  JOIN items AS twin ON twin.number = contents.number AND twin.fingerprint = items.fingerprint
 WHERE items.number = ? AND items.size > 0 AND NOT (
     items.number <> twin.number AND items.number IN (SELECT item FROM calls)
     AND twin.number IN (SELECT item FROM calls))
 ORDER BY twin.number
"""
_ITEM = f"""
SELECT number, anchor, civil, before, after, seen, period, {CONFIRMED}, state, not_before, hows.word,
       sources.word
  FROM items JOIN words AS hows ON hows.id = how JOIN words AS sources ON sources.id = source
 WHERE number = ?
"""  # noqa: S608 - a constant of ours
_SCANNED_BETWEEN = """
SELECT 1 FROM scans LEFT JOIN periods ON periods.id = period
 WHERE ?1 <= ended - coalesce(offset, 0) AND ended - coalesce(offset, 0) < ?2
"""


class _Item(NamedTuple):
    number: int
    anchor: Instant | None
    civil: int
    before: int
    after: int
    seen: Instant
    period: int
    confirmed: int  # by a clock that was right, as far as is known
    state: int
    not_before: Instant
    how: str
    source: str

    @property
    def dates(self) -> Dates:
        """These as the catalogue keeps them."""
        return Dates(
            self.anchor,
            self.civil,
            self.before,
            self.after,
            self.how,
            State(self.state),
            self.not_before,
        )


def same_content(db: sqlite3.Connection, number: int) -> list[int]:
    """The numbers of all items with this one's content, its own among them; none if that is empty."""
    return [twin for (twin,) in db.execute(_TWINS, (number,))]


def earlier_dates(
    db: sqlite3.Connection, number: int, zone_of: Callable[[str], tzinfo]
) -> Iterator[tuple[int, Dates]]:
    """Which items of this one's content take an earlier date over from another, and what they then have."""
    numbers = same_content(db, number)
    if len(numbers) < 2:
        return
    twins = [_Item(*db.execute(_ITEM, (each,)).fetchone()) for each in numbers]
    for item in twins:
        if wholes.is_whole(db, item.number):
            continue  # of which its parts know best
        givers = [twin for twin in twins if _gives(db, twin, item, twins)]
        if givers:
            best = min(givers, key=lambda t: (t.how != CORRECTED, t.anchor, not t.confirmed))
            yield item.number, _taken_over(item, best, zone_of(item.source))


def _gives(db: sqlite3.Connection, giver: _Item, taker: _Item, twins: Sequence[_Item]) -> bool:
    """Whether one's date is earlier than the other's, and better known or known before it.

    Two dates by clocks of which one is in doubt cannot be compared, unless it was the same clock.
    What people said of the recording is no matter of clocks: it is every copy's date.
    """
    if giver.anchor is None or taker.how == CORRECTED:
        return False
    if giver.how == CORRECTED:
        return True
    if taker.anchor is not None and taker.anchor <= giver.anchor:
        return False
    if not (giver.confirmed and taker.confirmed) and giver.period != taker.period:
        return False
    given = _evidence(giver, twins)
    return given > Evidence.NONE and (
        given >= _evidence(taker, twins) or _was_there_before(db, giver, taker)
    )


def _evidence(item: _Item, twins: Sequence[_Item]) -> Evidence:
    """How well its date is attested: one that it took over, as well as that of whom it has it."""
    if item.how != INHERITED:
        return evidence_of(item.how, late=item.state == State.LATE)
    given = [
        evidence_of(twin.how, late=twin.state == State.LATE)
        for twin in twins
        if twin.anchor == item.anchor and twin.how != INHERITED
    ]
    return max(given, default=Evidence.OWN)


def _was_there_before(db: sqlite3.Connection, one: _Item, other: _Item) -> bool:
    """Whether a whole scan met the one and not the other: then the other is the copy."""
    return db.execute(_SCANNED_BETWEEN, (one.seen, other.seen)).fetchone() is not None


def _taken_over(item: _Item, giver: _Item, zone: tzinfo) -> Dates:
    """An item's dates by another's anchor, and no sooner than the other may go by it.

    What was dated by the same stretch of a clock that is still in doubt is dated anew together
    with the other, and so it does not count as taken over yet.
    """
    assert giver.anchor is not None
    dates = item.dates.moved(
        giver.anchor,
        civil_date(giver.anchor, zone).toordinal(),
        earliest=Instant(giver.anchor - giver.before),
        latest=Instant(giver.anchor + giver.after),
    )
    if giver.state == State.LATE and dates.state is State.PRESENT:
        dates = dates._replace(state=State.LATE, not_before=max(dates.not_before, giver.not_before))
    its_own = giver.how == CORRECTED or not giver.confirmed
    return dates._replace(how=giver.how) if its_own else dates
