"""A terminal whose only disk is full: deleting goes on, holds take effect, nothing is forgotten."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from world import World, at

from agents.engine.catalogue import CatalogueFullError
from retention.calendar import DAY, Instant
from retention.hold import StoreHold

OLD = at("2026-01-14 12:00")  # due since 2026-03-14; the world's day is 2026-03-16
HELD = at("2026-01-13 12:00")


@pytest.fixture(params=[0o755, 0o777], ids=["ours", "taken aside first"])
def full(request: pytest.FixtureRequest, disk: Callable[..., Path]) -> World:
    """Store and memory on one disk, with a backlog that is due and not one free block."""
    world = World.make(disk("terminal", 48), at("2026-03-16 12:00"))
    (world.root / "front").chmod(request.param)
    for number in range(40):
        world.record(Instant(OLD + number))
    world.record(HELD)
    world.rest()
    world.activate()
    world.agent.talk()
    fill(world)
    return world


def fill(world: World) -> None:
    with (world.root / "filler").open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with suppress(OSError):
                while True:
                    file.write(b"x" * size)
    assert 0 == os.statvfs(world.root).f_bavail


def test_what_is_due_goes_and_what_a_new_hold_names_stays(full: World):
    full.centre.holds.append(StoreHold("hold-1", Instant(HELD - 60), Instant(HELD + 60)))
    full.agent.talk()
    full.sweep()
    assert {"front/20260113-140000.jpg", "filler"} == full.files()
    (full.root / "filler").unlink()
    full.rest()
    assert 40 == len(full.check().erased())


def test_what_comes_meanwhile_waits_for_room_and_the_agent_says_so(full: World):
    new = full.write("front/20260316-130000.jpg", b"")
    full.agent.reserve.free()  # as a sweep did that needed it
    fill(full)
    with pytest.raises(CatalogueFullError):
        full.scan()
    with suppress(CatalogueFullError):
        full.agent.heartbeat()
    assert "disk-full" in list(full.agent.notes())
    (full.root / "filler").unlink()
    full.true.pass_(DAY)
    full.rest()
    books = full.check()
    assert (41, ()) == (len(books.erased()), books.beat.notes)
    assert new.exists()


def test_an_agent_that_starts_on_a_full_disk_goes_on(full: World):
    full.crash()
    full.sweep()
    assert {"filler"} == full.files()
