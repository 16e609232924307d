"""A disk that reports errors, under a whole agent: it goes on, says so, and each file has one outcome.

The daemon runs as a process of its own; strace has one call fail in one place as long as it lives.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from killing import run
from world import World, at

from agents.engine import daemon
from agents.engine.daemon import Daemon, Pace, Uncounted
from retention.calendar import Instant
from retention.outcome import Outcome
from retention.report import Scanned

OLD = at("2026-01-14 12:00")  # due since 2026-03-14; the world's day is 2026-03-16
YOUNG = at("2026-03-10 12:00")
ROUNDS = 2  # of scanning, sweeping and talking, however each ends: so long the daemon lives
DUE, HEALTHY, KEPT = (
    "front/20260114-140000.jpg",
    "copies/20260114-140001.jpg",
    "front/20260310-140000.jpg",
)


class Fault(NamedTuple):
    """A call that fails wherever it has to do with this path; what can be seen of it."""

    call: str
    path: str
    left: set[str]  # of what was due
    outcome: Outcome | None
    unreadable: bool  # and so no scan is complete


FAULTS = [
    Fault("unlinkat", "root/front", {DUE}, Outcome.FAILED, unreadable=False),
    # What cannot be shown to be gone for good is not called erased, though it is.
    Fault("fsync", "root/front", set(), Outcome.FAILED, unreadable=False),
    # Where nobody can look for an incident marker, nothing goes.
    Fault("newfstatat", "root/front", {DUE}, Outcome.BLOCKED, unreadable=True),
    Fault("getdents64", "root/front", {DUE}, Outcome.BLOCKED, unreadable=True),
    Fault("openat", "front", {DUE}, Outcome.BLOCKED, unreadable=True),
    # No intent is durable, and so nothing is touched (I5).
    Fault("fdatasync", "state/catalogue.sqlite-wal", {DUE, HEALTHY}, None, unreadable=False),
]


def _daemon(world: World) -> Callable[[], Callable[[], None]]:
    """For a forked process: the agent starts; then, under the tracer's hands, its daemon runs."""

    def start() -> Callable[[], None]:
        agent = world.boot()
        begun: Counter[str] = Counter()

        def counted(name: str, task: Callable[[], Iterator[object]]) -> Iterator[object]:
            begun[name] += 1
            return task()

        def turned(loop: str) -> None:
            begun[loop] += 1
            if min(begun[name] for name in ("scan", "sweep", "talk")) > ROUNDS:
                living.stop()

        agent.scan = partial(counted, "scan", agent.scan)  # type: ignore[method-assign]
        agent.sweep = partial(counted, "sweep", agent.sweep)  # type: ignore[method-assign]
        living = Daemon(
            agent,
            watch=None,
            metrics=Uncounted(),
            pace=Pace(scan=1, sweep=1, talk=1, hint=0.05),
            log=logging.getLogger("of the daemon"),
            turned=turned,
        )
        return living.run

    return start


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.call)
def test_an_agent_outlives_a_disk_that_fails_and_tells_of_it(
    world: World,
    need: Callable[[str], str],
    fault: Fault,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(daemon, "MAX_BACK_OFF_SECONDS", 1)
    world.record(OLD)
    world.record(Instant(OLD + 1), directory="copies")
    world.record(YOUNG)
    world.rest()
    world.activate()
    number = dict(world.agent.catalogue.rows("SELECT CAST(name AS TEXT), number FROM items"))
    due, healthy = number[Path(DUE).name], number[Path(HEALTHY).name]
    world.stop()
    place = tmp_path / fault.path if "/" in fault.path else fault.path
    inject = f"inject={fault.call}:error=EIO"
    options = ("-o", "/dev/null", "-P", str(place), "-e", f"trace={fault.call}", "-e", inject)
    assert 0 == run(need("strace"), _daemon(world), *options), "the daemon went on"

    assert fault.left | {KEPT} == world.files()
    world.boot()
    told = world.told()
    assert ({due: fault.outcome} if fault.outcome else {}) == told.refused
    scans = [entry for entry in world.log() if isinstance(entry, Scanned)]
    assert fault.unreadable == bool(scans[-1].unreadable)

    world.rest()
    assert {KEPT} == world.files()
    ended = {number: end.outcome for number, end in world.check().ended.items()}
    assert dict.fromkeys((due, healthy), Outcome.ERASED_VERIFIED) == ended
