"""Who has their turn in the agent's daemon, whatever the other tasks do."""

import logging
from collections import Counter
from collections.abc import Iterator

import pytest
from world import World

from agents.engine.daemon import Daemon, Pace, Uncounted
from agents.engine.finding.watch import Hint

PACE = Pace(scan=3600, sweep=600, hint=0)
SCANS = 10


class Flooded:
    """A watcher that always lost a hint since it was last asked."""

    def start(self) -> None:
        """See `Watcher`."""

    def stop(self) -> None:
        """See `Watcher`."""

    def alive(self) -> bool:
        return True

    def hints(self, _timeout: float) -> list[Hint]:
        return []

    def overflowed(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("step", "watch", "fails"),
    [(PACE.scan, None, False), (PACE.sweep, Flooded(), False), (1, None, True)],
    ids=["take longer than their pace", "are asked for without end", "fail"],
)
def test_a_sweep_has_its_turn_between_two_scans_that(
    world: World, step: int, watch: Flooded | None, *, fails: bool
):
    passed = 60  # seconds since the machine was started
    begun: Counter[str] = Counter()

    def pass_(seconds: int) -> None:
        nonlocal passed
        passed += seconds

    def scan() -> Iterator[None]:
        begun["scan"] += 1
        pass_(step)
        yield
        if fails:
            raise OSError("the disk cannot be read")

    def sweep() -> Iterator[None]:
        begun["sweep"] += 1
        yield
        pass_(PACE.scan)

    def turned(_loop: str) -> None:
        if begun["scan"] == SCANS:
            daemon.stop()

    world.agent.scan = scan  # type: ignore[method-assign]
    world.agent.sweep = sweep  # type: ignore[method-assign, assignment]
    daemon = Daemon(
        world.agent,
        watch=watch,
        metrics=Uncounted(),
        pace=PACE,
        log=logging.getLogger("of the daemon"),
        turned=turned,
        monotonic=lambda: float(passed),
    )
    daemon._wait = lambda _failures: pass_(PACE.sweep)  # type: ignore[method-assign]
    daemon.run()
    assert begun["sweep"] >= SCANS // 2


def test_why_something_due_stays_is_logged_once_and_again_when_it_comes_back(
    world: World, caplog: pytest.LogCaptureFixture
):
    sweeps = [["locked"], ["locked"], [], ["locked", "immutable"]]
    passed = 60

    def sweep() -> Iterator[None]:
        nonlocal passed
        passed += PACE.sweep
        if not sweeps:
            daemon.stop()
            return
        world.agent.stays = Counter(sweeps.pop(0))
        yield

    world.agent.scan = lambda: iter(())  # type: ignore[method-assign, assignment]
    world.agent.sweep = sweep  # type: ignore[method-assign, assignment]
    daemon = Daemon(
        world.agent,
        watch=None,
        metrics=Uncounted(),
        pace=PACE,
        log=logging.getLogger("of the daemon"),
        monotonic=lambda: float(passed),
    )
    with caplog.at_level(logging.WARNING, "of the daemon"):
        daemon.run()
    told = [vars(each)["reason"] for each in caplog.records if each.msg == "not erased"]
    assert ["locked", "immutable", "locked"] == told
