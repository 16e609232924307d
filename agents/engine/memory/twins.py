"""Twins: items of the same content are one recording, whichever of them was met first.

What tells a copy from its original is not in the bytes, so every rule here works both ways: which
date one takes over from another (docs/rules.md, Dating), and which are held together (Holds).
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import NamedTuple

from agents.engine.clock import CONFIRMED
from agents.engine.memory import wholes
from agents.engine.memory.dates import Dates
from retention.anchor import CORRECTED, INHERITED, UNDATED, Evidence, evidence_of
from retention.calendar import Instant, civil_date
from retention.decide import State

# All empty files have the same content; it says nothing. Calls are told apart by their names: of all
# that nobody answered the recording is the same.
_TWINS = """
  FROM items JOIN agent
  JOIN contents ON mac = keyed(store_key, items.fingerprint)
  JOIN items AS twin ON twin.number = contents.number AND twin.fingerprint = items.fingerprint
 WHERE items.number = ?1 AND items.size > 0 AND NOT (
     items.number <> twin.number AND items.number IN (SELECT item FROM calls)
     AND twin.number IN (SELECT item FROM calls))
"""
_NUMBERS = f"SELECT twin.number {_TWINS} ORDER BY twin.number"
_ITEMS = f"""
SELECT number, anchor, civil, before, after, seen, scan, period, {CONFIRMED}, state, not_before, unsure,
       hows.word, sources.word, number IN (SELECT item FROM calls)
  FROM items JOIN words AS hows ON hows.id = how JOIN words AS sources ON sources.id = source
 WHERE number IN (SELECT twin.number {_TWINS}) ORDER BY number
"""  # noqa: S608 - constants of ours


class _Item(NamedTuple):
    number: int
    anchor: Instant | None
    civil: int
    before: int
    after: int
    seen: Instant
    scan: int  # the last one before it was seen
    period: int
    confirmed: int  # by a clock that was right, as far as is known
    state: int
    not_before: Instant
    unsure: int
    how: str
    source: str
    is_call: int

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
            bool(self.unsure),
        )


class _Giver(NamedTuple):
    """A date, and an item that has it. `scan`: the last one before any was seen that has just the same."""

    item: _Item
    anchor: Instant
    evidence: Evidence
    scan: int


def same_content(db: sqlite3.Connection, number: int) -> list[int]:
    """The numbers of all items with this one's content, its own among them; none if that is empty."""
    return [twin for (twin,) in db.execute(_NUMBERS, (number,))]


def with_twins(db: sqlite3.Connection, numbers: Iterable[int]) -> set[int]:
    """These items and all that has the content of one of them; many of one content cost what one does."""
    alike: dict[bytes, list[int]] = defaultdict(list)
    for number in dict.fromkeys(numbers):
        query = "SELECT fingerprint FROM items WHERE number = ?"
        for (fingerprint,) in db.execute(query, (number,)):
            alike[fingerprint].append(number)
    return {
        each for group in alike.values() for each in (*group, *same_content(db, telling(db, group)))
    }


def telling(db: sqlite3.Connection, alike: Sequence[int]) -> int:
    """Of items with one content, or of their twins, one whose twins are those of all of them.

    Calls are no twins of each other, so it is one that is no call, if there is any.
    """
    calls = wholes.among(db, alike)
    for number in alike:
        if number not in calls:
            return number
    first = alike[0]
    return next((twin for twin in same_content(db, first) if twin != first), first)


def earlier_dates(
    db: sqlite3.Connection, number: int, zone_of: Callable[[str], tzinfo]
) -> Iterator[tuple[int, Dates]]:
    """Which items of this one's content take an earlier date over from another, and what they then have."""
    twins = [_Item(*row) for row in db.execute(_ITEMS, (number,))]
    if len(twins) < 2:
        return
    attested = _attested(twins)
    givers = _givers(twins, attested)
    for item in twins:
        if item.is_call:
            continue  # of which its parts know best
        best = _best(givers, item, attested)
        if best is not None:
            yield item.number, _taken_over(item, best, zone_of(item.source))
        elif any(
            _is_copy(item, other, attested) and not _best(givers, other, attested)
            for other in twins
        ):
            yield item.number, _undated(item, zone_of(item.source))


