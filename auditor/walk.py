"""List a storage without changing it, without following a link, and without leaving it.

Directories are opened one component at a time from the root's descriptor, so a name that is
swapped for a link while the auditor walks leads nowhere. Nothing is opened for writing (I9), and
memory grows with the directories that wait, never with the files.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

from auditor.storage import Unread, What
from retention.errors import GoneError, StoreUnreachableError, UnreadableError
from retention.fingerprint import fingerprint
from retention.probes import NamePattern, Probed, probe

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_GONE = frozenset({errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.ENXIO})


class Listed(NamedTuple):
    """A name that is no directory: where it is, and the open directory to open it from."""

    directory: bytes
    name: bytes
    descriptor: int

    @property
    def path(self) -> bytes:
        """Below the root, '/' between the parts."""
        return self.directory + b"/" + self.name if self.directory else self.name

    @property
    def label(self) -> bytes:
        """A file is told by its path."""
        return self.path

    @property
    def what(self) -> What:
        """All that is in a tree may be a recording."""
        return What.RECORDING

    def open(self) -> "OpenFile":
        """See `auditor.storage.Listed`."""
        return OpenFile(self)


class OpenFile:
    """A regular file, open for reading: a `ByteSource`, and a `Content`."""

    existed = None  # its mtime is the recorder's to set

    def __init__(self, listed: Listed) -> None:
        """Open it. `GoneError` if no regular file is there, `UnreadableError` if it stays shut."""
        self._fd = _open_file(listed)
        found = os.fstat(self._fd)
        if not stat.S_ISREG(found.st_mode):
            os.close(self._fd)
            raise GoneError("it is no regular file")
        self.size = found.st_size
        self._mtime_ns = found.st_mtime_ns

    def probed(self, name: bytes, patterns: Sequence[NamePattern]) -> Probed:
        """What its bytes, its name and its mtime say."""
        return probe(self, name=name, mtime_ns=self._mtime_ns, patterns=patterns)

    def fingerprint(self) -> bytes:
        """Of its bytes."""
        return fingerprint(self)

    def read(self, offset: int, length: int) -> bytes:
        """The bytes [offset, offset + length), fewer at the end; `UnreadableError` if not."""
        try:
            return os.pread(self._fd, length, offset)
        except OSError as error:
            raise UnreadableError(error.strerror or str(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def walk(root: str, unread: Unread) -> Iterator[Listed]:
    """Yield all that is below `root` and is no directory; the order of files is the storage's own.

    Other file systems mounted below are told to `unread`: they are not this storage.
    `StoreUnreachableError` if the root cannot be opened.
    """
    try:
        top = os.open(root, _DIRECTORY)
    except OSError as error:
        raise StoreUnreachableError(f"cannot open {root}: {error.strerror}") from error
    try:
        device = os.fstat(top).st_dev
        waiting = [b""]
        while waiting:
            directory = waiting.pop()
            yield from _listing(top, device, directory, waiting, unread)
    finally:
        os.close(top)


def _listing(
    top: int, device: int, directory: bytes, waiting: list[bytes], unread: Unread
) -> Iterator[Listed]:
    """Yield the files of one directory, and let its directories wait."""
    below: list[bytes] = []
    try:
        descriptor = _descend(top, directory)
    except OSError as error:
        if error.errno not in _GONE:
            unread(directory, error.strerror or str(error))
        return
    try:
        if os.fstat(descriptor).st_dev != device:
            unread(directory, "another file system is mounted there")
            return
        with os.scandir(descriptor) as entries:
            for entry in entries:
                listed = Listed(directory, os.fsencode(entry.name), descriptor)
                if entry.is_dir(follow_symlinks=False):
                    below.append(listed.path)
                else:
                    yield listed
    except OSError as error:
        unread(directory, error.strerror or str(error))
    finally:
        os.close(descriptor)
    waiting += sorted(below, reverse=True)


def _descend(top: int, directory: bytes) -> int:
    """Open a directory below the root, each component from the one before."""
    descriptor = os.dup(top)
    for component in directory.split(b"/") if directory else ():
        try:
            deeper = os.open(component, _DIRECTORY, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = deeper
    return descriptor


def _open_file(listed: Listed) -> int:
    try:
        return _without_trace(listed.name, listed.descriptor)
    except OSError as error:
        if error.errno in _GONE:
            raise GoneError(error.strerror) from error
        raise UnreadableError(error.strerror) from error


def _without_trace(name: bytes, descriptor: int) -> int:
    """Open without setting the time of last access, where we may."""
    try:
        return os.open(name, _FILE | os.O_NOATIME, dir_fd=descriptor)
    except PermissionError:
        return os.open(name, _FILE, dir_fd=descriptor)
