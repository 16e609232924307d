"""What will go, and when, is told as the agents will do it; and a brake a day before it engages."""

from datetime import date

import pytest
from fleet import CHAIN, IMAGE, NOW, STORE, Log, add_store, sight
from small_policy import begun, record_class
from sqlalchemy import Engine, update
from world import at

from enforcer.govern.forecast import ARRIVAL_DAYS, forecast
from enforcer.govern.forms.compliance import BrakeForecast, Forecast, ForecastLine
from enforcer.index import tally
from enforcer.index.engine import reading, writing
from enforcer.index.tables import stores
from retention.calendar import DAY, Instant
from retention.classes import CANARY
from retention.policy import Chain
from retention.report import Held

DUE = at(
    "2026-03-15 04:00"
)  # 18 hours before our own target, which is the midnight before the limit
DAY_OF_DUE = at("2026-01-15 12:00")


def ahead(index: Engine, days: int = 7, *, now: Instant = NOW, chain: Chain = CHAIN) -> Forecast:
    with reading(index) as connection:
        return forecast(connection, chain, now=now, days=days)


def goes(index: Engine, days: int = 7, **asked: object) -> list[tuple[Instant, int]]:
    return [(line.due_at, line.items) for line in ahead(index, days, **asked).lines]


def test_what_falls_due_is_told_by_store_and_class_the_first_to_go_first(index: Engine):
    for store, state in ((STORE, "active"), ("riga-002", "observe")):
        add_store(index, store, state=state)
        young, old = (Instant(DAY_OF_DUE + days * DAY) for days in (1, 0))
        Log(index, store).say(sight(1, anchor=young), sight(2, anchor=old), sight(3, anchor=old))
    expected = [
        ForecastLine(STORE, IMAGE, DUE, 2, True),
        ForecastLine("riga-002", IMAGE, DUE, 2, False),
        ForecastLine(STORE, IMAGE, Instant(DUE + DAY), 1, True),
        ForecastLine("riga-002", IMAGE, Instant(DUE + DAY), 1, False),
    ]
    told = ahead(index, 3, now=Instant(DUE - 2 * DAY))
    assert (DUE + DAY, tuple(expected)) == (told.until, told.lines)
    assert tuple(expected[:2]) == ahead(index, 2, now=Instant(DUE - 2 * DAY)).lines
    assert () == ahead(index, 2, now=Instant(DUE - 2 * DAY - 1)).lines


def test_what_is_kept_and_what_is_ours_is_in_no_forecast(index: Engine):
    add_store(index)
    log = Log(index)
    log.say(*(sight(number, anchor=DAY_OF_DUE) for number in (1, 2)))
    log.say(Held(NOW, "restriction-1", ((1, 1),)), Held(NOW, "hold-1", ((2, 2),)))
    log.say(sight(3, anchor=DAY_OF_DUE, record_class=CANARY, source=CANARY))
    assert [] == goes(index)


def test_a_class_that_is_kept_for_a_minimum_and_a_store_that_is_no_more_let_nothing_go(
    index: Engine,
):
    add_store(index)
    Log(index).say(sight(1, anchor=DAY_OF_DUE))
    least = begun(classes=(record_class(bound="minimum"), record_class("other")))
    assert [] == goes(index, chain=least)
    assert [(DUE, 1)] == goes(index)
    with writing(index) as connection:
        connection.execute(update(stores).values(state="retired"))
    assert [] == goes(index)


def test_what_has_a_moment_of_its_own_goes_then_and_not_before_its_date(index: Engine):
    add_store(index)
    grace, later = Instant(NOW + DAY), Instant(NOW + 3 * DAY)
    earlier = Instant(DAY_OF_DUE - DAY)
    log = Log(index)
    log.say(
        sight(1, anchor=DAY_OF_DUE),
        *(sight(n, anchor=earlier, state="late", not_before=grace) for n in (2, 3)),
        sight(4, anchor=DAY_OF_DUE, state="late", not_before=Instant(DUE - DAY)),
        sight(5, anchor=None, state="undated", seen=Instant(NOW - 5 * DAY)),
        sight(6, anchor=None, state="undated", seen=Instant(NOW - 6 * DAY), not_before=later),
    )
    moments = [(DUE, 1), (DUE, 1), (grace, 2), (Instant(NOW + 2 * DAY), 1), (later, 1)]
    assert moments == goes(index)


def book(index: Engine, day: date, items: int, store: str = STORE) -> None:
    """So many pictures of a day are there, and nothing more is known of them."""
    with writing(index) as connection:
        changes = tally.Changes()
        changes.enter(IMAGE, day.toordinal(), "present", items, 0)
        changes.write(connection, store)


OLD = date(2026, 1, 15)


@pytest.mark.parametrize(("due", "brakes"), [(100, ()), (101, (BrakeForecast(STORE, 101, 100),))])
def test_a_brake_is_told_a_day_before_it_engages(
    index: Engine, due: int, brakes: tuple[BrakeForecast, ...]
):
    add_store(index)
    book(index, OLD, due)
    assert brakes == ahead(index, now=Instant(DUE - DAY)).brakes
    assert () == ahead(index, now=Instant(DUE - DAY - 1)).brakes


def test_what_is_due_together_brakes_together_and_each_store_by_itself(index: Engine):
    for store in (STORE, "riga-002"):
        add_store(index, store)
        book(index, OLD, 60, store)
    book(index, date(2026, 1, 16), 60)
    assert (BrakeForecast(STORE, 120, 100),) == ahead(index).brakes


def test_a_store_that_only_observes_fears_no_brake(index: Engine):
    add_store(index, state="observe")
    book(index, OLD, 1000)
    assert () == ahead(index).brakes


def test_what_arrived_in_four_weeks_says_how_much_is_usual(index: Engine):
    add_store(index)
    book(index, OLD, 400)
    first = date.fromordinal(date(2026, 3, 16).toordinal() - ARRIVAL_DAYS)
    book(index, first, 2 * ARRIVAL_DAYS)
    book(index, date(2026, 3, 10), 48 * ARRIVAL_DAYS)
    book(index, date.fromordinal(first.toordinal() - 1), 1000 * ARRIVAL_DAYS)
    assert (BrakeForecast(STORE, 400, 150),) == ahead(index).brakes
