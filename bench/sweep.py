"""Everything is due: the whole product against `find -delete`, on the same kind of tree.

Pictures of 1 KiB, 1000 in each directory, warm. Ours is timed from the directive to the signed
head: durable intents, incident markers, erasing, verified absence, outcomes, the log, and at the
enforcer, beside it, intake and certificates. `find` flushes nothing; ours is durable when it ends.

Twice: on an ext4 in memory, which hides nothing behind a disk, and on this machine's own. The
physical limit is the kernel's work for `unlink`, nearly all of the CPU time of `find -delete`.
"""

import os
import resource
import shutil
import statistics
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from world import TrueTime, World, at, first_policy, signed_policy

from bench.disk import DISK, MEMORY, new_disk, warm
from bench.enforcer_apart import Enforced
from bench.figures import Figure, conclude
from bench.recordings import day
from bench.stopwatch import Stopwatch

EACH = 1000  # files of a directory
IN_MEMORY, ON_DISK = 100, 20  # directories
RECORDED = at("2026-01-01 12:00")
NOW = at("2026-03-16 12:00")
PAIRS, PAIRS_ON_DISK = 3, 3
REST = "reading what is due, and the rest"
UNIT = "x find -delete"

#: (attribute of the agent that owns a method, the method, what it is for)
PARTS = (
    ("sweeper._planner", "plan", "deciding"),
    ("store", "marked", "looking for incident markers"),
    ("store", "erase", "erasing and looking"),
    ("sweeper._receipts", "intend", "intents"),
    ("sweeper._receipts", "record", "outcomes"),
    ("outbox", "append", "log"),
    ("catalogue", "blank_log", "blanking the write-ahead log"),
    ("exchange", "consult", "directive"),
)


class Run(NamedTuple):
    """One turn: seconds until the head was signed, of the agent alone, and of CPU."""

    whole: float
    agent: float
    cpu: float
    parts: Counter[str]


Pair = tuple[Run, Run]  # ours, and `find -delete`


def main() -> None:
    pairs = list(_in_memory())
    _tell("ext4 in memory", pairs)
    on_disk = list(_on_disk())
    _tell(f"ext4 below {DISK}", on_disk)
    conclude(
        Figure("sweep, agent alone, in memory", _agent(pairs), UNIT, at_most=2.5, aim=2.0),
        Figure("sweep, in memory", _whole(pairs), UNIT, at_most=2.5, aim=2.0),
        Figure("sweep, agent alone, on disk", _agent(on_disk), UNIT, at_most=2.5, aim=2.0),
        Figure("sweep, on disk", _whole(on_disk), UNIT, at_most=2.5, aim=2.0),
    )


def _in_memory() -> Iterator[Pair]:
    """Both on copies of one image: the very same tree. The enforcer is another machine's."""
    with (
        new_disk(megabytes=1000, files=IN_MEMORY * EACH + 2000, where=MEMORY) as disk,
        TemporaryDirectory(prefix="bench-", dir=DISK) as enforcer,
    ):
        index = Path(enforcer, "index.sqlite")
        with disk.mounted() as place:
            world = _prepared(place, index, IN_MEMORY)
        for turn in range(PAIRS):
            mine = Path(shutil.copy(index, Path(enforcer, f"{turn}.sqlite")))
            with disk.copy(MEMORY) as copy, copy.mounted():
                ours = _sweep(world, mine)
            with disk.copy(MEMORY) as copy, copy.mounted() as place:
                find = _find(place / "terminal/root/front")
            print(f"pair {turn + 1} in memory: ours {ours.whole:.2f} s, find {find.whole:.2f} s")
            yield ours, find


