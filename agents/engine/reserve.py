"""Room kept free on the catalogue's disk, so that a full disk never stops deletion."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from agents.engine.catalogue import Catalogue, CatalogueFullError

RESERVE_BYTES = 8 * 1024 * 1024
#: What SQLite's shared memory takes at once. It writes a byte of each page: where a block is smaller
#: than a page the rest is allocated when it is touched, and the kernel kills who finds no room then.
SHARED_MEMORY_BYTES = 32 * 1024

T = TypeVar("T")


class Reserve:
    """A file of nothing, given up when the intents of a sweep find no room."""

    def __init__(self, path: Path, size: int = RESERVE_BYTES) -> None:
        self._path = path
        self._size = size

    def keep(self) -> bool:
        """Allocate it, if it is not there; False if the disk has no room for it now."""
        if self._path.exists():
            return True
        descriptor = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size)
        except OSError:
            self.free()
            return False
        finally:
            os.close(descriptor)
        return True

    def free(self) -> None:
        """Give the room up."""
        self._path.unlink(missing_ok=True)

    def spent_on(self, act: Callable[[], T]) -> T:
        """Act; where the catalogue finds no room for it, give the reserve up and act once more."""
        try:
            return act()
        except CatalogueFullError:
            self.free()
        return act()


def open_catalogue(path: Path, reserve: Reserve) -> Catalogue:
    """Open the catalogue, which takes a little room even of what nothing is written to."""
    room = os.statvfs(path.parent)
    if room.f_bavail * room.f_frsize < 2 * SHARED_MEMORY_BYTES:
        reserve.free()
    return reserve.spent_on(lambda: Catalogue(path))
