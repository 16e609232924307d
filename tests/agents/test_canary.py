"""A canary a day goes the way of every recording; one that cannot be planted is said."""

from pathlib import Path

import pytest
from msgspec import structs
from world import World, at, first_policy

from retention.calendar import DAY, Instant
from retention.hold import StoreHold
from retention.policy import Source

MORNING = at("2026-03-10 00:05")  # 02:05 in Riga
CANARIES = Source("canary", "*", "canary", "canary", "our own test files", "%Y%m%d-%H%M%S*")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A terminal whose policy has a place for canaries, activated by two people."""
    policy = first_policy()
    document = structs.replace(policy, sources=(*policy.sources, CANARIES))
    world = World.make(tmp_path, MORNING, document)
    world.scan()
    world.activate()
    world.report()
    world.agent.exchange.consult()
    world.scan()
    return world


def canaries(world: World) -> list[str]:
    return sorted(name for name in world.files() if name.startswith("canary/"))


def live(through: World) -> list[str]:
    return [item.record_class for item in through.books().live.values()]


def a_minute(world: World) -> None:
    """The daemon's minute, and what the watcher would have hinted at."""
    world.true.pass_(60)
    world.agent.tick()
    world.scan()
    world.report()


def test_one_a_day_is_planted_found_dated_and_gone_in_time(world: World):
    for _ in range(3):
        a_minute(world)
    assert ["canary/20260310-020600-canary.jpg"] == canaries(world)
    assert ["canary"] == live(world)
    [item] = world.books().live.values()
    assert Instant(MORNING + 60) == item.anchor
    world.sweep()
    assert canaries(world), "it is not due before six in the morning (I1)"
    world.true.now = at("2026-03-10 05:00")  # 07:00 in Riga; its own target is midnight
    world.cycle()
    assert [] == canaries(world)
    [ending] = world.books().erased()
    assert ("due", "canary") == (ending.how, ending.item.record_class)
    a_minute(world)
    assert [] == canaries(world), "one a day"
    world.true.pass_(DAY)
    a_minute(world)
    assert 1 == len(canaries(world))


def test_no_hold_is_told_that_it_came_too_late_for_a_canary(world: World):
    for _ in range(3):
        a_minute(world)
    world.true.now = at("2026-03-10 05:00")
    world.cycle()
    assert ([], 1) == (canaries(world), len(world.books().erased()))
    world.centre.holds.append(StoreHold("hold-1", at("2026-03-10 00:00"), at("2026-03-10 03:00")))
    world.agent.talk()
    assert {} == world.books().gone


def test_none_is_planted_where_nothing_may_be_erased(tmp_path: Path):
    policy = first_policy()
    document = structs.replace(policy, sources=(*policy.sources, CANARIES))
    observing = World.make(tmp_path, MORNING, document)
    a_minute(observing)
    assert [] == canaries(observing)


def test_none_is_planted_without_a_source_for_it(tmp_path: Path):
    world = World.make(tmp_path, MORNING)
    world.activate()
    world.cycle()
    a_minute(world)
    assert {"front", "copies", ".retention"} == {path.name for path in world.root.iterdir()}


def test_a_restart_plants_no_second_one_beside_the_first(world: World):
    a_minute(world)
    world.crash()
    a_minute(world)
    assert 1 == len(canaries(world))


def test_a_clock_in_doubt_dates_no_canary(world: World):
    world.clock.ahead = 40 * DAY
    world.agent.tick()
    assert [] == canaries(world)


def test_one_that_cannot_be_planted_is_said_until_one_is(world: World):
    (world.root / "canary").write_bytes(b"in the way")
    a_minute(world)
    assert ["canary-not-planted"] == list(world.agent.notes())
    (world.root / "canary").unlink()
    a_minute(world)
    assert [] == list(world.agent.notes())
    assert 1 == len(canaries(world))


def test_a_link_out_of_the_store_is_not_followed(world: World, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (world.root / "canary").symlink_to(outside)
    a_minute(world)
    assert [] == list(outside.iterdir())
    assert ["canary-not-planted"] == list(world.agent.notes())
