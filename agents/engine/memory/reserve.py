"""Room that the catalogue keeps for itself, so that a full disk never stops deletion.

What was given up to a full disk, others would take. So nothing is ever given up: whatever a sweep
has to write finds its place in what the catalogue has already.

1. The write-ahead log never gets shorter than `LOG_BYTES`, and is written over from its beginning.
   SQLite deletes it with the last process that closes the catalogue: its second name, `reserve`,
   keeps the room until the next start, when it becomes the log again (`open_catalogue`).
2. Pages are kept free in the catalogue. They are filled up while the disk has room, and nothing new
   is indexed where that cannot be done. Erasing frees more of them than it takes.
3. What is too much for the log at once is written by and by (`receipts`).
"""

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from agents.engine.memory.catalogue import (
    LOG_BYTES,
    Catalogue,
    CatalogueError,
    CatalogueFullError,
    log_of,
)

FREE_PAGES = 512
#: So many are added at once, and only while the disk has `SPARE_BYTES` more than these take.
STEP_PAGES = 128
SPARE_BYTES = 1 << 20
#: What SQLite's shared memory takes at once. It writes a byte of each page: where a block is smaller
#: than a page the rest is allocated when it is touched, and the kernel kills who finds no room then.
SHARED_MEMORY_BYTES = 32 * 1024

_LOG_HEADER = bytes(32)

T = TypeVar("T")


class Reserve:
    """The room of one catalogue. `log_bytes` are at most `LOG_BYTES`: SQLite cuts off the rest."""

    def __init__(
        self, catalogue: Catalogue, *, log_bytes: int = LOG_BYTES, free_pages: int = FREE_PAGES
    ) -> None:
        self._catalogue = catalogue
        self._log_bytes = log_bytes
        self._free_pages = free_pages

    def keep(self) -> bool:
        """Fill it up where it was used; False if the disk has no room for that now."""
        try:
            self._keep_log()
            return self._catalogue.free_pages() >= self._free_pages // 2 or self._add_pages()
        except (CatalogueFullError, OSError):
            return False

    def spent_on(self, act: Callable[[], T]) -> T:
        """Act; where there is no room, have the log begin anew and act once more."""
        try:
            return act()
        except CatalogueFullError:
            with suppress(CatalogueFullError):
                self._catalogue.restart_log()
        return act()

    def _keep_log(self) -> None:
        log, name = self._catalogue.log, reserve_of(self._catalogue.path)
        if name.exists() and not name.samefile(log):
            name.unlink()  # the log of another start: this one takes its place
        if log.stat().st_size < self._log_bytes:
            with self._catalogue.transaction():  # so that nobody else lengthens it
                _lengthen(log, self._log_bytes)
        if not name.exists():
            name.hardlink_to(log)

    def _add_pages(self) -> bool:
        """By small steps: new pages have to leave the log for the file, else it never begins anew."""
        disk, page = self._catalogue.path.parent, self._catalogue.page_bytes
        free = self._catalogue.free_pages()
        while free < self._free_pages:
            if _room_on(disk) < 2 * STEP_PAGES * page + SPARE_BYTES:
                return False
            free = min(free + STEP_PAGES, self._free_pages)
            self._catalogue.have_free_pages(free)
            self._catalogue.move_log()
        return True


def open_catalogue(path: Path) -> Catalogue:
    """Open a catalogue with the room that an earlier start kept for it.

    Where not even the memory that processes share finds room, this one goes without and lets no
    other look at the catalogue meanwhile.
    """
    try:
        _make_log_of_reserve(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise CatalogueError(f"cannot open the catalogue {path}: {error.strerror}") from error
    if _room_on(path.parent) < 2 * SHARED_MEMORY_BYTES:
        return Catalogue(path, alone=True)
    try:
        return Catalogue(path)
    except CatalogueFullError:  # somebody was faster
        return Catalogue(path, alone=True)


def _make_log_of_reserve(path: Path) -> None:
    """Give the reserve the log's name, if SQLite deleted the log.

    Not with what it says in it: the catalogue may be another one by now, out of a backup, and what
    once was added to the log would be added to that.
    """
    with reserve_of(path).open("r+b") as reserve:
        fcntl.flock(reserve, fcntl.LOCK_EX)  # two may start at once, and one write already
        if path.exists() and not log_of(path).exists():
            reserve.write(_LOG_HEADER)
            reserve.flush()
            os.fsync(reserve.fileno())
            log_of(path).hardlink_to(reserve_of(path))


def reserve_of(path: Path) -> Path:
    """The other name of a catalogue's log."""
    return path.with_name("reserve")


def _lengthen(path: Path, size: int) -> None:
    """Write it longer: what is only allocated can need yet more room when it is written."""
    with path.open("r+b", buffering=0) as file:
        length = file.seek(0, os.SEEK_END)
        while length < size:
            length += file.write(bytes(min(size - length, 1 << 20)))


def _room_on(directory: Path) -> int:
    """Bytes that are free there for processes like this one."""
    room = os.statvfs(directory)
    return room.f_bavail * room.f_frsize
