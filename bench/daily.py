"""The everyday case: a million files, one day of sixty due; the agent against `find -mtime`.

`find` has to look at every inode to learn its age. The agent knows which ones are due. Both begin
with a running machine whose memory holds none of the files (cold: on a small box other things have
filled it since yesterday), and once more with all of them in memory (warm).

The physical limit is the unlinking of what is due, the same work for both.
"""

import os
import subprocess
import time
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

from world import World

from agents.engine.clock import SystemClock
from bench import million
from bench.disk import DISK, Disk, cool, new_disk, warm
from bench.figures import Figure, conclude
from bench.stopwatch import Stopwatch
from bench.sweep import PARTS, REST


def main() -> None:
    now = SystemClock().wall()
    with new_disk(megabytes=million.MEGABYTES, files=million.FILES + 10_000, where=DISK) as disk:
        began = time.perf_counter()
        with disk.mounted() as place:
            world = million.make(place, now)
            _close(world)
        os.sync()
        print(f"{million.FILES} files and their rows made in {time.perf_counter() - began:.0f} s")
        cold = _ratio(disk, world, "cold", lambda _: cool())
        warmed = _ratio(disk, world, "warm", warm)
    print(f"warm: {warmed:.1f} x faster; find's own unlinking is the limit there")
    conclude(
        Figure("daily, cold", cold, "x faster than find -mtime", at_least=10),
    )


def _ratio(disk: Disk, world: World, state: str, bring_about: Callable[[Path], None]) -> float:
    """How many times as long as the agent `find` takes."""
    with disk.copy(DISK) as copy, copy.mounted():
        world.boot()
        world.report()
        bring_about(world.root)
        watch = Stopwatch()
        for path, method, name in PARTS:
            watch.wrap(attrgetter(path)(world.agent), method, name)
        with watch.part(REST):
            world.sweep()
        _must_be_gone(world.root)
        _close(world)
    with disk.copy(DISK) as copy, copy.mounted():
        bring_about(world.root)
        began = time.perf_counter()
        subprocess.run(["find", world.root, "-mtime", "+60", "-delete"], check=True)
        found = time.perf_counter() - began
        _must_be_gone(world.root)
    ours = watch.seconds.total()
    print(f"{state}: agent {ours:.2f} s, find {found:.2f} s; of the agent's:")
    for name, seconds in watch.seconds.most_common():
        print(f"  {seconds:6.2f} s  {name}")
    return found / ours


def _must_be_gone(root: Path) -> None:
    left = sum(len(files) for _, _, files in os.walk(root / "front"))
    assert left == million.FILES - million.DUE, left


def _close(world: World) -> None:
    world.agent.catalogue.close()
    world.agent.store.close()


if __name__ == "__main__":
    main()
