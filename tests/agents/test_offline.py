"""Without the enforcer: later, by the holds that are known, and never after the limit."""

import os

import pytest
from world import World, at

from retention.calendar import DAY, Instant
from retention.hold import StoreHold

MOMENT = at("2026-01-20 12:00")
DUE = at("2026-03-20 04:00")
TARGET = at("2026-03-20 22:00")
LIMIT = at("2026-03-21 22:00")


@pytest.fixture
def ready(world: World) -> World:
    world.activate()
    world.record(MOMENT)
    world.cycle()
    return world


def until(world: World, moment: Instant) -> set[str]:
    """Let the time come with a sweep every six hours, as the daemon does; what is left then."""
    while world.true.now < moment:
        world.true.now = Instant(min(world.true.now + 6 * 3600, moment))
        world.scan()
        world.sweep()
    return world.files()


def test_with_a_young_directive_it_goes_an_hour_before_our_target(ready: World):
    until(ready, Instant(DUE - 6 * 3600))
    ready.centre.away = True
    assert 1 == len(until(ready, Instant(TARGET - 3601)))
    assert set() == until(ready, Instant(TARGET - 3600))


def test_with_an_old_directive_it_goes_an_hour_before_the_limit(ready: World):
    ready.centre.away = True
    assert 1 == len(until(ready, Instant(LIMIT - 3601)))
    assert set() == until(ready, Instant(LIMIT - 3600))


def test_weeks_without_the_enforcer_change_nothing_about_it(ready: World):
    ready.centre.away = True
    later = at("2026-02-20 12:00")
    until(ready, at("2026-03-19 12:00"))
    ready.write("front/20260220-140000.jpg", mtime=later)
    assert set() == until(ready, at("2026-04-22 12:00")) & {"front/20260120-140000.jpg"}


def test_a_hold_that_was_known_holds_without_the_enforcer_too(ready: World):
    ready.centre.holds.append(StoreHold("hold-1", MOMENT, MOMENT))
    ready.sweep()
    ready.centre.away = True
    assert 1 == len(until(ready, at("2026-05-01 12:00")))


def test_a_store_told_to_keep_keeps_and_says_so(ready: World):
    ready.options["offline"] = "keep"
    ready.crash()
    ready.centre.away = True
    assert 1 == len(until(ready, Instant(LIMIT + DAY)))
    assert "keeps until it is back" in ready.agent.waiting


def test_a_technicians_freeze_stops_sweeps_for_72_hours_and_no_longer(ready: World):
    until(ready, DUE - 3600)
    freeze = ready.state / "freeze"
    freeze.touch()
    os.utime(freeze, (ready.true.now, ready.true.now))
    begun = ready.true.now
    assert 1 == len(until(ready, Instant(begun + 72 * 3600 - 1)))
    assert set() == until(ready, Instant(begun + 72 * 3600))


def test_what_was_written_while_away_is_reported_when_the_enforcer_is_back(ready: World):
    ready.centre.away = True
    ready.record(at("2026-03-17 09:00"))
    until(ready, at("2026-03-17 12:00"))
    before = len(ready.centre.lines)
    ready.centre.away = False
    ready.report()
    assert before < len(ready.centre.lines)