def _givers(twins: Sequence[_Item], attested: Mapping[Instant, Evidence]) -> list[_Giver]:
    """The dates there are to be had, the best first; many that have the same one are one giver."""
    found: dict[tuple[object, ...], _Giver] = {}
    for item in twins:
        evidence = _evidence(item, attested)
        if item.anchor is None or evidence is Evidence.NONE:
            continue
        late = item.state == State.LATE
        same = item.anchor, item.how == CORRECTED, evidence, late, item.confirmed, item.period
        scan = min(item.scan, found[same].scan) if same in found else item.scan
        found[same] = found.get(same, _Giver(item, item.anchor, evidence, scan))._replace(scan=scan)
    return sorted(
        found.values(), key=lambda g: (g.item.how != CORRECTED, g.anchor, not g.item.confirmed)
    )


def _best(
    givers: Sequence[_Giver],
    taker: _Item,
    attested: Mapping[Instant, Evidence],
) -> _Item | None:
    """Of whom it takes its date over: the earliest that is better known, or was known before it.

    Two dates by clocks of which one is in doubt cannot be compared, unless it was the same clock.
    What people said of the recording is no matter of clocks: it is every copy's date.
    """
    if taker.how == CORRECTED:
        return None
    for giver in givers:
        if giver.item.how == CORRECTED:
            return giver.item
        if taker.anchor is not None and taker.anchor <= giver.anchor:
            return None
        sure = giver.item.confirmed and taker.confirmed
        if sure and taker.anchor is None and giver.anchor > taker.seen:
            continue  # what was there already did not begin when its copy came
        if (sure or giver.item.period == taker.period) and (
            # or else a whole scan met the one and not the other: then the other is the copy
            giver.evidence >= _evidence(taker, attested) or giver.scan < taker.scan
        ):
            return giver.item
    return None


def _is_copy(item: _Item, undated: _Item, attested: Mapping[Instant, Evidence]) -> bool:
    """Whether an item has only the date of its coming, and what has none was there before that."""
    return (
        item.anchor is not None
        and item.state == State.PRESENT
        and undated.state == State.UNDATED
        and bool(item.confirmed and undated.confirmed)
        and item.anchor > undated.seen
        and _evidence(item, attested) in {Evidence.CLAIM, Evidence.SEEN}
    )


def _undated(item: _Item, zone: tzinfo) -> Dates:
    """Dates of what is known to be older than its coming, and nobody knows how old."""
    civil = civil_date(item.seen, zone).toordinal()
    return Dates(None, civil, 0, 0, UNDATED, State.UNDATED, Instant(0))


def _attested(twins: Sequence[_Item]) -> Mapping[Instant, Evidence]:
    """How well each date is attested that one of them has of its own."""
    found: dict[Instant, Evidence] = {}
    for item in twins:
        if item.anchor is not None and item.how != INHERITED:
            known = found.get(item.anchor, Evidence.NONE)
            found[item.anchor] = max(known, evidence_of(item.how, late=item.state == State.LATE))
    return found


def _evidence(item: _Item, attested: Mapping[Instant, Evidence]) -> Evidence:
    """How well its date is attested: one that it took over, as well as that of whom it has it."""
    if item.how == INHERITED and item.anchor is not None:
        return attested.get(item.anchor, Evidence.OWN)
    return evidence_of(item.how, late=item.state == State.LATE)


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
        unsure=bool(giver.unsure),
    )
    if giver.state == State.LATE and dates.state is State.PRESENT:
        dates = dates._replace(state=State.LATE, not_before=max(dates.not_before, giver.not_before))
    if giver.how == CORRECTED:
        return dates._replace(how=CORRECTED, unsure=False)
    return dates if giver.confirmed else dates._replace(how=giver.how)
