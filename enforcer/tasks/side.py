"""Side tasks: what the enforcer does by itself while it serves, each in its own thread.

A task that fails is logged with its frames, counted, and tried again, later each time. A thread
that ends although nobody asked it to means that something is wrong beyond its handler: the process
stops, so that whoever watches it notices.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread

import structlog
from prometheus_client import CollectorRegistry, Counter

from retention.errors import RetentionError

MAX_PAUSE_SECONDS = 600

_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do every so many seconds."""

    name: str
    seconds: int
    do: Callable[[], None]


class SideTasks:
    """Runs tasks until told to stop. `died` is called, from its thread, by one that must not end.

    `turned` is called with a task's name whenever it is its turn.
    """

    def __init__(
        self,
        tasks: list[Task],
        registry: CollectorRegistry,
        died: Callable[[], None],
        turned: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._turned = turned
        self._stop = Event()
        self._died = died
        self._failures = Counter(
            "enforcer_task_failures",
            "Runs of a side task that failed.",
            ["task"],
            registry=registry,
        )
        for task in tasks:  # at 0, so that an alert sees the first failure
            self._failures.labels(task.name)
        self._threads = [
            Thread(target=self._run, args=(task,), name=task.name, daemon=True) for task in tasks
        ]

    def start(self) -> None:
        """Begin all of them."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let what runs finish, and begin nothing more."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def alive(self) -> bool:
        """Whether every one still runs."""
        return all(thread.is_alive() for thread in self._threads)

    def _run(self, task: Task) -> None:
        try:
            self._repeat(task)
        finally:
            if not self._stop.is_set():
                self._died()

    def _repeat(self, task: Task) -> None:
        failed = 0
        while not self._stop.is_set():
            self._turned(task.name)
            try:
                task.do()
                failed = 0
            except Exception as error:  # noqa: BLE001 # a loop's one broad handler: logged, counted, slowed down
                failed += 1
                self._failures.labels(task.name).inc()
                _LOG.exception(
                    "a side task failed", task=task.name, attempt=failed, reason=_reason(error)
                )
            self._stop.wait(_pause(task.seconds, failed))


def _pause(seconds: int, failed: int) -> int:
    """Seconds until the next run: doubled with each failure in a row, up to ten minutes."""
    doubled = min(seconds << min(failed, 16), MAX_PAUSE_SECONDS)
    return max(seconds, doubled)


def _reason(error: Exception) -> str:
    """The sentence, where it is one of ours: no person's words reach a side task."""
    return str(error) if isinstance(error, RetentionError) else ""
