"""An agent whose memory is gone, is a day old, or is in two boxes at once.

What people decided and what was known of the recordings comes back; nothing that was held goes.
"""

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import calls
import pytest
from msgspec.structs import replace
from world import COMMISSIONED, STORE, FakeClock, World, at

from agents.engine.talking.uplink import FrozenError
from retention.acts import Correction, Thaw
from retention.calendar import DAY, Instant
from retention.errors import UnreachableError
from retention.hold import ItemRef, StoreHold
from retention.report import Sighted
from retention.wire import Prior

OLD = at("2026-01-14 12:00")  # due since 2026-03-14; the world's day is 2026-03-16
YOUNG = at("2026-03-10 12:00")


def item(world: World, sighted: Sighted) -> ItemRef:
    assert sighted.anchor is not None
    return ItemRef(
        STORE,
        world.centre.epoch,
        sighted.item,
        sighted.source,
        Instant(sighted.anchor - sighted.before),
        Instant(sighted.anchor + sighted.after),
        sighted.fingerprint,
    )


def sighted(world: World) -> list[Sighted]:
    return [entry for entry in world.centre.entries() if isinstance(entry, Sighted)]


def anchors(world: World) -> list[Instant | None]:
    return sorted(entry.anchor or 0 for entry in world.books().live.values())


def lose_state(world: World) -> None:
    """Begin with nothing, as the service does: it greets before it looks."""
    world.lose_state().exchange.greet()


def test_a_lost_state_begins_a_new_epoch_in_which_everything_is_reported_anew(world: World):
    world.record(OLD)
    world.record(YOUNG)
    world.rest()
    before = anchors(world)
    lose_state(world)
    world.rest()
    assert 2 == world.centre.epoch
    assert [1, 2] == [entry.item for entry in sighted(world)]
    assert before == anchors(world)
    assert 2 == len(world.centre.earlier), "the rows of the old epoch are closed"
    world.check()


