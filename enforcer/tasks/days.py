"""The ledger's leaf of each day: how long a class was ok, violated and unknown, and why.

The state is looked at every minute, and what a look finds counts for the time since the look
before. Time in which nobody looked, the enforcer being down, is unknown: not known is never ok. A
whole day of it has its leaf too, so that none is missing between two.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, select

from enforcer.index import tree
from enforcer.index.engine import bulk
from enforcer.index.tables import watched
from enforcer.index.tree import NewLeaf
from retention.calendar import Instant, civil_date, start_of_day
from retention.ledger import NOT_WATCHED, Day

_LONGEST_GAP_DAYS = 400
_WHOLE = ""
_STATES = ("ok", "violated", "unknown")
_ONE_DAY = timedelta(days=1)
_ADD = """
    INSERT INTO watched (civil, record_class, state, reason, seconds) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (civil, record_class, state, reason)
    DO UPDATE SET seconds = watched.seconds + excluded.seconds
"""


class Seen(NamedTuple):
    """What a look found of one class: its state, and the words of its reasons."""

    record_class: str
    state: str
    reasons: frozenset[str]


def watch(connection: Connection, seen: Iterable[Seen], day: date, seconds: int) -> None:
    """Count so many seconds of a civil day for what was seen. Needs a write transaction."""
    rows = [
        (day.toordinal(), each.record_class, each.state, reason, seconds)
        for each in seen
        for reason in (_WHOLE, *sorted(each.reasons))
    ]
    bulk(connection, _ADD, rows)


def split(since: Instant, until: Instant, zone: ZoneInfo) -> Iterator[tuple[date, int]]:
    """The seconds from one instant to another, by civil date."""
    while since < until:
        day = civil_date(since, zone)
        ends = min(until, start_of_day(day + _ONE_DAY, zone))
        yield day, ends - since
        since = ends


def close(
    connection: Connection, seen: Iterable[str], today: date, zone: ZoneInfo, now: Instant
) -> int:
    """Append the leaves of the days before `today`; give how many. Needs a write transaction.

    Of the classes that are `seen` a trace is left in `today`: then they have every day from here on.
    """
    past = watched.c.civil < today.toordinal()
    found: defaultdict[str, dict[int, Counter[tuple[str, str]]]] = defaultdict(dict)
    for civil, name, state, reason, seconds in connection.execute(select(watched).where(past)):
        found[name].setdefault(civil, Counter())[state, reason] = seconds
    leaves = [
        _leaf(civil, name, days.get(civil, Counter()), zone, now)
        for name, days in sorted(found.items())
        for civil in _through(days, today.toordinal())
    ]
    tree.append(connection, [NewLeaf(leaf) for leaf in leaves])
    connection.execute(delete(watched).where(past))
    nothing = (Seen(name, "unknown", frozenset()) for name in found.keys() & set(seen))
    watch(connection, nothing, today, 0)
    return len(leaves)


def _through(days: Iterable[int], today: int) -> Iterator[int]:
    """Every day from the first to yesterday; not those of a gap that only a wrong clock can have made."""
    known = sorted(days)
    for civil, following in pairwise([*known, today]):
        yield civil
        if following - civil <= _LONGEST_GAP_DAYS:
            yield from range(civil + 1, following)


def _leaf(
    civil: int, record_class: str, counted: Counter[tuple[str, str]], zone: ZoneInfo, now: Instant
) -> Day:
    day = date.fromordinal(civil)
    ok, violated = (counted[state, _WHOLE] for state in ("ok", "violated"))
    unwatched = _length(day, zone) - sum(counted[state, _WHOLE] for state in _STATES)
    return Day(
        at=now,
        day=day,
        record_class=record_class,
        ok=ok,
        violated=violated,
        unknown=counted["unknown", _WHOLE] + unwatched,
        reasons=tuple(sorted({*_words(counted), *([NOT_WATCHED] if unwatched else [])})),
    )


def _words(counted: Counter[tuple[str, str]]) -> Iterator[str]:
    return (reason for _, reason in counted if reason != _WHOLE)


def _length(day: date, zone: ZoneInfo) -> int:
    """Seconds of a civil day: 23 to 25 hours where clocks change."""
    return start_of_day(day + _ONE_DAY, zone) - start_of_day(day, zone)
