"""What will go, and when: shown before stores are activated, and a day ahead of the brake."""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection, func, select

from enforcer.govern.forms.compliance import BrakeForecast, Forecast, ForecastLine
from enforcer.index import tally
from enforcer.index.tables import stores, tallies
from enforcer.index.tally import Line
from retention.brake import brake
from retention.calendar import DAY, Instant
from retention.classes import CANARY
from retention.policy import Chain

ARRIVAL_DAYS = 14
"""Over how many days arrivals are counted: the agents' brakes count alike."""


def forecast(connection: Connection, chain: Chain, *, now: Instant, days: int) -> Forecast:
    """What falls due within so many days. Held and restricted items do not go; canaries are ours."""
    until = Instant(now + days * DAY)
    active = _active(connection)
    lines = [line for line in _lines(chain, tally.live(connection), active) if line.due_at <= until]
    lines.sort(key=lambda line: (line.due_at, line.record_class, line.store))
    return Forecast(until, tuple(lines), tuple(_brakes(connection, lines, now)))


def _lines(chain: Chain, live: Iterable[Line], active: dict[str, bool]) -> Iterable[ForecastLine]:
    for line in live:
        if line.state in tally.KEPT or line.record_class == CANARY or line.store not in active:
            continue
        limits = chain.limits_of(line.record_class, date.fromordinal(line.civil))
        if limits is not None:
            yield ForecastLine(
                store=line.store,
                record_class=line.record_class,
                due_at=limits.due_at,
                items=line.items,
                active=active[line.store],
            )


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
    for store, items in sorted(due.items()):
        verdict = brake(
            due=items,
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
    return Counter({store: int(items) for store, items in rows})


def _active(connection: Connection) -> dict[str, bool]:
    rows = connection.execute(
        select(stores.c.id, stores.c.state).where(stores.c.state != "retired")
    )
    return {store: state == "active" for store, state in rows}