def test_what_another_thread_writes_down_while_it_greets_is_not_taken_for_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """A heartbeat comes after each query of a greeting in turn: no epoch begins by any of them."""
    world.record(YOUNG)
    world.rest()
    agent = world.agent
    query = agent.catalogue.rows

    def greeting(interrupted_after: int) -> int:
        asked = 0

        def rows(sql: str, args: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
            nonlocal asked
            found = query(sql, args)
            asked += 1
            if asked == interrupted_after:
                agent.heartbeat()
            return found

        agent.exchange.report()  # else what the last one wrote down stands between
        with monkeypatch.context() as patch:
            patch.setattr(agent.catalogue, "rows", rows)
            agent.exchange.greet()
        return asked

    queries = greeting(0)
    assert queries > 3
    for number in range(1, queries + 1):
        greeting(number)
        assert 1 == world.centre.epoch, f"after the query {number}"
    world.rest()
    world.check()


def test_what_a_wrong_clock_wrote_is_there_to_be_sent_again_like_all_around_it(world: World):
    """A restored enforcer that heard of what follows, and not of that, would take it for another box's log."""
    world.record(YOUNG)
    world.rest()
    known = len(world.centre.lines)
    world.clock.ahead = -40 * DAY
    world.cycle()
    world.clock.ahead = 0
    world.rest()
    del world.centre.lines[known:]
    world.crash()
    world.rest()
    world.check()
    assert (1, False) == (world.centre.epoch, world.centre.frozen)


@pytest.mark.parametrize(("days", "left"), [(29, True), (31, False)])
def test_of_what_was_acknowledged_is_known_what_was_written_within_30_days(
    world: World, days: int, left: bool
):
    """Also where a clock was ahead meanwhile, by which nothing would grow old for a year."""
    world.record(YOUNG)
    world.rest()
    for ahead in (400 * DAY, 0):
        world.clock.ahead = ahead
        world.cycle()
    written = world.agent.outbox.end()[0]
    world.true.pass_(days * DAY)
    world.rest()
    assert left == world.agent.outbox.reaches(written - 1)


def test_an_anchor_that_no_name_tells_comes_back_by_fingerprint(world: World):
    world.rest()
    world.true.pass_(60)
    path = world.write("front/unnamed.jpg")
    world.rest()
    before = anchors(world)
    world.true.pass_(20 * DAY)
    moved = path.rename(world.root / "front/moved.jpg")
    os.utime(moved, (world.true.now, world.true.now))  # nothing about the file tells its age now
    world.write("front/unnamed.jpg", b"\xff\xd8\xff another content is another recording")
    lose_state(world)
    world.rest()
    by_name = {entry.fingerprint: world.books().live[entry.item].anchor for entry in sighted(world)}
    assert before == [by_name.pop(world.centre.earlier[0].fingerprint)]
    assert [world.true.now] == list(by_name.values()), "and the other one keeps its own"
    world.check()


@pytest.mark.parametrize("late", [False, True], ids=["in time", "after the first scan"])
@pytest.mark.parametrize("days", [-20, 5], ids=["older", "younger"])
def test_what_an_earlier_epoch_knew_counts_whenever_it_is_told(
    world: World, *, days: int, late: bool
):
    world.activate()
    world.rest()
    world.true.pass_(60)
    path = world.write("front/unnamed.jpg")
    world.rest()
    [before] = anchors(world)
    world.true.pass_(10 * DAY)
    claimed = Instant(
        before + days * DAY
    )  # by the file, of which nobody knows any more when it came
    path.rename(world.root / "front/moved.jpg")
    os.utime(world.root / "front/moved.jpg", (claimed, claimed))
    world.lose_state()
    world.centre.away = late
    with contextlib.suppress(UnreachableError):
        world.agent.exchange.greet()
    world.scan()
    world.centre.away = False
    world.rest()
    assert [before] == anchors(world)
    world.true.now = Instant(world.due_at(before) - 1)
    world.rest()
    assert 1 == len(world.files())
    world.true.pass_(1)
    world.rest()
    assert set() == world.files()
    world.check()


@pytest.mark.parametrize("late", [False, True], ids=["in time", "after the first scan"])
@pytest.mark.parametrize("ahead", [0, DAY, -DAY, 40 * DAY, -40 * DAY])
def test_a_clock_that_is_wrong_when_it_is_found_again_moves_no_date_that_is_known(
    world: World, *, ahead: int, late: bool
):
    """It was seen to come, whatever it says itself; by what it says a file goes that nobody knew."""
    world.activate()
    world.rest()
    world.true.pass_(60)
    moment = world.true.now
    world.write("front/plain.jpg", mtime=Instant(moment - 50 * DAY))
    world.rest()
    [before] = anchors(world)
    world.true.pass_(DAY)
    world.clock.reboot()
    world.clock.ahead = ahead
    world.lose_state()
    world.centre.away = late
    with contextlib.suppress(UnreachableError):
        world.agent.exchange.greet()
    world.scan()
    world.centre.away = False
    world.rest()
    assert [before] == anchors(world)
    assert {"inherited"} == {each.how for each in world.books().live.values()}, "and it is sure"


@pytest.mark.parametrize("ahead", [0, 40 * DAY, -40 * DAY])
def test_a_date_in_doubt_does_not_come_back_as_one_that_is_sure(world: World, ahead: int):
    """The log went up, and the memory was lost before the time came down. The camera's clock is right."""
    world.activate()
    world.rest()
    world.clock.reboot(off=41 * DAY)
    world.clock.ahead = ahead
    world.crash()
    moment = world.true.now
    world.write("front/plain.jpg", mtime=moment)
    world.true.pass_(60)
    world.scan()
    world.report()
    [told] = world.books().live.values()
    assert "doubted" == told.how
    world.clock.ahead = 0
    lose_state(world)
    world.rest()
    assert [moment] == anchors(world)
    world.check()


@pytest.mark.parametrize("late", [False, True], ids=["in time", "after the first scan"])
def test_a_date_that_is_the_latest_comes_back_as_what_it_is(world: World, *, late: bool):
    """Also to an agent that loses its memory again; and it goes by the latest, so nothing goes early."""
    world.activate()
    world.cycle()
    world.centre.away = True
    world.clock.reboot()
    world.crash()
    world.scan()
    world.true.pass_(3600)
    world.write("front/plain.jpg")
    moment = world.true.now
    world.scan()
    world.clock.reboot(off=20 * DAY)
    world.crash()
    world.centre.away = False
    world.rest()
    [before] = world.books().live.values()
    assert ("latest", True) == (before.how, before.anchor - before.before <= moment)
    for _ in range(2):
        world.lose_state()
        world.centre.away = late
        with contextlib.suppress(UnreachableError):
            world.agent.exchange.greet()
        world.scan()
        world.centre.away = False
        world.rest()
        [again] = world.books().live.values()
        assert ("latest", before.anchor) == (again.how, again.anchor)
        assert again.anchor - again.before <= moment
    world.true.now = Instant(world.due_at(before.anchor) - 1)
    world.rest()
    assert 1 == len(world.files())
    world.true.pass_(1)
    world.rest()
    assert set() == world.files()
    world.check()


@pytest.mark.parametrize("call", [False, True], ids=["picture", "call"])
@pytest.mark.parametrize("ahead", [0, 40 * DAY, -40 * DAY])
@pytest.mark.parametrize("told", ["before", "after", "by a boot before", "at the second try"])
def test_what_has_no_date_keeps_its_week_whenever_it_is_told_when_that_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, ahead: int, *, call: bool
):
    """Before the first scan or after it, to a boot before, or when the time was told already."""
    world = World.make(tmp_path, at("2026-03-16 12:00"), parts=calls.parts if call else _no_part)
    world.activate()
    name = f"front/{'20991231-000000-17.wav' if call else 'plain.jpg'}"
    world.write(name, mtime=Instant(0), data=calls.sound(name) if call else None)
    world.rest()
    seen = world.true.now
    assert {(seen, "undated")} == _seen(world)
    for _ in range(3):
        world.true.pass_(2 * DAY)
        world.rest()
        world.clock.reboot()
        world.clock.ahead = ahead
        world.lose_state()
        world.centre.away = told == "after"
        if told == "at the second try":
            monkeypatch.setattr(world.centre, "prior", _lost)
        with contextlib.suppress(UnreachableError):
            world.agent.exchange.greet()
        if told == "by a boot before":
            world.clock.ahead = 0
            world.agent.exchange.consult()
            world.centre.away = True
            world.clock.reboot()
            world.crash()
        world.scan()
        if told == "at the second try":
            world.clock.ahead = 0
            world.sweep()
            monkeypatch.undo()
        world.centre.away = False
        world.agent.talk()
        world.clock.ahead = 0
        world.rest()
        assert {(seen, "undated")} == _seen(world)
    world.true.now = Instant(seen + 7 * DAY - 1)
    world.rest()
    assert 1 == len(world.files())
    world.true.pass_(1)
    world.rest()
    assert set() == world.files()
    world.check()


