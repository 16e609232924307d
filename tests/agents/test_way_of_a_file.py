"""The way of a file, on one terminal: seen, dated, reported, held or erased, receipted."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from bucket_world import BucketWorld
from world import World, at

from retention import codec
from retention.acts import Activation, BrakeRelease, Correction, Erasure, Release, Retirement
from retention.calendar import DAY, Instant
from retention.hold import ItemRef, StoreHold
from retention.outcome import Outcome
from retention.report import Acknowledged, Erased, Held, Sighted

NOON = at("2026-03-16 12:00")
KINDS = {
    "bucket": {"versioning": ""},
    "bucket with versions": {},
    "bucket with versions no more": {"versioning": "Suspended"},
    "bucket with locks": {"lock": True},
}


@pytest.fixture(params=["tree", *KINDS])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """The same way, whatever kind of store."""
    if request.param == "tree":
        world = World.make(tmp_path, NOON)
    else:
        gateway = request.getfixturevalue("gateway")
        world = BucketWorld.found(tmp_path, NOON, gateway, **KINDS[request.param])
    yield world
    world.stop()


def _of(world: World, kind: type) -> list:
    return [entry for entry in world.centre.entries() if isinstance(entry, kind)]


def test_a_picture_of_a_backlog_is_dated_by_its_name_and_reported_without_its_name(world: World):
    world.record(at("2026-03-10 09:30"))
    world.agent.exchange.consult()  # else it is told as in doubt: nobody has confirmed the clock
    world.scan()
    world.report()
    [sighted] = _of(world, Sighted)
    assert (at("2026-03-10 09:30"), "name", "front") == (
        sighted.anchor,
        sighted.how,
        sighted.source,
    )
    assert not any(b"20260310" in line for line in world.centre.lines)


def test_nothing_is_erased_before_two_people_activate_the_store(world: World):
    old = world.record(at("2026-01-01 09:30"))
    world.cycle()
    assert old.exists()
    assert "activated" in world.agent.waiting


def test_what_is_due_goes_and_what_is_not_stays(world: World):
    due = world.record(at("2026-01-14 12:00"))  # due 2026-03-14 06:00 Riga
    live = world.record(at("2026-01-18 12:00"))  # due 2026-03-18 06:00 Riga
    world.activate()
    world.cycle()
    assert (False, True) == (due.exists(), live.exists())
    [erased] = _of(world, Erased)
    assert (Outcome.ERASED_VERIFIED, "due", 1) == (erased.outcome, erased.why, len(erased.items))


@pytest.mark.parametrize(("counted", "left"), [(50, 0), (49, 150)])
def test_two_people_let_go_exactly_as_many_as_they_counted(tmp_path: Path, counted: int, left: int):
    """A hundred more than that go without anybody's word; else all of them wait (I12)."""
    world = World.make(tmp_path, NOON)
    for number in range(150):
        world.record(at("2026-01-05 12:00"), tag=f"-{number}")
    world.activate(count=counted)
    world.cycle()
    assert left == len(world.files())
    assert bool(left) == ("would be usual" in world.agent.waiting)
    assert world.agent.waiting == world.agent.would_wait()
    world.stop()


def test_what_came_today_is_no_measure_of_a_month_in_which_nothing_came(tmp_path: Path):
    world = World.make(tmp_path, NOON)
    for number in range(150):
        world.record(Instant(NOON - 30 * DAY), tag=f"-{number}")
    world.activate(count=1)
    world.cycle()
    world.true.pass_(30 * DAY)
    for number in range(20):
        world.record(world.true.now, tag=f"-{number}")
    world.cycle()
    assert 170 == len(world.files())
    assert "150 items are due, 100 would be usual" in world.agent.waiting
    world.stop()


def test_what_nobody_could_date_waits_as_well_if_it_is_more_than_usual(tmp_path: Path):
    world = World.make(tmp_path, NOON)
    for number in range(101):
        world.write(f"front/img-{number}.jpg", mtime=Instant(0))
    world.activate()
    world.cycle()
    world.true.pass_(8 * DAY)
    world.cycle()
    assert 101 == len(world.files())
    assert "would be usual" in world.agent.waiting
    world.stop()


