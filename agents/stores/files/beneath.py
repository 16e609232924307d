"""Opening directories below a root, and nowhere else (I9).

Each component is opened from the descriptor of the one before it, so nobody can turn a path that
was checked into another one. A link is never followed, and what was reached must lie on the
root's device and mount at this very moment.
"""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from agents.stores.files.kernel import mount_of
from retention.errors import MalformedError

_READ = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PASS = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NOT_COMPONENTS = frozenset({b"", b".", b".."})


class ForeignError(OSError):
    """A directory below the root lies on another file system, or is shown there by a mount."""


def must_be_component(name: bytes) -> None:
    """Raise `MalformedError` unless this is one component of a path."""
    if b"/" in name or b"\0" in name or name in _NOT_COMPONENTS:
        raise MalformedError("A name in the catalogue is not a name a file can have.")


def components(directory: bytes) -> list[bytes]:
    """Split a relative directory; the root, `b""`, has none. `MalformedError` if it is no path."""
    parts = directory.split(b"/") if directory else []
    for part in parts:
        must_be_component(part)
    return parts


def others_write(fd: int) -> bool:
    """Whether anyone but root and this process can change what is in a directory.

    Its owner can, whatever its mode says now. The group's bit also stands for what an access
    control list allows to anyone named in it (acl(5), the mask).
    """
    state = os.fstat(fd)
    return state.st_uid not in (0, os.geteuid()) or bool(state.st_mode & 0o022)


class Root:
    """The open root of a tree. `OSError` when it cannot be opened; the last component is no link.

    `hidden` is a directory below it, as components, that is not there for whoever opens by path.
    """

    def __init__(self, path: bytes, hidden: Sequence[bytes] = ()) -> None:
        self.path = path
        self._hidden = list(hidden)
        self.fd = os.open(path, _READ)
        state = os.fstat(self.fd)
        self._device = state.st_dev
        self._inode = state.st_ino
        self._mount = mount_of(self.fd)

    def is_at_its_path(self) -> bool:
        """Whether the path still leads here: false after an unmount, a mount, or a replacement."""
        try:
            state = os.lstat(self.path)
        except OSError:
            return False
        return (state.st_dev, state.st_ino) == (self._device, self._inode)

    @contextmanager
    def open(self, directory: bytes) -> Iterator[int]:
        """Open a directory for reading; the descriptor is closed in the end.

        `FileNotFoundError` when it is not there, `ForeignError` when it lies on another file
        system, `NotADirectoryError` or another `OSError` when a link or a file stands in the way.
        """
        fd = self.descend(directory)
        try:
            yield fd
        finally:
            os.close(fd)

    def descend(self, directory: bytes) -> int:
        """Open as `open` does, and leave the closing to the caller."""
        parts = components(directory)
        if self._hidden and parts[: len(self._hidden)] == self._hidden:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        *passed, last = parts or [b"."]
        here = self.fd
        try:
            for part in passed:
                below = os.open(part, _PASS, dir_fd=here)
                self._leave(here)
                here = below
            fd = os.open(last, _READ, dir_fd=here)
        finally:
            self._leave(here)
        try:
            self.must_have(fd)
        except OSError:
            os.close(fd)
            raise
        return fd

    def must_have(self, fd: int) -> None:
        """Raise `ForeignError` unless the open file lies on the root's device and mount.

        To look at the last directory of a path is enough: a mount that was entered is never left
        again on the way down.
        """
        if os.fstat(fd).st_dev != self._device or mount_of(fd) != self._mount:
            raise ForeignError("It lies on another file system.")

    def close(self) -> None:
        """Let the file system be unmounted."""
        os.close(self.fd)

    def _leave(self, fd: int) -> None:
        if fd != self.fd:
            os.close(fd)