@pytest.mark.parametrize("lie", [COMMISSIONED - 1, at("2026-04-20 12:00")])
def test_an_enforcer_does_not_say_that_it_was_seen_before_the_store_was_there_or_in_the_future(
    world: World, lie: Instant
):
    world.activate()
    world.write("front/plain.jpg", mtime=Instant(0))
    world.rest()
    world.true.pass_(DAY)
    honest = world.centre.prior

    def lying(after: int) -> Prior:
        told = honest(after)
        return replace(told, undated=tuple(replace(each, seen=lie) for each in told.undated or ()))

    world.centre.prior = lying  # type: ignore[method-assign]
    lose_state(world)
    world.rest()
    assert {(world.true.now, "undated")} == _seen(world)


def _lost(_after: int) -> Prior:
    raise UnreachableError("its answer was lost")


def _no_part(_directory: bytes, _title: bytes) -> None:
    return None


def _seen(world: World) -> set[tuple[Instant, str]]:
    return {(each.seen, each.state) for each in world.books().live.values()}


def test_what_people_correct_before_it_is_found_again_is_corrected_when_it_is(world: World):
    world.record(YOUNG)
    world.rest()
    [before] = sighted(world)
    lose_state(world)
    said = Instant(YOUNG - 5 * DAY)
    named = ItemRef(STORE, 1, before.item, before.source, YOUNG, YOUNG, before.fingerprint)
    world.sign(
        Correction(id=world.act_id(), at=world.true.now, reason="seen", items=(named,), anchor=said)
    )
    world.agent.talk()
    world.rest()
    assert [said] == anchors(world)


