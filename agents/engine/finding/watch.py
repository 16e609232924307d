"""The watcher: hints that a file was closed, moved or marked, within a second of it.

A hint may be lost, doubled or late; the scan is the truth. When the kernel's queue overflows,
watchdog rebuilds its watches and tells nobody but its log, so we listen there and ask for a scan.
"""

import logging
import os
import queue
from pathlib import Path
from typing import NamedTuple, Protocol

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

#: Hints kept for the worker; more than this at once, and a scan is cheaper.
MAX_HINTS = 10_000

_OVERFLOW = "queue overflowed"


class Hint(NamedTuple):
    """A file that something happened to. `closed`: its writer closed it, or moved it here."""

    directory: bytes
    name: bytes
    closed: bool


class Watcher(Protocol):
    """Who hints at what happens in a store, whatever kind of store it is."""

    def start(self) -> None:
        """Begin to watch."""

    def stop(self) -> None:
        """Stop watching and wait for what it began."""

    def alive(self) -> bool:
        """Whether it still watches; if not, the process had better end."""

    def hints(self, timeout: float) -> list[Hint]:
        """What has come, waiting up to `timeout` seconds for the first."""

    def overflowed(self) -> bool:
        """Whether hints were lost since the last call."""


class Hints:
    """What was hinted at and not yet taken: half of a `Watcher`, whoever hints."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Hint] = queue.Queue(MAX_HINTS)
        self._overflowed = False

    def hints(self, timeout: float) -> list[Hint]:
        """What has come, waiting up to `timeout` seconds for the first."""
        try:
            found = [self._queue.get(timeout=timeout)]
        except queue.Empty:
            return []
        while not self._queue.empty():
            found.append(self._queue.get_nowait())
        return list(dict.fromkeys(found))

    def overflowed(self) -> bool:
        """Whether hints were lost since the last call."""
        lost, self._overflowed = self._overflowed, False
        return lost

    def overflow(self) -> None:
        """Note that hints were lost."""
        self._overflowed = True

    def add(self, hint: Hint) -> None:
        """Queue a hint; where there is no room, it is lost."""
        try:
            self._queue.put_nowait(hint)
        except queue.Full:
            self.overflow()


class Watch(Hints):
    """Watches one tree. `hints` empties what has come; `overflowed` asks for a scan."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = os.fsencode(root)
        self._observer = Observer()
        self._listener = _OverflowListener(self)

    def start(self) -> None:
        """Begin to watch. Raises OSError where the kernel gives no more watches."""
        logging.getLogger("watchdog.observers.inotify").addFilter(self._listener)
        kinds: list[type[FileSystemEvent]] = [
            FileClosedEvent,
            FileMovedEvent,
            FileAttribEvent,
            DirMovedEvent,
            DirCreatedEvent,
        ]
        self._observer.schedule(
            _Handler(self), os.fsdecode(self._root), recursive=True, event_filter=kinds
        )
        self._observer.start()

    def stop(self) -> None:
        """Stop watching and wait for the watcher's threads to end."""
        self._observer.stop()
        self._observer.join()
        logging.getLogger("watchdog.observers.inotify").removeFilter(self._listener)

    def alive(self) -> bool:
        """Whether the watcher's threads run; if not, the process had better end."""
        return self._observer.is_alive()

    def notice_all(self, path: bytes) -> None:
        """Queue hints about all that a new directory has by now: it came before it was watched."""
        for directory, _, names in os.walk(path):
            for name in names:
                self.notice(directory + b"/" + name, closed=False)

    def notice(self, path: bytes, *, closed: bool) -> None:
        """Queue a hint about a path below the root."""
        if not path.startswith(self._root + b"/"):
            return
        directory, _, name = path[len(self._root) + 1 :].rpartition(b"/")
        self.add(Hint(directory, name, closed))


class _Handler(FileSystemEventHandler):
    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def on_any_event(self, event: FileSystemEvent) -> None:
        if isinstance(event, DirMovedEvent):
            self._watch.overflow()  # everything below it has another path now
        elif isinstance(event, DirCreatedEvent):
            self._watch.notice_all(os.fsencode(event.src_path))
        elif isinstance(event, FileMovedEvent):
            self._watch.notice(os.fsencode(event.dest_path), closed=True)
        else:
            closed = isinstance(event, FileClosedEvent)
            self._watch.notice(os.fsencode(event.src_path), closed=closed)


class _OverflowListener(logging.Filter):
    """Hears watchdog's warning, the only sign it gives, and keeps it out of the log."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def filter(self, record: logging.LogRecord) -> bool:
        if _OVERFLOW in record.getMessage():
            self._watch.overflow()
            return False
        return True
