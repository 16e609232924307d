"""Whatever a recording is called and wherever it is moved, it is one item with one date."""

import os

import pytest
from world import World, at

from retention.calendar import DAY, Instant
from retention.hold import StoreHold

OLD = at("2026-01-14 12:00")  # due since 2026-03-14; the world's day is 2026-03-16
YOUNG = at("2026-03-10 12:00")

NAMES = [
    b"20260114-140000\n.jpg",
    b"20260114-140000\xff\xfe.jpg",
    b"20260114-140000".ljust(251, b"x") + b".jpg",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("held", [False, True])
def test_a_hostile_name_is_dated_held_and_erased_as_any_other(
    world: World, name: bytes, held: bool
):
    path = os.fsencode(world.root) + b"/front/" + name
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    os.truncate(path, 100)
    os.utime(path, (OLD, OLD))
    if held:
        world.centre.holds.append(StoreHold("hold-1", Instant(OLD - 60), Instant(OLD + 60)))
    world.activate()
    world.rest()
    assert held == os.path.lexists(path)
    world.check()


def test_a_recording_that_is_moved_and_touched_keeps_its_number_and_its_date(world: World):
    path = world.record(YOUNG)
    world.rest()
    world.true.pass_(DAY)
    moved = path.rename(world.root / "copies" / "-rf.jpg")
    os.utime(moved, (world.true.now, world.true.now))
    world.rest()
    [(number, entry)] = world.check().live.items()
    assert (1, YOUNG) == (number, entry.anchor)
    world.activate()
    world.true.now = world.due_at(YOUNG)
    world.rest()
    assert set() == world.files()


def test_what_comes_back_after_its_erasure_goes_again_within_one_scan(world: World):
    content = b"\xff\xd8\xff of a day in January"
    world.write("front/20260114-140000.jpg", content, mtime=OLD)
    world.activate()
    world.rest()
    assert set() == world.files()
    world.true.pass_(DAY)
    world.write("copies/restored.jpg", content)  # neither its name nor its mtime tells its age
    world.cycle()
    assert set() == world.files()
    world.rest()
    assert ["due", "zombie"] == [ending.how for ending in world.check().erased()]