def test_a_hold_and_a_restriction_hold_again_before_anything_goes(world: World):
    world.record(OLD)
    world.record(Instant(OLD + 3600), tag="-restricted")
    gone = world.record(Instant(OLD + 9 * 3600))
    world.rest()
    first, second, _ = sorted(sighted(world), key=lambda e: e.anchor or 0)
    window = (Instant(OLD - 60), Instant(OLD + 60))
    world.centre.holds += [
        StoreHold("hold-1", *window),
        StoreHold("restriction-1", Instant(0), Instant(0), items=(item(world, second),)),
    ]
    assert first.fingerprint != second.fingerprint
    world.activate()
    world.rest()
    kept = world.files()
    assert (2, False) == (len(kept), gone.exists())
    lose_state(world)
    world.rest()
    assert kept == world.files()
    assert {"hold-1", "restriction-1"} <= world.books().effective
    assert [{"hold-1"}, {"restriction-1"}] == [
        entry.holds for entry in sorted(world.books().live.values(), key=lambda e: e.anchor or 0)
    ]
    world.check()


def test_what_was_released_just_before_has_its_day_of_grace_from_the_release(world: World):
    world.activate()
    world.true.pass_(-3600)
    hold = StoreHold("hold-1", Instant(OLD - 60), Instant(OLD + 60), released_at=world.true.now)
    world.true.pass_(3600)
    world.record(OLD)
    world.centre.holds.append(hold)
    lose_state(world)
    world.rest()
    world.true.now = Instant(hold.released_at + DAY - 1)
    world.rest()
    assert 1 == len(world.files())
    world.true.pass_(1)
    world.rest()
    assert set() == world.files()
    world.check()


def test_of_two_days_of_grace_the_later_counts(world: World):
    world.activate()
    world.record(OLD)
    now = world.true.now
    for name, hours in (("hold-1", 1), ("hold-2", 20)):
        over = Instant(now - hours * 3600)
        world.centre.holds.append(
            StoreHold(name, Instant(OLD - 60), Instant(OLD + 60), released_at=over)
        )
    lose_state(world)
    world.rest()
    world.true.now = Instant(now + 23 * 3600 - 1)
    world.rest()
    assert 1 == len(world.files())
    world.true.pass_(1)
    world.rest()
    assert set() == world.files()


def test_nothing_was_released_in_the_future(world: World):
    world.activate()
    world.record(OLD)
    over = Instant(world.true.now + 40 * DAY)
    world.centre.holds.append(
        StoreHold("hold-1", Instant(OLD - 60), Instant(OLD + 60), released_at=over)
    )
    lose_state(world)
    world.rest()
    assert 1 == len(world.files())
    world.true.pass_(DAY + 3600)
    world.rest()
    assert set() == world.files()


