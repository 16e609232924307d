"""Opening one regular file for reading, whatever else may have taken its name meanwhile."""

import errno
import os
from contextlib import suppress
from stat import S_ISREG
from types import TracebackType
from typing import Self

from agents.stores import Generation
from agents.stores.files.trouble import sentence_of
from retention.errors import GoneError, UnreadableError
from retention.probes import Finding

# No waiting for the other end of a pipe; no link followed.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NOT_A_FILE = frozenset({errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EISDIR})


class NothingOpen:
    """What is opened for reading and has nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Nothing was open."""


class OpenFile:
    """A regular file, open for reading: an `Opened`."""

    stated: tuple[Finding, ...] = ()
    existed = None
    content = b""
    unfinished = False
    __slots__ = ("_fd", "generation", "size")

    def __init__(self, fd: int, state: os.stat_result) -> None:
        self._fd = fd
        self.generation = Generation(state.st_ino, state.st_size, state.st_mtime_ns)
        self.size = state.st_size

    def read(self, offset: int, length: int) -> bytes:
        """Read a range; fewer bytes only where the file ends. `UnreadableError` if it cannot."""
        parts = []
        try:
            while length > 0 and (part := os.pread(self._fd, length, offset)):
                parts.append(part)
                offset += len(part)
                length -= len(part)
        except OSError as error:
            raise UnreadableError(sentence_of(error)) from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        os.close(self._fd)


def open_file(name: bytes, directory_fd: int) -> OpenFile:
    """Open it. `GoneError` when the name leads to no regular file, `UnreadableError` otherwise.

    It is looked at before it is opened, because to open a device can already do something.
    """
    try:
        _must_be_regular(os.stat(name, dir_fd=directory_fd, follow_symlinks=False))
        fd = _without_new_atime(name, directory_fd)
    except OSError as error:
        kind = GoneError if error.errno in _NOT_A_FILE else UnreadableError
        raise kind(sentence_of(error)) from error
    try:
        state = os.fstat(fd)
        _must_be_regular(state)
        return OpenFile(fd, state)
    except BaseException:
        os.close(fd)
        raise


def _without_new_atime(name: bytes, directory_fd: int) -> int:
    with suppress(PermissionError):  # only the file's owner and root may leave the atime alone
        return os.open(name, _READ | os.O_NOATIME, dir_fd=directory_fd)
    return os.open(name, _READ, dir_fd=directory_fd)


def _must_be_regular(state: os.stat_result) -> None:
    if not S_ISREG(state.st_mode):
        raise GoneError("It is not a regular file.")
