"""A store whose files came from a backup: dated by what they say, and in no order until all is swept."""

import shutil
from pathlib import Path

import pytest
from world import GROUP, STORE, World, at, first_policy

from retention.acts import Correction, Restoration
from retention.calendar import DAY, Instant
from retention.hold import ItemRef, StoreHold
from retention.policy import Source
from retention.report import Sighted

OLD = at("2026-01-14 10:00")  # due since 2026-03-14; the world's day is 2026-03-16
YOUNG = at("2026-03-10 10:00")


def declare(world: World, since: Instant, *names: str) -> None:
    """Two people say that what came since then came from a backup."""
    act = Restoration(
        id=world.act_id(), at=world.true.now, reason="new disk", store=STORE, since=since
    )
    world.sign(act, *names)


def noted(world: World) -> bool:
    """Whether the newest heartbeat says that it is not over."""
    world.agent.heartbeat()
    world.report()
    beat = world.books().beat
    assert beat is not None
    return "from-backup" in beat.notes


def restore(world: World) -> None:
    """Two recordings come back long after a scan that did not see them, with their own names and times."""
    world.activate()
    world.rest()
    world.true.pass_(DAY)
    world.record(OLD)
    world.record(YOUNG)


def anchors(world: World) -> list[Instant | None]:
    return sorted(entry.anchor or 0 for entry in world.books().live.values())


def test_what_comes_back_is_dated_by_when_it_came_unless_two_people_say_otherwise(world: World):
    restore(world)
    world.rest()
    came = at("2026-03-16 12:00")
    assert [came, came] == anchors(world), "by the last scan that did not see them: too late"
    assert not noted(world)


@pytest.mark.parametrize("when", ["before the scan", "after it"])
def test_a_restored_file_goes_by_its_own_date_and_not_at_first_sight(world: World, when: str):
    restore(world)
    if when == "after it":
        world.rest()
        world.true.pass_(3600)
    declare(world, at("2026-03-17 12:00"))
    world.agent.talk()
    world.rest()
    assert [OLD, YOUNG] == anchors(world)
    assert 2 == len(world.files()), "a day of grace"
    assert noted(world), "and until then it is not swept"
    world.true.pass_(DAY)
    world.rest()
    assert [YOUNG] == anchors(world)
    assert not noted(world)
    [gone] = world.check().erased()
    assert ("late", OLD) == (gone.how, gone.item.anchor)


def test_the_day_of_grace_counts_from_when_people_said_so(world: World):
    restore(world)
    world.rest()
    world.true.pass_(3 * DAY)
    declare(world, at("2026-03-17 12:00"))
    world.agent.talk()
    world.rest()
    assert 2 == len(world.files()), "it was first seen days ago, and as old as it is only now"
    world.true.pass_(DAY)
    world.rest()
    assert [YOUNG] == anchors(world)
    world.check()


def test_it_lasts_until_a_whole_scan_and_a_whole_sweep_have_been_through(world: World):
    world.activate()
    world.rest()
    declare(world, world.true.now)
    world.agent.talk()
    assert noted(world)
    world.sweep()
    assert noted(world), "nothing was scanned yet"
    world.scan()
    assert noted(world), "nothing was swept yet"
    world.centre.away = True
    world.sweep()
    world.centre.away = False
    assert noted(world), "a sweep that nobody directed leaves what is due to the next one"
    world.sweep()
    assert not noted(world)


def test_a_scan_that_began_before_is_none(world: World):
    world.activate()
    world.rest()
    world.record(YOUNG)
    scan = world.agent.scan()
    next(scan)
    declare(world, world.true.now)
    world.agent.talk()
    for _ in scan:
        pass
    world.sweep()
    assert noted(world)
    world.cycle()
    assert not noted(world)


def test_what_is_held_stays_and_ends_nothing_later(world: World):
    restore(world)
    world.centre.holds.append(StoreHold("hold-1", Instant(OLD - 60), Instant(OLD + 60)))
    declare(world, world.true.now)
    world.agent.talk()
    world.rest()
    assert not noted(world), "nothing is left that may go"
    world.true.pass_(2 * DAY)
    world.rest()
    assert 2 == len(world.files())
    assert [OLD, YOUNG] == anchors(world)
    world.check()


