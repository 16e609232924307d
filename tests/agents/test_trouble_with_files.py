"""Files and directories that cannot be read, erased, dated or reached as others can."""

import os
import subprocess
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest
from msgspec import structs
from world import STORE, World, at, signed_policy

from agents.engine.erasing import sweep
from retention import codec
from retention.acts import Correction, Release
from retention.anchor import UNDATED_SECONDS
from retention.calendar import DAY, Instant, civil_date
from retention.errors import UnreadableError
from retention.hold import ItemRef, StoreHold
from retention.outcome import Outcome
from retention.policy import Policy
from retention.report import Refused, Scanned

OLD = at("2026-01-14 12:00")  # due since 2026-03-14; the world's day is 2026-03-16
NOON = at("2026-03-16 12:00")
EDGE = Path(__file__).parents[1] / "media/edge"


def _held_by(world: World, *sources: str) -> None:
    world.centre.holds.append(
        StoreHold("hold-1", Instant(OLD - 60), Instant(OLD + 60), sources=sources)
    )
    world.agent.talk()


def _release(world: World) -> None:
    world.sign(Release(id=world.act_id(), at=world.true.now, reason="closed", hold="hold-1"))
    world.agent.talk()


# What cannot be read or erased.


def test_in_a_directory_that_cannot_be_read_nothing_is_gone_and_no_scan_is_complete(
    world: World, mount: Callable[..., None]
):
    world.write("front/2026/20260114-140000.jpg", mtime=OLD)
    world.rest()
    world.activate()
    mount("-t", "tmpfs", "none", world.root / "front/2026")  # another disk hides it
    world.rest()
    books = world.books()
    scans = [entry for entry in world.centre.entries() if isinstance(entry, Scanned)]
    assert (1, {}, 1) == (len(books.live), books.ended, scans[-1].unreadable)
    assert {1: Outcome.BLOCKED} == books.refused

    subprocess.run(["umount", world.root / "front/2026"], check=True)
    world.rest()
    assert set() == world.files()
    world.check()


def test_an_immutable_file_is_blocked_and_goes_when_it_can(
    disk: Callable[..., Path], need: Callable[[str], str]
):
    world, chattr = World.make(disk("terminal", 48), NOON), need("chattr")
    stuck = world.record(OLD)
    world.rest()
    free = world.record(Instant(OLD + 1), directory="copies")
    subprocess.run([chattr, "+i", stuck], check=True)
    world.activate()
    world.rest()
    world.true.pass_(DAY)
    world.rest()
    books = world.books()
    assert (True, False) == (stuck.exists(), free.exists())
    assert {1: Outcome.BLOCKED} == books.refused
    subprocess.run([chattr, "-i", stuck], check=True)
    world.rest()
    assert set() == world.files()
    world.check()


@pytest.mark.parametrize("path", sorted(EDGE.iterdir()), ids=lambda path: path.name)
def test_a_damaged_recording_is_no_trouble_and_outlives_nothing(world: World, path: Path):
    world.record(Instant(NOON - 30 * DAY))
    world.write(f"front/{path.name}", path.read_bytes(), mtime=Instant(0))
    world.activate()
    world.rest()
    assert f"front/{path.name}" in world.files()
    world.true.pass_(61 * DAY)
    world.rest()
    assert set() == world.files()


# What has no date, or a late one.


def test_what_cannot_be_dated_goes_after_a_week_and_not_a_second_before(world: World):
    world.write("front/img.jpg", mtime=Instant(0))
    world.activate()
    world.rest()
    assert {("terminal-image", "undated"): 1} == world.books().counts
    world.true.now = Instant(NOON + UNDATED_SECONDS - 1)
    world.rest()
    assert {"front/img.jpg"} == world.files()
    world.true.pass_(1)
    world.rest()
    assert ["undated"] == [ending.how for ending in world.check().erased()]