def test_a_picture_goes_at_its_due_instant_and_not_a_second_before(world: World):
    world.activate()
    world.record(at("2026-01-17 12:00"))
    due_at = at("2026-03-17 04:00")  # 06:00 in Riga, the day before the own target
    world.true.now = Instant(due_at - 1)
    world.cycle()
    assert {"front/20260117-140000.jpg"} == world.files()
    world.true.pass_(1)
    world.cycle()
    assert set() == world.files()


def test_a_held_picture_outlives_its_period_and_goes_a_day_after_two_people_release_it(
    world: World,
):
    moment = at("2026-01-14 12:00")
    world.record(moment)
    world.activate()
    world.centre.holds.append(StoreHold("h1", Instant(moment - 60), Instant(moment + 60)))
    world.cycle()
    assert 1 == len(world.files())
    assert [("h1", ((1, 1),))] == [(e.hold, e.items) for e in _of(world, Held)]
    assert ("h1",) == _of(world, Acknowledged)[-1].holds

    world.centre.holds.clear()  # a centre that forgets, or omits, a hold changes nothing
    world.true.pass_(DAY)
    world.cycle()
    assert 1 == len(world.files())

    world.sign(Release(id="r1", at=world.true.now, reason="case closed", hold="h1"))
    world.cycle()
    assert 1 == len(world.files()), "the day of grace"
    world.true.pass_(DAY + 60)
    world.cycle()
    assert set() == world.files()


def test_of_a_hold_whose_day_of_grace_is_over_no_more_is_known_than_that_it_was_released(
    world: World,
):
    moment = at("2026-01-14 12:00")
    world.record(moment)
    world.activate()
    hold = StoreHold("h1", moment, moment)
    world.centre.holds.append(hold)
    world.cycle()
    world.sign(Release(id="r1", at=world.true.now, reason="case closed", hold="h1"))
    world.cycle()
    said = "SELECT hold FROM holds WHERE released_at IS NOT NULL"
    world.true.pass_(DAY - 1)
    world.cycle()
    assert codec.encode(hold) == world.agent.catalogue.value(said)
    world.true.pass_(1)
    world.cycle()
    assert b"" == world.agent.catalogue.value(said)
    world.clock.ahead = -3600  # by a clock that was set back its day of grace goes on
    world.record(moment, tag="-again")
    world.cycle()
    assert 0 == world.agent.catalogue.value("SELECT sum(holds) FROM items")


def test_a_release_signed_by_one_person_or_by_the_wrong_ones_releases_nothing(world: World):
    moment = at("2026-01-14 12:00")
    world.record(moment)
    world.activate()
    world.centre.holds.append(StoreHold("h1", moment, moment))
    world.cycle()
    release = Release(id="r1", at=world.true.now, reason="x", hold="h1")
    for names in [("anna",), ("anna", "anna"), ("anna", "edgars"), ("anna", "mallory")]:
        world.sign(release, *names)
    world.true.pass_(3 * DAY)
    world.cycle()
    world.true.pass_(3 * DAY)
    world.cycle()
    assert 1 == len(world.files())
    assert "two different people" in world.agent.obedience.refused


def test_what_two_people_sign_for_another_store_changes_nothing_here(world: World):
    """Its items have the same numbers, and perhaps the same content."""
    path = world.record(at("2026-01-14 12:00"))
    world.rest()
    known = "SELECT anchor, granted, fingerprint FROM items"
    [before] = world.agent.catalogue.rows(known)
    other, facts = "riga-002", {"at": world.true.now, "reason": "test"}
    items = (ItemRef(other, world.centre.epoch, 1, "front", NOON, NOON, before[2]),)
    through = date(2100, 1, 1).toordinal()
    for act in (
        Activation(
            **facts,
            id="a1",
            stores=(other,),
            record_class="terminal-image",
            through_ordinal=through,
            count=9,
        ),
        Erasure(**facts, id="a2", items=items),
        Correction(**facts, id="a3", items=items, anchor=Instant(NOON - DAY)),
        BrakeRelease(**facts, id="a4", store=other, count=9, expires=Instant(NOON + DAY)),
        Retirement(**facts, id="a5", store=other, how="wiped"),
    ):
        world.sign(act)
    world.rest()
    assert path.exists()
    assert [before] == world.agent.catalogue.rows(known)
    assert [] == world.agent.catalogue.rows("SELECT act FROM grants")
    assert "" == world.agent.catalogue.value("SELECT frozen FROM agent")