def _on_disk() -> Iterator[Pair]:
    """Each on a tree written just before: a disk has no copies at the price of none."""
    for turn in range(PAIRS_ON_DISK):
        with TemporaryDirectory(prefix="bench-", dir=DISK) as directory:
            place, index = Path(directory), Path(directory, "index.sqlite")
            ours = _sweep(_prepared(place, index, ON_DISK), index)
        with TemporaryDirectory(prefix="bench-", dir=DISK) as directory:
            _record(Path(directory, "tree"), ON_DISK)
            os.sync()
            find = _find(Path(directory, "tree"))
        print(f"pair {turn + 1} on disk: ours {ours.whole:.2f} s, find {find.whole:.2f} s")
        yield ours, find


def _prepared(place: Path, index: Path, directories: int) -> World:
    """A terminal whose files were all scanned, reported and indexed, and are all due."""
    world = World.make(place / "terminal", NOW)
    world.agent.catalogue.close()
    world.agent.store.close()
    world.true = world.clock.true = TrueTime(NOW)
    world.centre = centre = Enforced(world.true, [signed_policy(first_policy())])
    centre.open(index)
    _record(world.root / "front", directories)
    world.boot().begin()  # as the daemon does: what is seen by a clock in doubt is dated twice
    began = time.perf_counter()
    world.scan()
    scanned = time.perf_counter()
    world.activate(count=2 * directories * EACH)
    world.report()
    print(f"first scan: {directories * EACH / (scanned - began):.0f} files/s")
    _close(world)
    os.sync()
    return world


def _record(tree: Path, directories: int) -> None:
    for number in range(directories):
        for _ in day(tree / f"{number:03}", RECORDED, EACH):
            pass


def _sweep(world: World, index: Path) -> Run:
    centre = _centre(world)
    centre.open(index)
    world.boot()
    world.report()
    warm(world.root)
    files = len(world.files())
    watch = Stopwatch()
    for path, method, name in PARTS:
        watch.wrap(attrgetter(path)(world.agent), method, name)
    began, cpu = time.perf_counter(), time.process_time()
    with watch.part(REST):
        agent = _sweep_and_talk(world)
    certified, theirs, their_cpu = centre.settle()
    whole = time.perf_counter() - began
    cpu = time.process_time() - cpu + their_cpu
    assert (files, set()) == (certified, world.files()), (certified, world.agent.waiting)
    _close(world)
    return Run(whole, agent, cpu, watch.seconds + theirs)


def _sweep_and_talk(world: World) -> float:
    """Sweep, and report all the while, as the daemon's two threads do; the sweep's seconds."""
    done = threading.Event()

    def talk() -> None:
        while not done.wait(0.2):
            world.report()

    talker = threading.Thread(target=talk)
    talker.start()
    began = time.perf_counter()
    world.sweep()
    took = time.perf_counter() - began
    done.set()
    talker.join()
    world.report()
    return took


def _find(tree: Path) -> Run:
    warm(tree)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(["find", tree, "-delete"], check=True)
    took = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_stime + after.ru_utime - before.ru_stime - before.ru_utime
    return Run(took, took, cpu, Counter())


def _whole(pairs: Sequence[Pair]) -> float:
    return statistics.median(ours.whole / find.whole for ours, find in pairs)


def _agent(pairs: Sequence[Pair]) -> float:
    return statistics.median(ours.agent / find.whole for ours, find in pairs)


def _tell(where: str, pairs: Sequence[Pair]) -> None:
    """Print where the time goes."""
    found = sum(find.whole for _, find in pairs)
    print(f"{where}, in times of find -delete (the enforcer works while the agent erases):")
    for name, seconds in sum((ours.parts for ours, _ in pairs), Counter()).most_common():
        print(f"  {seconds / found:5.2f}  {name}")
    cpu = sum(ours.cpu for ours, _ in pairs) / found
    print(f"  {cpu:5.2f}  CPU of agent and enforcer together")
    print(f"  {sum(find.cpu for _, find in pairs) / found:5.2f}  the limit: the CPU of find")


def _close(world: World) -> None:
    world.agent.catalogue.close()
    world.agent.store.close()
    _centre(world).close()


def _centre(world: World) -> Enforced:
    assert isinstance(world.centre, Enforced)
    return world.centre


if __name__ == "__main__":
    main()
