"""What will go, and when: shown before stores are activated, and a day ahead of the brake."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from sqlalchemy import Connection, and_, case, func, select, text

from enforcer.govern.forms.compliance import BrakeForecast, Forecast, ForecastLine
from enforcer.index import tally
from enforcer.index.tables import EXCEPTED_ITEMS, items, stores, tallies
from enforcer.index.tally import Line
from retention.anchor import UNDATED_SECONDS
from retention.brake import brake
from retention.calendar import DAY, Instant
from retention.classes import CANARY
from retention.policy import Chain

ARRIVAL_DAYS = 28
"""Over how many days arrivals are counted: the agents' brakes count alike."""

Batch = tuple[str, str, int, str]
"""Store, class, civil date and state."""


def forecast(connection: Connection, chain: Chain, *, now: Instant, days: int) -> Forecast:
    """What falls due within so many days. Held and restricted items do not go; canaries are ours."""
    until = Instant(now + days * DAY)
    active = _active(connection)
    found = _lines(chain, tally.live(connection), _waiting(connection), active)
    lines = [line for line in found if line.due_at <= until]
    lines.sort(key=lambda line: (line.due_at, line.record_class, line.store))
    return Forecast(until, tuple(lines), tuple(_brakes(connection, lines, now)))


def _lines(
    chain: Chain,
    live: Iterable[Line],
    waiting: Mapping[Batch, Counter[Instant]],
    active: Mapping[str, bool],
) -> Iterable[ForecastLine]:
    for line in live:
        if line.state in tally.KEPT or line.record_class == CANARY or line.store not in active:
            continue
        limits = chain.limits_of(line.record_class, date.fromordinal(line.civil))
        if limits is None:
            continue
        undated = line.state == "undated"
        goes = Counter[Instant]()
        for moment, number in waiting[line[:4]].items():
            goes[moment if undated else max(moment, limits.due_at)] += number
        goes[limits.due_at] += line.items - goes.total()
        for moment, number in goes.items():
            if number > 0:
                yield ForecastLine(
                    store=line.store,
                    record_class=line.record_class,
                    due_at=moment,
                    items=number,
                    active=active[line.store],
                )


def _waiting(connection: Connection) -> Mapping[Batch, Counter[Instant]]:
    """From when what has a moment of its own may go: late arrivals, released, undated after their week."""
    week_over = items.c.seen + UNDATED_SECONDS
    undated = and_(items.c.state == "undated", week_over > items.c.not_before)
    moment = case((undated, week_over), else_=items.c.not_before).label("moment")
    key = (items.c.store, items.c.record_class, items.c.civil, items.c.state)
    each = select(*key, moment).where(text(EXCEPTED_ITEMS)).subquery()
    found: defaultdict[Batch, Counter[Instant]] = defaultdict(Counter)
    for *batch, at, number in connection.execute(select(*each.c, func.count()).group_by(*each.c)):
        store, name, civil, state = batch
        found[store, name, civil, state][Instant(at)] = number
    return found


def _brakes(
    connection: Connection, lines: Iterable[ForecastLine], now: Instant
) -> Iterable[BrakeForecast]:
    """The rule of `retention.brake` on what a sweep a day from now would find.

    A store that only observes has no brake to fear: its activation names what may go at once.
    """
    due = Counter[str]()
    for line in lines:
        if line.active and line.due_at <= now + DAY:
            due[line.store] += line.items
    arrived = _arrivals(connection, now)
    for store, number in sorted(due.items()):
        verdict = brake(
            due=number,
            arrivals=arrived[store],
            days=ARRIVAL_DAYS,
            days_since_sweep=1,
            granted=0,
        )
        if verdict.engaged:
            yield BrakeForecast(store, verdict.due, verdict.allowed)


def _arrivals(connection: Connection, now: Instant) -> Counter[str]:
    """Items per store recorded of late: the centre has no counts by first sight."""
    since = date(1970, 1, 1).toordinal() + now // DAY - ARRIVAL_DAYS
    rows = connection.execute(
        select(tallies.c.store, func.sum(tallies.c["items"]))
        .where(tallies.c.state == tally.SEEN, tallies.c.civil >= since)
        .group_by(tallies.c.store)
    )
    return Counter({store: int(number) for store, number in rows})


def _active(connection: Connection) -> dict[str, bool]:
    rows = connection.execute(
        select(stores.c.id, stores.c.state).where(stores.c.state != "retired")
    )
    return {store: state == "active" for store, state in rows}
