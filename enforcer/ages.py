"""How the dates of what lies on a store stand: late, due, or not yet; and what nobody has confirmed.

Reads the books and not the items: a civil date at a time, and what is too young to be late all at
once (docs/rules.md, Calendar). Whether the promise is kept is concluded from it in `comply`.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, case, func, select, text

from enforcer.index import partly, tally
from enforcer.index.tables import EXCEPTED_ITEMS, UNSURE_ITEMS, items, stores
from retention.anchor import UNDATED_SECONDS
from retention.calendar import DAY, Instant, Limits, civil_date
from retention.policy import Chain

#: An erasure made in time may take this long to be reported.
REPORT_SECONDS = 600
#: What may go late goes with the next sweep after its day of grace.
GRACE_SECONDS = DAY


_ZONES_DAYS = 2  # by no clock of a zone it is later than this many days from today
_YOUNG_DAYS = 1100  # what is older than three years is looked at line by line
_UNKEPT = tuple(state for state in tally.LIVE if state not in tally.KEPT)


@dataclass(slots=True)
class Ages:
    """Items of a store and class by how their dates stand."""

    counts: Counter[str] = field(default_factory=Counter)
    overdue: int = 0
    past_limit: int = 0
    partly_erased: int = 0
    unconfirmed: int = 0
    time_unknown: int = 0
    oldest: int | None = None
    oldest_held: int | None = None
    next_deadline: Instant | None = None

    def expect(self, deadline: Instant) -> None:
        """Note something that has to be gone by then."""
        self.next_deadline = min(self.next_deadline or deadline, deadline)


class _Grace(NamedTuple):
    """Items of one line of the books that may be older than their date allows, for a time."""

    now: int = 0
    when_heard: int = 0  # when their store was last heard
    until: Instant | None = None  # the first of them


def ages_by_store(connection: Connection, chain: Chain, now: Instant) -> dict[str, dict[str, Ages]]:
    """By store and class."""
    found: dict[str, dict[str, Ages]] = defaultdict(lambda: defaultdict(Ages))
    rows = connection.execute(select(stores.c.id, stores.c.last_seen_at))
    heard = {row.id: row.last_seen_at for row in rows}
    graces = _graces(connection, now)
    limits = _Limits(chain)
    since = _young_since(chain, limits, now)
    for young in tally.young(connection, since):
        _add_young(found[young.store][young.record_class], young, limits)
    for line in tally.old(connection, since):
        ages = found[line.store][line.record_class]
        if line.state in tally.KEPT:
            ages.counts[line.state] += line.items
            ages.oldest_held = min(ages.oldest_held or line.civil, line.civil)
        else:
            ages.oldest = min(ages.oldest or line.civil, line.civil)
            grace = graces.get(line[:4], _Grace())
            reached = limits.of(line.record_class, line.civil)
            _age(ages, line, reached, grace, Instant(heard.get(line.store) or 0), now)
    for (store, name, *_), grace in graces.items():
        if grace.until is not None:
            found[store][name].expect(grace.until)
    _add_unsure(connection, found, limits, now)
    for (store, name), number in partly.counted(connection).items():
        found[store][name].partly_erased = number
    _add_ended(connection, found)
    return found


def _young_since(chain: Chain, limits: "_Limits", now: Instant) -> dict[str, int]:
    """By class the first civil date from which on nothing is due; of a class without limits there is none."""
    newest = date(1970, 1, 1).toordinal() + now // DAY + _ZONES_DAYS
    since = {}
    for name in chain.class_names():
        for day in range(newest, newest - _YOUNG_DAYS, -1):
            reached = limits.of(name, day)
            if reached is None or reached.due_at <= now:
                break
            since[name] = day
    return since


def _add_young(ages: Ages, young: tally.Young, limits: "_Limits") -> None:
    """Count what is not due, and expect the oldest of it to be gone in its time."""
    for state, count in young.counts.items():
        ages.counts["live" if state == "present" else state] += count
    if young.kept is not None:
        ages.oldest_held = young.kept
    if young.civil is not None:
        ages.oldest = young.civil
        reached = limits.of(young.record_class, young.civil)
        if reached is not None:
            ages.expect(reached.must_be_gone_by)


def _age(  # noqa: PLR0917 # one line of the books, and all that it is held against
    ages: Ages,
    line: tally.Line,
    limits: Limits | None,
    grace: _Grace,
    heard: Instant,
    now: Instant,
) -> None:
    """Hold what nothing keeps against the calendar; undated items have only their grace."""
    undated = line.state == "undated"
    due = limits is not None and limits.due_at <= now
    ages.counts[("due" if due else "live") if line.state == "present" else line.state] += line.items
    if limits is None:
        return
    target = Instant(0) if undated else limits.must_be_gone_by
    if now < target:
        ages.expect(target)
        return
    late = line.items - grace.now
    confirmed = 0
    if heard >= target + REPORT_SECONDS:
        confirmed = min(late, line.items - grace.when_heard)
    ages.unconfirmed += late - confirmed
    if now < limits.outer_bound:
        ages.overdue += confirmed
    else:
        ages.past_limit += confirmed


def _add_unsure(
    connection: Connection, found: dict[str, dict[str, Ages]], limits: "_Limits", now: Instant
) -> None:
    """Count what can be late although, by the latest that its date can be, it is not (I4).

    Its day of grace or its week began when it was seen, and may be over too: they excuse nothing here.
    """
    key = (items.c.store, items.c.record_class, items.c.state)
    earliest = (func.coalesce(items.c.anchor, items.c.seen) - items.c.before).label("earliest")
    rows = connection.execute(
        select(*key, earliest, func.count())
        .where(text(UNSURE_ITEMS), items.c.state.in_(_UNKEPT))
        .group_by(*key, earliest)
    )
    for store, name, state, began, number in rows:
        reached = limits.of_instant(name, Instant(began))
        if reached is None:
            continue
        undated = state == "undated"
        target = Instant(began + UNDATED_SECONDS) if undated else reached.must_be_gone_by
        if now < target:
            found[store][name].expect(target)
        else:
            found[store][name].time_unknown += number


def _add_ended(connection: Connection, found: dict[str, dict[str, Ages]]) -> None:
    """What was seen and how it ended; and by how much the two sides of the books differ (I14)."""
    for total in tally.sums(connection):
        counts = found[total.store][total.record_class].counts
        counts["imbalance"] += total.items if total.state == tally.SEEN else -total.items
        if total.state not in tally.LIVE:
            counts[total.state] += total.items
    for classes in found.values():
        for ages in classes.values():
            ages.counts["imbalance"] = abs(ages.counts["imbalance"])


def _graces(connection: Connection, now: Instant) -> dict[tuple[str, str, int, str], _Grace]:
    """Late arrivals and what was released have a day from `not_before`, undated ones a week and it.

    By store, class, civil date and state. Reads only what is in the partial index.
    """
    week_over = items.c.seen + UNDATED_SECONDS
    undated = and_(items.c.state == "undated", week_over > items.c.not_before)
    until = case((undated, week_over), else_=items.c.not_before) + GRACE_SECONDS
    heard = select(stores.c.last_seen_at).where(stores.c.id == items.c.store).scalar_subquery()
    key = (items.c.store, items.c.record_class, items.c.civil, items.c.state)
    rows = connection.execute(
        select(
            *key,
            func.sum(case((until > now, 1), else_=0)),
            func.sum(case((until > func.coalesce(heard, 0) - REPORT_SECONDS, 1), else_=0)),
            func.min(case((until > now, until))),
        )
        .where(text(EXCEPTED_ITEMS), items.c.state.in_(_UNKEPT))
        .group_by(*key)
    )
    return {
        (store, name, civil, state): _Grace(*found) for store, name, civil, state, *found in rows
    }


class _Limits:
    """Limits by class and civil date, each derived once."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._known: dict[tuple[str, int], Limits | None] = {}
        self._zones = {c.name: ZoneInfo(c.zone) for p in chain.policies for c in p.classes}

    def of(self, record_class: str, civil: int) -> Limits | None:
        key = (record_class, civil)
        if key not in self._known:
            self._known[key] = self._chain.limits_of(record_class, date.fromordinal(civil))
        return self._known[key]

    def of_instant(self, record_class: str, instant: Instant) -> Limits | None:
        """Of what began at that instant."""
        return self.of(record_class, civil_date(instant, self._zones[record_class]).toordinal())