def test_that_a_hold_is_over_is_not_believed_where_it_is_known(world: World):
    world.activate()
    world.record(OLD)
    world.centre.holds.append(StoreHold("hold-1", Instant(OLD - 60), Instant(OLD + 60)))
    world.rest()
    over = Instant(world.true.now - 2 * DAY)
    world.centre.holds[0] = StoreHold(
        "hold-1", Instant(OLD - 60), Instant(OLD + 60), released_at=over
    )
    world.rest()
    assert 1 == len(world.files())
    assert {"hold-1"} == world.check().effective


@pytest.mark.parametrize("days", [-50, 1])
def test_what_people_corrected_stays_corrected(world: World, days: int):
    world.record(YOUNG)
    world.rest()
    [found] = sighted(world)
    corrected = Instant(YOUNG + days * DAY)
    world.sign(
        Correction(
            id="c1",
            at=world.true.now,
            reason="x",
            items=(item(world, found),),
            anchor=corrected,
            record_class="contact-centre-call",
        )
    )
    world.rest()
    lose_state(world)
    world.rest()
    [again] = world.books().live.values()
    assert (corrected, "contact-centre-call") == (again.anchor, again.record_class)
    world.check()


def test_yesterdays_copy_of_the_state_is_a_lost_one(world: World, tmp_path: Path):
    world.record(YOUNG)
    world.record(OLD)
    world.rest()
    world.stop()
    shutil.copytree(world.state, tmp_path / "yesterday")
    world.boot()
    world.true.pass_(DAY)
    world.centre.holds.append(StoreHold("hold-1", Instant(OLD - 60), Instant(OLD + 60)))
    world.activate()
    world.record(Instant(YOUNG + DAY))
    world.rest()
    world.stop()
    shutil.rmtree(world.state)
    shutil.copytree(tmp_path / "yesterday", world.state)
    world.true.pass_(DAY)
    world.boot().exchange.greet()
    world.rest()
    assert 2 == world.centre.epoch
    assert (3, {"hold-1"}) == (len(world.files()), world.books().effective)
    world.check()


def cycle(world: World) -> None:
    """A day's work of a box that may be told that there are two of it."""
    with contextlib.suppress(FrozenError):
        world.cycle()


def test_of_one_image_in_two_boxes_neither_erases_until_two_people_name_one(
    world: World, tmp_path: Path
):
    world.record(YOUNG)
    world.activate()
    world.rest()
    world.stop()
    twin_path = tmp_path / "twin"
    shutil.copytree(world.root, twin_path / "root")
    shutil.copytree(world.state, twin_path / "state")
    world.boot()
    twin = World(
        twin_path / "root",
        twin_path / "state",
        world.true,
        FakeClock(world.true, box="twin-"),
        world.centre,
    )
    twin.adopt_inodes()
    twin.boot()
    boxes = (world, twin)
    moment = world.true.now
    for tag, box in zip("ab", boxes, strict=True):
        box.record(moment, tag=tag)
    for box in (*boxes, *boxes):
        cycle(box)
    assert world.centre.frozen
    world.true.now = Instant(world.due_at(moment) + DAY)
    for box in (*boxes, *boxes):
        cycle(box)
    assert [2, 2] == [len(box.files()) for box in boxes], "neither erases"

    world.centre.thaw()
    world.true.pass_(60)
    world.rest()
    assert set() == world.files()
    world.check()
    assert 2 == len(twin.files()), "and the other still does not"
    cycle(twin)
    assert 2 == len(twin.files())


@pytest.mark.parametrize(("named", "left"), [(1, ""), (2, "two boxes")])
def test_a_thaw_frees_the_box_that_it_names(world: World, named: int, left: str):
    world.rest()
    with world.agent.catalogue.transaction() as db:
        db.execute("UPDATE agent SET frozen = 'two boxes'")
    world.sign(Thaw(id=world.act_id(), at=world.true.now, reason="ours", store=STORE, epoch=named))
    world.agent.talk()
    assert left == world.agent.catalogue.value("SELECT frozen FROM agent")