def test_what_was_erased_before_goes_with_the_first_sweep(world: World, tmp_path: Path):
    world.record(OLD)
    world.write("front/unnamed.jpg")
    shutil.copytree(world.root / "front", tmp_path / "backup")
    world.activate()
    world.rest()
    assert {"front/unnamed.jpg"} == world.files()
    world.true.pass_(DAY)
    shutil.copytree(tmp_path / "backup", world.root / "front", dirs_exist_ok=True)
    declare(world, world.true.now)
    world.agent.talk()
    world.rest()
    assert {"front/unnamed.jpg"} == world.files()
    assert ["due", "zombie"] == [ending.how for ending in world.check().erased()]
    assert not noted(world)


def test_people_s_word_stands_and_what_came_before_is_as_it_was(world: World):
    world.activate()
    world.rest()
    world.true.pass_(DAY)
    before = world.true.now
    world.record(OLD, tag="-before")
    world.rest()
    world.true.pass_(3600)
    world.record(Instant(OLD + 3600), tag="-corrected")
    world.rest()
    [_, found] = [e for e in world.centre.entries() if isinstance(e, Sighted)]
    item = ItemRef(
        STORE, world.centre.epoch, found.item, "front", OLD, world.true.now, found.fingerprint
    )
    corrected = Instant(YOUNG + 1)
    world.sign(
        Correction(id="c", at=world.true.now, reason="x", items=(item,), anchor=corrected),
        "anna",
        "dace",
    )
    world.agent.talk()
    declare(world, Instant(before + 3000))
    world.agent.talk()
    world.true.pass_(3 * DAY)
    world.rest()
    assert {corrected, before - DAY} == set(anchors(world))
    world.check()


def test_a_recording_that_nothing_dates_has_a_week_like_any_other(world: World):
    restore(world)
    world.write("front/unnamed.jpg", mtime=Instant(0))
    world.rest()
    declare(world, at("2026-03-17 12:00"))
    world.agent.talk()
    world.rest()
    [undated] = [entry for entry in world.books().live.values() if entry.state == "undated"]
    assert undated.anchor is None
    world.true.pass_(8 * DAY)
    world.rest()
    assert 1 == len(world.files())
    world.check()


def test_one_signature_or_another_store_s_act_restores_nothing(world: World):
    restore(world)
    declare(world, world.true.now, "boris")
    world.sign(
        Restoration(id="r9", at=world.true.now, reason="x", store="riga-002", since=world.true.now)
    )
    world.agent.talk()
    world.rest()
    assert not noted(world)
    assert [at("2026-03-16 12:00")] * 2 == anchors(world)
    assert 2 == len(world.files())


def test_a_new_epoch_begins_it_anew(world: World):
    restore(world)
    declare(world, world.true.now)
    world.agent.talk()
    world.scan()
    world.lose_state().exchange.greet()
    world.agent.talk()
    assert noted(world)
    world.rest()
    assert [YOUNG] == anchors(world), "nobody saw it come: the other went as a backlog does"
    assert not noted(world)


def test_dates_of_a_wrong_clock_wait_until_somebody_has_said_what_time_it_is(world: World):
    world.activate()
    world.rest()
    world.centre.away = True
    world.clock.ahead = 20 * DAY
    world.true.pass_(DAY)
    since = world.true.now
    world.record(OLD)
    world.scan()
    world.centre.away = False
    declare(world, since)
    world.agent.talk()
    world.clock.ahead = 0
    world.agent.talk()
    world.rest()
    assert [OLD] == anchors(world)
    world.true.pass_(2 * DAY)
    world.rest()
    assert set() == world.files()
    assert not noted(world)


def test_the_source_of_imports_needs_no_restoration(tmp_path: Path):
    source = Source(
        id="front",
        group=GROUP,
        directory="front",
        record_class="terminal-image",
        purpose="test",
        name_pattern="%Y%m%d-%H%M%S*",
        imports=True,
    )
    world = World.make(tmp_path, at("2026-03-16 12:00"), first_policy(sources=[source]))
    restore(world)
    world.rest()
    assert [OLD, YOUNG] == anchors(world)
