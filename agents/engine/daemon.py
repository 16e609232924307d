"""The daemon: one worker that looks and sweeps, one talker that reports and consults.

Each loop has one broad handler: the traceback is logged, the failure counted, and the loop backs
off. A loop that ends, or a watcher that died, stops the process: whoever supervises it starts it
again, and `Agent.start` puts things right.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from agents.engine.agent import Agent
from agents.engine.finding.watch import Hint, Watcher
from agents.engine.memory.catalogue import CatalogueFullError
from retention.errors import RetentionError, StoreUnreachableError, UnreachableError

HEARTBEAT_SECONDS = 600
TICK_SECONDS = 60
MAX_BACK_OFF_SECONDS = 300


#: The loops by name, as `turned` is told of them.
LOOPS = ("work", "talk")


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things are done, in seconds."""

    scan: int = 6 * 3600
    sweep: int = 600
    talk: int = 60
    hint: float = 0.5


class Counted(Protocol):
    """What is counted of the loops; `agents.engine.metrics` is the real one."""

    def failed(self, task: str) -> None:
        """A turn of this loop failed."""

    def talked(self) -> None:
        """Report and consultation went through."""


class Uncounted:
    """For where nobody asks for metrics."""

    def failed(self, task: str) -> None:
        """See `Counted`."""

    def talked(self) -> None:
        """See `Counted`."""


class Daemon:
    """Runs an agent until `stop`. `turned` is called at each turn of a loop of `LOOPS`."""

    def __init__(
        self,
        agent: Agent,
        *,
        watch: Watcher | None,
        metrics: Counted,
        pace: Pace,
        log: logging.Logger,
        turned: Callable[[str], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._agent = agent
        self._watch = watch
        self._metrics = metrics
        self._pace = pace
        self._log = log
        self._turned = turned
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._due: dict[str, float] = {}
        self._scan: Iterator[object] | None = None
        self._sweep: Iterator[object] | None = None
        self._stays: set[str] = set()  # the reasons that were logged

    def run(self) -> None:
        """Work until `stop`, or until a side task has died (then RuntimeError)."""
        if self._watch is not None:
            self._watch.start()
        talker = threading.Thread(target=self._loop, args=(self._talk, "talk"), name="talk")
        talker.start()
        try:
            self._loop(self._work, "work")
        finally:
            self.stop()
            talker.join()
            if self._watch is not None:
                self._watch.stop()

    def stop(self) -> None:
        """End both loops after what they are doing; may be called from a signal handler."""
        self._stopping.set()

    def _loop(self, step: Callable[[], None], name: str) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._turned(name)
            try:
                step()
                failures = 0
            except (UnreachableError, StoreUnreachableError) as error:
                failures += 1
                self._metrics.failed(name)
                self._log.warning("unreachable", extra=_facts(name, error))
                self._wait(failures)
            except Exception as error:  # noqa: BLE001 - the loop's one broad handler
                failures += 1
                self._metrics.failed(name)
                if isinstance(error, RetentionError):
                    self._log.warning("refused", extra=_facts(name, error))
                else:
                    self._log.exception("failed", extra={"task": name})
                self._wait(failures)

    def _wait(self, failures: int) -> None:
        self._stopping.wait(min(2**failures, MAX_BACK_OFF_SECONDS))

    def _work(self) -> None:
        """One turn: hints first, then a step of whatever is under way or due."""
        if self._is_due("start", float("inf")):
            self._begin()
        busy = self._scan is not None or self._sweep is not None
        self._take_hints(0.0 if busy else self._pace.hint)
        if self._is_due("tick", TICK_SECONDS):
            for reason in self._agent.tick():
                self._log.warning("event refused", extra={"reason": reason})
        self._scan = self._scan_on(self._scan)
        self._sweep = self._sweep_on(self._sweep)
        if self._scan is None and not self._sweep_waits() and self._is_due("scan", self._pace.scan):
            self._scan = self._agent.scan()
        if self._sweep is None and self._scan is None and self._is_due("sweep", self._pace.sweep):
            self._sweep = self._agent.sweep()

    def _begin(self) -> None:
        try:
            self._agent.begin()
        except RetentionError:
            del self._due["start"]  # not begun: try again
            raise

    def _take_hints(self, timeout: float) -> None:
        if self._watch is not None and not self._watch.alive():
            self._log.error("watcher died")
            self.stop()
            return
        for hint in self._hints(timeout):
            self._agent.scanner.hint(hint.directory, hint.name, closed=hint.closed)
        try:
            self._agent.look()
        except CatalogueFullError as error:
            self._put_off_scan("look", error)
        if self._watch is not None and self._watch.overflowed():
            self._due["scan"] = min(self._monotonic(), self._due.get("scan", 0.0))

    def _hints(self, timeout: float) -> list[Hint]:
        if self._watch is not None:
            return self._watch.hints(timeout)
        self._stopping.wait(timeout)
        return []

    def _scan_on(self, scan: Iterator[object] | None) -> Iterator[object] | None:
        """Go one step on with a scan. On a full disk it waits until a sweep had its turn."""
        try:
            return self._step(scan)
        except CatalogueFullError as error:
            self._put_off_scan("scan", error)
            return None
        except BaseException:
            self._due["scan"] = self._monotonic() + self._pace.sweep
            raise

    def _sweep_on(self, sweep: Iterator[object] | None) -> Iterator[object] | None:
        """Go one step on with a sweep. At its end, say once of each reason that something due stays."""
        rest = self._step(sweep)
        if sweep is not None and rest is None:
            for why in sorted(self._agent.stays.keys() - self._stays):
                self._log.warning("not erased", extra={"task": "sweep", "reason": why})
            self._stays = set(self._agent.stays)
        return rest

    def _put_off_scan(self, task: str, error: CatalogueFullError) -> None:
        self._due["scan"] = self._monotonic() + self._pace.sweep
        self._metrics.failed(task)
        self._log.warning("disk full", extra=_facts(task, error))

    def _step(self, task: Iterator[object] | None) -> Iterator[object] | None:
        """Go one step on; None when it is done. A task that fails is over: it will be due again."""
        if task is None:
            return None
        try:
            next(task)
        except StopIteration:
            return None
        except BaseException:
            self._scan = self._sweep = None
            raise
        return task

    def _talk(self) -> None:
        if self._is_due("heartbeat", HEARTBEAT_SECONDS):
            with suppress(CatalogueFullError):  # the next one says so
                self._agent.heartbeat()
        self._agent.talk()
        self._metrics.talked()
        self._stopping.wait(self._pace.talk)

    def _sweep_waits(self) -> bool:
        """Whether a sweep was due before the next scan: it has its turn between two scans.

        Else a scan that takes as long as its pace, or is asked for without end, would keep all from going.
        """
        return self._sweep is None and self._due.get("sweep", 0.0) < self._due.get("scan", 0.0)

    def _is_due(self, what: str, every: float) -> bool:
        """Whether this is to be done now; if so, it is counted as done."""
        now = self._monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every
        return True


def _facts(task: str, error: Exception) -> dict[str, str]:
    return {"task": task, "reason": str(error)}
