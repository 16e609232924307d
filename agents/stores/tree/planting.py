"""Writing a canary below a root, and nowhere else (I9)."""

import os

from agents.stores.files.beneath import Root, components

_DIRECTORY_MODE, _FILE_MODE = 0o755, 0o644
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def plant(root: Root, directory: bytes, name: bytes, data: bytes) -> None:
    """Write a new file durably. `OSError` if anything stands in the way: nothing is replaced."""
    _make(root, components(directory))
    with root.open(directory) as fd:
        descriptor = os.open(name, _NEW, _FILE_MODE, dir_fd=fd)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.fsync(fd)


def _make(root: Root, parts: list[bytes]) -> None:
    """Make each directory that is missing, from the descriptor of the one before it."""
    for depth in range(len(parts)):
        with root.open(b"/".join(parts[:depth])) as fd:
            try:
                os.mkdir(parts[depth], _DIRECTORY_MODE, dir_fd=fd)
            except FileExistsError:
                continue
            os.fsync(fd)
