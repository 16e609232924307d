"""The power fails while a sweep runs: of what was not flushed, nothing is left.

Root, rows and state lie on one ext4 in a file. The agent is killed as it is about to flush; what the file
holds at that instant is the disk after the power cut, for the kernel still has the rest in memory.
"""

import dataclasses
import os
import pickle
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from filecmp import cmp
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import row_scenes
from killing import kill_at, trace
from scene import STAYS, build
from world import Centre, World

from retention.wire import Applied

IMAGE_BYTES = 64 * 1024 * 1024
#: Nothing reaches the disk of its own accord in the time a test takes.
MOUNT = ("mount", "-o", "loop,commit=600,noatime")


class Scene(NamedTuple):
    """What lies on the disk, and what has to be true of it when all is at rest."""

    build: Callable[[Path], World]
    assert_at_rest: Callable[[Any], None]


def _assert_files_at_rest(world: World) -> None:
    world.boot()
    try:
        world.rest()
        books = world.check()
        assert {"due", "undated", "zombie"} == {ending.how for ending in books.ended.values()}
        assert STAYS == world.files()
        assert world.centre.epoch == 1, "nothing that was told had to be forgotten"
    finally:
        world.stop()


SCENES = {
    "files": Scene(build, _assert_files_at_rest),
    "calls": Scene(
        row_scenes.calls, row_scenes.assert_calls_at_rest
    ),  # rows of a CSV, and of SQLite
    "blanks": Scene(
        row_scenes.blanked, row_scenes.assert_blanked_at_rest
    ),  # rows of SQLite that stay
}


@pytest.fixture(scope="module", params=SCENES)
def disk(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    need: Callable[[str], str],
) -> "Disk":
    if os.geteuid():
        pytest.skip("only root can mount a file system")
    need("strace")
    return Disk.make(tmp_path_factory.mktemp("disk"), need("mkfs.ext4"), SCENES[request.param])


class Disk:
    """An ext4 in a file with the scene on it, just before the sweep."""

    scene: World

    def __init__(self, path: Path, assert_at_rest: Callable[[Any], None]) -> None:
        self.path = path
        self.assert_at_rest = assert_at_rest
        self.place = path / "mounted"
        self.whole = path / "whole.img"
        self.images = count()  # a name is used once: a loop device may outlive its mount
        self.centre = path / "centre"

    @classmethod
    def make(cls, path: Path, mkfs: str, scene: Scene) -> "Disk":
        disk = cls(path, scene.assert_at_rest)
        disk.place.mkdir()
        with disk.whole.open("wb") as image:
            image.truncate(IMAGE_BYTES)
        subprocess.run([mkfs, "-q", disk.whole], check=True)
        with disk.mounted(disk.whole):
            disk.scene = scene.build(disk.place / "base")
            disk.clocks = pickle.dumps((disk.scene.true, disk.scene.clock))
            disk.remember(disk.scene.centre)
        disk.told = disk.centre.read_bytes()
        return disk

    @contextmanager
    def mounted(self, image: Path) -> Iterator[None]:
        command = [*MOUNT, image, self.place]
        mount = subprocess.run(command, check=False, capture_output=True, text=True)
        if mount.returncode:
            pytest.skip(f"no loop device can be mounted here: {mount.stderr.strip()}")
        try:
            yield
        finally:
            subprocess.run(["umount", self.place], check=True)

    def world(self) -> World:
        """The terminal as it is on the mounted disk, and the centre with all it was ever told."""
        true, clock = pickle.loads(self.clocks)
        centre = pickle.loads(self.centre.read_bytes())
        centre.true = true
        return dataclasses.replace(self.scene, true=true, clock=clock, centre=centre)

    def remember(self, centre: Centre) -> None:
        """The centre is another machine: it keeps what it was told when the terminal dies."""
        fields = {each.name: getattr(centre, each.name) for each in dataclasses.fields(centre)}
        self.centre.write_bytes(pickle.dumps(Centre(**fields)))

    def fresh(self) -> Path:
        """The disk just before the sweep; the centre as it was then."""
        self.centre.write_bytes(self.told)
        for old in self.path.glob("used-*.img"):
            old.unlink()
        return Path(shutil.copy(self.whole, self._image()))

    def cut(self, image: Path) -> Path:
        """What is on the disk at this instant, copied until nothing was written meanwhile."""
        copy = self._image()
        while True:
            shutil.copy(image, copy)
            if cmp(image, copy, shallow=False):
                return copy

    def _image(self) -> Path:
        return self.path / f"used-{next(self.images)}.img"


def _life(disk: Disk) -> Callable[[], Callable[[], None]]:
    """For a forked process: start, then sweep, scan and report what it brought."""

    def start() -> Callable[[], None]:
        world = disk.world()
        listen = world.centre.push

        def push(**said: Any) -> Applied:
            applied = listen(**said)
            disk.remember(world.centre)
            return applied

        world.centre.push = push
        world.boot()
        return lambda: _live(world)

    return start


def _live(world: World) -> None:
    world.sweep()
    world.report()
    world.cycle()


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(2))
def test_after_a_power_cut_at_any_flush_the_agent_comes_to_the_same_rest(disk: Disk, shard: int):
    strace = str(shutil.which("strace"))
    with disk.mounted(disk.fresh()):
        calls = trace(strace, _life(disk), disk.path / "calls")
    flushes = [call for call in calls if "sync" in call.name]
    assert len(flushes) > 10
    for call in flushes[shard::2]:
        image = disk.fresh()
        with disk.mounted(image):
            assert kill_at(strace, _life(disk), call)
            cut = disk.cut(image)
        with disk.mounted(cut):
            world = disk.world()
            try:
                disk.assert_at_rest(world)
            except AssertionError as error:
                world.stop()  # or nobody can unmount it
                raise AssertionError(
                    f"after a power cut at {call.name} number {call.nth}"
                ) from error
