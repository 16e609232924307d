"""A store is retired and its box is still there: its agent hears of it, and keeps the promise alone."""

from pathlib import Path

import pytest
from world import RIGA, STORE, World, at, signed_act

from retention.acts import Release, Retirement
from retention.calendar import DAY, Instant, civil_date
from retention.envelope import Envelope
from retention.errors import RetentionError

NOW = at("2026-03-16 12:00")
HELD, YOUNG = Instant(NOW - 50 * DAY), Instant(NOW - 20 * DAY)
FACTS = {"id": "retirement-1", "at": NOW, "reason": "over"}
RETIREMENT = Retirement(**FACTS, store=STORE, how="wiped")


@pytest.fixture(params=["delete", "keep"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A young picture and a held one; by `offline` the agent would go on alone, or keep all."""
    world = World.make(tmp_path, NOW, offline=request.param)
    world.activate()
    world.record(HELD)
    world.record(YOUNG)
    world.hold("hold-1", HELD)
    world.rest()
    return world


def retire(world: World, sealed: Envelope | None = None) -> None:
    world.centre.retired = True
    world.centre.retirement = sealed


def limit_of(world: World, moment: Instant) -> Instant:
    limits = world.centre.chain.limits_of("terminal-image", civil_date(moment, RIGA))
    assert limits is not None
    return limits.outer_bound


def a_day_as_the_daemon_lives_it(world: World) -> None:
    world.scan()
    world.sweep()
    with pytest.raises(RetentionError):
        world.report()


def test_what_is_due_goes_in_its_last_hour_and_what_is_held_stays(world: World):
    retire(world, signed_act(RETIREMENT))
    limit = limit_of(world, YOUNG)
    world.true.now = Instant(limit - 2 * 3600)
    a_day_as_the_daemon_lives_it(world)
    assert 2 == len(world.files()), "two hours before the limit"
    world.true.now = Instant(limit - 1800)
    a_day_as_the_daemon_lives_it(world)
    assert {"front/20260125-140000.jpg"} == world.files()
    assert "" == world.agent.waiting
    world.true.now = Instant(limit + 300 * DAY)
    a_day_as_the_daemon_lives_it(world)
    assert {"front/20260125-140000.jpg"} == world.files(), "no hold ends because nobody is there"


def test_it_is_not_forgotten_where_the_box_starts_again_and_reaches_nobody(world: World):
    retire(world, signed_act(RETIREMENT))
    world.true.now = Instant(limit_of(world, YOUNG) - 1800)
    with pytest.raises(RetentionError):
        world.agent.exchange.consult()
    world.crash()
    world.centre.away = True
    world.sweep()
    assert ["retired"] == list(world.agent.notes())
    assert {"front/20260125-140000.jpg"} == world.files()


def test_the_agent_says_that_two_people_retired_its_store(world: World):
    retire(world, signed_act(RETIREMENT))
    for ask in (world.agent.exchange.consult, world.agent.exchange.greet, world.report):
        if ask == world.report:
            world.agent.heartbeat()
        with pytest.raises(
            RetentionError, match="two people retired this store: its bytes are wiped"
        ):
            ask()
    assert ["retired"] == list(world.agent.notes())


FALSE: dict[str, Envelope | None] = {
    "nobody's": None,
    "one person's": signed_act(RETIREMENT, "dace"),
    "of roles that may not": signed_act(RETIREMENT, "edgars", "dace"),
    "another store's": signed_act(Retirement(**FACTS, store="riga-002", how="wiped")),
    "another act": signed_act(Release(**FACTS, hold="hold-1")),
}


@pytest.mark.parametrize("whose", FALSE)
def test_what_no_two_people_signed_of_this_store_is_not_believed(world: World, whose: str):
    retire(world, FALSE[whose])
    with pytest.raises(RetentionError) as told:
        world.agent.exchange.consult()
    assert "two people retired this store" not in str(told.value)
    assert [] == list(world.agent.notes())
    world.true.now = Instant(limit_of(world, YOUNG) - 1800)
    a_day_as_the_daemon_lives_it(world)
    keeps = "keep" == world.options["offline"]
    assert (2 if keeps else 1) == len(world.files()), "as if the enforcer were away"
    assert ("keeps until it is back" in world.agent.waiting) == keeps


def test_an_enforcer_that_came_back_from_before_the_act_directs_again(world: World):
    retire(world, signed_act(RETIREMENT))
    with pytest.raises(RetentionError):
        world.agent.exchange.consult()
    world.centre.retired = False
    world.rest()
    assert [] == list(world.agent.notes())
    world.true.now = world.due_at(YOUNG)
    world.rest()
    assert {"front/20260125-140000.jpg"} == world.files()
    world.check()


def test_the_act_in_a_directive_keeps_nothing(world: World):
    """It frees nobody from the promise: an enforcer that goes on directing is obeyed as ever."""
    world.sign(RETIREMENT)
    world.rest()
    world.true.now = world.due_at(YOUNG)
    world.rest()
    assert {"front/20260125-140000.jpg"} == world.files()
    world.check()
