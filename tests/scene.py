"""A small tree in which one sweep meets everything that can befall a file."""

import os
import shutil
import subprocess
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from killing import kill_at, trace
from world import FakeClock, TrueTime, World, at

from retention.acts import Release
from retention.calendar import DAY, Instant

W = TypeVar("W", bound=World)

FIRST = at("2026-03-08 12:00")
SWEPT = Instant(FIRST + 8 * DAY)

#: What was recorded, by date and what becomes of it.
RECORDED = (
    ("01-01", "-zombie"),
    ("01-05", "-freed"),
    ("01-09", "-pair"),
    ("01-09", "-pair-across"),
    ("01-10", "-held"),
    ("01-11", "-marked"),
    ("01-12", "-new"),
    ("01-13", "-outside"),
    ("01-14", "-one"),
    ("01-14", "-two"),
    ("01-14", "-three"),
    ("02-20", ""),
)

#: What is left when the sweep of `SWEPT` is over, and why.
STAYS = {
    "front/20260220-120000.jpg",  # not due
    "front/20260110-120000-held.jpg",  # held, and long acknowledged
    "front/20260111-120000-marked.jpg",  # a marker lies beside it
    "front/20260111-120000-marked.jpg.incident",
    "front/20260112-120000-new.jpg",  # held by the directive that the sweep fetches
    "front/20260105-120000-freed.jpg",  # released by it: a day of grace
    "front/20260113-120000-outside.jpg",  # another hard link lies outside the root: blocked
}


def build(path: Path) -> World:
    """The scene just before the sweep; the agent has stopped."""
    world = World.make(path, FIRST)
    outside = path / "outside"
    outside.mkdir()
    (outside / "nobody's.jpg").write_bytes(b"not ours")
    for day, tag in RECORDED:
        world.record(at(f"2026-{day} 10:00"), tag=tag)
    front = world.root / "front"
    shared = front / "shared"
    shared.mkdir()
    shared.chmod(0o777)  # where a recorder writes too: files are taken aside first
    for tag in ("-a", "-b"):
        moved = world.record(at("2026-01-14 11:00"), tag=tag)
        moved.rename(shared / moved.name)
    os.link(front / "20260109-120000-pair.jpg", front / "20260109-120000-twin.jpg")
    os.link(front / "20260109-120000-pair-across.jpg", shared / "20260109-120000-twin-across.jpg")
    os.link(front / "20260113-120000-outside.jpg", outside / "linked.jpg")
    world.write("copies/undated.jpg", mtime=Instant(0))
    world.activate()
    world.hold("held", at("2026-01-10 10:00"))
    world.hold("freed", at("2026-01-05 10:00"))
    zombie = (front / "20260101-120000-zombie.jpg").read_bytes()
    world.cycle()
    assert "front/20260101-120000-zombie.jpg" not in world.files()

    world.true.now = SWEPT
    world.write("copies/20260101-120000-zombie.jpg", zombie, mtime=at("2026-01-01 10:00"))
    world.scan()
    world.report()
    world.write("front/20260111-120000-marked.jpg.incident", b"")
    world.hold("new", at("2026-01-12 10:00"))
    world.sign(Release(id="release", at=SWEPT, reason="closed", hold="freed"))
    world.stop()
    return world


def copied(world: W, path: Path) -> W:
    """The same scene once more. The catalogue of the copy knows the copied files by their inodes.

    What does not lie beside its root, such as a database's table, is the caller's to restore.
    """
    shutil.rmtree(path, ignore_errors=True)
    subprocess.run(["cp", "-a", world.root.parent, path], check=True)
    true = TrueTime(world.true.now)
    clock = FakeClock(true, booted_at=world.clock.booted_at, boots=world.clock.boots)
    centre = deepcopy(world.centre)
    centre.true = true
    twin = replace(
        world,
        root=path / "root",
        state=path / "state",
        true=true,
        clock=clock,
        centre=centre,
    )
    twin.adopt_inodes()
    return twin


def outside(world: World) -> list[tuple[str, bytes, int]]:
    """What lies outside the root: nobody may change it (I9)."""
    return [
        (path.name, path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted((world.root.parent / "outside").iterdir())
    ]


def sweep_of(world: World) -> Callable[[], Callable[[], None]]:
    """For a forked process: the agent starts; then, under the tracer's eyes, it sweeps."""

    def start() -> Callable[[], None]:
        world.boot()
        return world.sweep

    return start


def kill_at_each_call(
    strace: str, scene: W, path: Path, *, at_rest: Callable[[W], None], part: int, parts: int
) -> set[str]:
    """Kill a sweep of the scene at each of this part of its changing calls, and look at what comes of it.

    `at_rest` restarts the agent and asserts. Gives the names of all changing calls of a sweep.
    """
    calls = trace(strace, sweep_of(copied(scene, path / "run")), path / "calls")
    deaths = 0
    for call in calls[part::parts]:
        world = copied(scene, path / "run")
        deaths += kill_at(strace, sweep_of(world), call)
        try:
            at_rest(world)
        except AssertionError as error:
            raise AssertionError(f"after a kill at {call.name} number {call.nth}") from error
    assert deaths >= len(calls) // parts - 2
    return {call.name for call in calls}