def test_what_may_have_an_incident_marker_beside_it_stays_and_is_told_as_blocked(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    def unreadable(*_: object) -> None:
        raise UnreadableError("nobody can look there")

    path = world.record(OLD)
    world.activate()
    world.scan()
    monkeypatch.setattr(world.agent.store, "marked", unreadable)
    world.sweep()
    world.report()
    assert path.exists()
    assert {1: Outcome.BLOCKED} == world.books().refused


def test_what_dates_a_file_had_is_forgotten_with_it(world: World):
    kept = "SELECT count(*) FROM evidence"
    world.write("front/img.jpg", mtime=Instant(0))
    world.activate()
    world.rest()
    assert world.agent.catalogue.value(kept) > 0
    world.true.pass_(8 * DAY)
    world.rest()
    assert set() == world.files()
    assert 0 == world.agent.catalogue.value(kept)


def test_what_cannot_be_dated_is_held_by_every_hold_on_its_source(world: World):
    world.write("front/img.jpg", mtime=Instant(0))
    world.write("copies/img.jpg", mtime=Instant(0))
    world.activate()
    world.rest()
    _held_by(world, "front")
    world.true.pass_(8 * DAY)
    world.rest()
    assert {"front/img.jpg"} == world.files()
    _release(world)
    world.rest()
    assert {"front/img.jpg"} == world.files(), "its day of grace"
    world.true.pass_(DAY)
    world.rest()
    assert set() == world.files()
    world.check()


def test_what_people_date_within_the_week_lives_by_that_date(world: World):
    world.write("front/img.jpg", mtime=Instant(0))
    world.activate()
    world.rest()
    mark = world.agent.catalogue.value("SELECT fingerprint FROM items")
    item = ItemRef(STORE, world.centre.epoch, 1, "front", NOON, NOON, mark)
    moment = Instant(NOON - 30 * DAY)
    world.sign(Correction(id=world.act_id(), at=NOON, reason="seen", items=(item,), anchor=moment))
    world.agent.talk()
    world.true.now = Instant(world.due_at(moment) - 1)
    world.rest()
    assert {"front/img.jpg"} == world.files()
    world.true.pass_(1)
    world.rest()
    assert ["due"] == [ending.how for ending in world.check().erased()]


def test_what_people_declare_of_names_dates_what_had_no_date(world: World):
    """Once for the source, and not for each file; what it dates no better keeps its week."""
    moment = Instant(NOON - 30 * DAY)
    world.write("front/one-1402261200-a.jpg", mtime=Instant(0))
    world.write("front/other.jpg", mtime=Instant(0))
    world.activate()
    world.rest()
    assert [None, None] == [each.anchor for each in world.books().live.values()]
    first = codec.decode(world.centre.policies[0].payload, Policy)
    read = structs.replace(first.sources[0], name_pattern="*-%d%m%y%H%M-*")
    later = structs.replace(
        first,
        version=2,
        previous=world.centre.pin,
        effective_from=civil_date(NOON, UTC),
        issued_at=NOON,
        sources=(read, *first.sources[1:]),
    )
    world.centre.policies.append(signed_policy(later))
    world.rest()
    assert {None, moment - 2 * 3600} == {each.anchor for each in world.books().live.values()}
    world.true.pass_(8 * DAY)
    world.rest()
    assert {"front/one-1402261200-a.jpg"} == world.files()
    world.check()


def test_what_people_date_into_the_time_of_a_hold_is_held_by_it(world: World):
    world.record(Instant(OLD + DAY))
    world.rest()
    _held_by(world, "front")
    mark = world.agent.catalogue.value("SELECT fingerprint FROM items")
    item = ItemRef(STORE, world.centre.epoch, 1, "front", NOON, NOON, mark)
    world.sign(Correction(id=world.act_id(), at=NOON, reason="seen", items=(item,), anchor=OLD))
    assert [set()] == [each.holds for each in world.books().live.values()]
    world.agent.talk()
    assert [{"hold-1"}] == [each.holds for each in world.books().live.values()]


@pytest.mark.parametrize(("minutes", "held"), [(-2, False), (0, True), (30, True), (62, False)])
def test_a_hold_of_any_minute_in_which_it_may_be_holds_it(world: World, minutes: int, held: bool):
    world.scan()
    world.true.pass_(3600)
    world.write("front/plain.jpg", mtime=Instant(0))  # anywhere in the hour
    world.rest()
    moment = NOON + minutes * 60
    world.centre.holds.append(StoreHold("hold-1", Instant(moment - 60), Instant(moment + 60)))
    world.agent.talk()
    assert [{"hold-1"} if held else set()] == [each.holds for each in world.books().live.values()]


@pytest.mark.parametrize(
    ("ahead", "minutes", "held"),
    [(0, 0, True), (0, 62, False), (-DAY, 0, True)],
    ids=["then", "later", "by a clock in doubt"],
)
def test_a_hold_of_when_a_recording_was_written_over_holds_what_is_there_now(
    world: World, ahead: int, minutes: int, held: bool
):
    """Its date stays as early as it was, and it goes by that."""
    path = world.record(Instant(NOON - 30 * DAY))
    world.rest()
    world.true.pass_(3600)
    world.clock.ahead = ahead
    world.write(f"front/{path.name}", b"\xff\xd8\xff another")
    world.scan()
    world.clock.ahead = 0
    world.hold("hold-1", Instant(world.true.now + 60 * minutes))
    world.agent.talk()
    [told] = world.books().live.values()
    assert (NOON - 30 * DAY, {"hold-1"} if held else set()) == (told.anchor, told.holds)


@pytest.mark.parametrize(("source", "gone"), [("copies", 2), ("front", 0)])
def test_a_hold_is_told_what_of_its_own_sources_it_came_too_late_for(
    world: World, source: str, gone: int
):
    world.activate()
    world.rest()
    for seconds in (0, 30):  # of one day, and each in a sweep of its own
        world.record(Instant(OLD + seconds), directory="copies")
        world.rest()
        world.true.pass_(DAY)
        world.rest()
    assert set() == world.files()
    _held_by(world, source)
    world.rest()
    assert gone == sum(world.books().gone.get("hold-1", {}).values())


def test_a_hold_that_is_told_again_otherwise_holds_what_it_ever_said(world: World):
    later = Instant(OLD + DAY)
    for begins, ends, sources in (
        (OLD - 60, OLD + 60, ()),
        (later - 60, later + 60, ("copies",)),
        (1, 0, ()),  # of items alone, and of none
    ):
        world.centre.holds = [StoreHold("hold-1", Instant(begins), Instant(ends), sources)]
        world.agent.talk()
    world.record(Instant(OLD - DAY))
    world.record(OLD)
    world.record(later, directory="copies")
    world.rest()
    live = sorted(world.books().live.values(), key=lambda each: each.anchor or 0)
    assert [set(), {"hold-1"}, {"hold-1"}] == [each.holds for each in live]


def test_a_hold_that_was_released_does_not_come_back_wider(world: World):
    world.record(OLD)
    world.record(Instant(OLD + DAY))
    world.rest()
    _held_by(world, "front")
    _release(world)
    [told] = world.centre.holds
    world.centre.holds = [StoreHold(told.id, told.begins, Instant(told.ends + 2 * DAY))]
    world.agent.talk()
    assert [set(), set()] == [each.holds for each in world.books().live.values()]


def test_what_people_date_lies_there_and_nowhere_else(world: World):
    world.scan()
    world.true.pass_(3600)
    world.write("front/plain.jpg", mtime=Instant(0))  # anywhere in the hour, by itself
    world.rest()
    mark = world.agent.catalogue.value("SELECT fingerprint FROM items")
    item = ItemRef(STORE, world.centre.epoch, 1, "front", NOON, NOON, mark)
    said = Instant(OLD - 1800)
    world.sign(Correction(id=world.act_id(), at=NOON, reason="seen", items=(item,), anchor=said))
    world.agent.talk()
    _held_by(world, "front")
    assert [set()] == [each.holds for each in world.books().live.values()]


def test_what_comes_late_has_a_day_and_goes_on_the_next(world: World):
    world.activate()
    world.rest()
    world.true.pass_(3600)
    came = world.true.now
    world.record(OLD, directory="copies")
    world.rest()
    assert {("terminal-image", "late"): 1} == world.books().counts
    world.true.now = Instant(came + DAY - 1)
    world.rest()
    assert 1 == len(world.files())
    world.true.pass_(1)
    world.rest()
    assert ["late"] == [ending.how for ending in world.check().erased()]


def test_where_nothing_may_come_late_an_old_name_makes_nothing_old(world: World):
    world.activate()
    world.rest()
    world.true.pass_(3600)
    world.record(OLD)
    world.rest()
    [item] = world.books().live.values()
    assert item.anchor == NOON, "no earlier than the last scan that did not see it"
    world.true.pass_(DAY)
    world.rest()
    assert 1 == len(world.files())


# What has several names, or lies deep.


def test_a_held_recording_outlives_the_removal_of_all_its_names(world: World):
    path = world.record(OLD)
    other = world.root / "copies/again.jpg"
    other.hardlink_to(path)
    content = path.read_bytes()
    world.rest()
    _held_by(world, "front")
    world.activate()
    world.rest()
    path.unlink()  # a recorder's loop, and a person
    other.unlink()
    world.rest()
    books = world.books()
    assert {} == books.ended, "nothing is lost"
    kept = [name for name in (world.root / ".retention").rglob("*") if name.is_file()]
    assert content in [name.read_bytes() for name in kept]

    _release(world)
    world.true.pass_(DAY)
    world.rest()
    assert 2 == len(world.books().erased())
    left = [name for name in world.root.rglob("*") if name.is_file()]
    assert content not in [name.read_bytes() for name in left]


def test_of_a_linked_recording_all_names_go_or_none(world: World):
    path = world.record(OLD)
    (world.root / "copies/again.jpg").hardlink_to(path)
    outside = world.state / "outside.jpg"
    outside.hardlink_to(path)
    world.activate()
    world.rest()
    assert 2 == len(world.files())
    assert {Outcome.BLOCKED} == set(world.books().refused.values())
    outside.unlink()
    world.rest()
    assert set() == world.files()
    world.check()


def test_names_of_one_recording_are_erased_together_however_many_a_batch_takes(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    by_date = sweep._BY_DATE.replace(f"LIMIT {sweep.BATCH_ITEMS}", "LIMIT 1")
    monkeypatch.setattr(sweep, "_BY_DATE", by_date)
    path = world.record(OLD)
    path.with_name("again.jpg").hardlink_to(path)
    world.activate()
    world.rest()
    assert [Outcome.ERASED_VERIFIED] * 2 == [end.outcome for end in world.check().ended.values()]
    assert [] == [entry for entry in world.log() if isinstance(entry, Refused)], "at the first try"


@pytest.mark.parametrize("held", [False, True])
def test_a_recording_deeper_than_any_path_can_say_is_dated_held_and_erased(
    world: World, held: bool
):
    name, levels = b"d" * 200, 60
    bottom = os.open(world.root / "front", os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=bottom)
        below = os.open(name, os.O_RDONLY, dir_fd=bottom)
        os.close(bottom)
        bottom = below
    file = os.open(b"20260114-140000.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=bottom)
    os.write(file, b"\xff\xd8\xff deep")
    os.utime(file, (OLD, OLD))
    os.close(file)
    if held:
        _held_by(world)
    world.activate()
    world.rest()
    with os.scandir(bottom) as listing:
        assert held == any(listing)
    os.close(bottom)
    books = world.books()
    assert (held, not held) == (bool(books.live), bool(books.erased()))
