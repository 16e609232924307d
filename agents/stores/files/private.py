"""The agent's own directory in a store: who the store is, what is held, what is being erased.

    store        the store's id, written when it was enrolled
    held/        second names of held files, `<epoch>.<number>`: other deleters cannot reach them
    quarantine/  files taken aside on their way out, under the same kind of name
    reserve      room to give up when the disk is full

It belongs to the agent alone, mode 0700, and lies on the file system of the root, because neither
a link nor a rename can leave one. By default it is `.retention` in the root. Where others may
write in the root they can move it away: then the store is unreachable, and nothing is erased.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

from agents.stores import Batch, Wanted
from agents.stores.files.beneath import Root
from agents.stores.files.kernel import sync_file_system
from agents.stores.files.trouble import sentence_of
from retention.errors import ConfigError, RefusedError, StoreUnreachableError

DEFAULT_NAME = b".retention"
RESERVE_BYTES = 1 << 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_READ = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Keep = Callable[[Wanted], bool]
"""Gives one item a private name of its bytes; whether it has one. Raises `OSError`."""

_T = TypeVar("_T")


class Private:
    """The open private directory of an enrolled store."""

    def __init__(self, root: Root, path: bytes | None, store: str, epoch: int) -> None:
        """Open it and compare. `StoreUnreachableError` if it is not the enrolled store's own."""
        self.epoch = epoch
        self._path = path
        self._store = store
        self._fds: list[int] = []
        self._claimed = False
        try:
            self._enter(root)
        except OSError as error:
            self.close()
            raise _unreachable(error) from error
        except StoreUnreachableError:
            self.close()
            raise

    def _enter(self, root: Root) -> None:
        self.fd = self._open(*_place(root, self._path))
        self._inode = os.fstat(self.fd).st_ino
        root.must_have(self.fd)
        _must_be_ours(self.fd)
        _must_name(self.fd, self._store)
        self.held = self._open(b"held", self.fd)
        self.aside = self._open(b"quarantine", self.fd)
        self.kept = self.numbers(self.held)

    def claim(self) -> None:
        """See `Store.claim`. Where a file system knows no locks, nobody here tells two agents apart."""
        if self._claimed:
            return
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC  # a share locks only what may be written
        with suppress(OSError):
            fd = os.open(b"store", flags, dir_fd=self.fd)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                os.close(fd)
                raise StoreUnreachableError("Another agent is at work on this store.") from error
            except OSError:
                os.close(fd)
                raise
            self._fds.append(fd)
        self._claimed = True

    def check(self, root: Root) -> None:
        """Look again whether it is where it was, ours, and of the same store."""
        name, below = _place(root, self._path)
        try:
            state = os.stat(name, dir_fd=below, follow_symlinks=False)
            if state.st_ino != self._inode:
                raise FileNotFoundError
            _must_be_ours(self.fd)
            _must_name(self.fd, self._store)
        except OSError as error:
            raise _unreachable(error) from error

    def key(self, number: int) -> bytes:
        """Name an item in `held` and `quarantine`."""
        return key_of(self.epoch, number)

    def numbers(self, fd: int) -> set[int]:
        """Give the numbers of this epoch in `held` or `aside`."""
        return {number for epoch, number in keys(fd) if epoch == self.epoch}

    def drop(self, number: int) -> int:
        """Remove the private name of a held item. How many names its bytes had; 0: it had none."""
        if number not in self.kept:
            return 0
        key = self.key(number)
        links = os.stat(key, dir_fd=self.held, follow_symlinks=False).st_nlink
        os.unlink(key, dir_fd=self.held)
        self.kept.discard(number)
        return links

    def keep(self, root: Root, batch: Batch, enter: Callable[[bytes, int], Keep]) -> set[int]:
        """Give these items private names, directory by directory; the numbers of those that last.

        `enter` is told a directory and its descriptor, and says how one of its items is kept.
        """
        kept: set[int] = set()
        for directory, wanted in batch.items():
            with suppress(OSError), root.open(directory) as fd:
                keep = enter(directory, fd)
                kept.update(want.number for want in wanted if self._has_kept(keep, want))
        try:
            os.fsync(self.held)
        except OSError:
            return set()
        return kept

    def _has_kept(self, keep: Keep, want: Wanted) -> bool:
        try:
            return self.with_room(keep, want)
        except OSError:
            return False

    def give_up(self, numbers: Iterable[int]) -> None:
        """Remove the private names of items that nothing holds any more, as far as that can be done now."""
        for number in numbers:
            with suppress(OSError):
                self.drop(number)
        with suppress(OSError):
            os.fsync(self.held)

    def with_room(self, act: Callable[[Wanted], _T], want: Wanted) -> _T:
        """Act; where the disk is full, give up the reserve and act once more."""
        try:
            return act(want)
        except OSError as error:
            if error.errno not in _FULL or not self.give_up_reserve():
                raise
        return act(want)

    def give_up_reserve(self) -> bool:
        """Free the room kept for a full disk; False if it had been given up before."""
        try:
            os.unlink(b"reserve", dir_fd=self.fd)
        except FileNotFoundError:
            return False
        os.fsync(self.fd)
        return True

    def keep_reserve(self) -> None:
        """Allocate the reserve again, where it is missing and there is room."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            fd = os.open(b"reserve", flags, 0o600, dir_fd=self.fd)
        except OSError:  # it is there; or the disk is too full even for its name
            return
        try:
            os.posix_fallocate(fd, 0, RESERVE_BYTES)
        except OSError:
            os.unlink(b"reserve", dir_fd=self.fd)
        finally:
            os.close(fd)

    def close(self) -> None:
        """Let the file system be unmounted."""
        while self._fds:
            os.close(self._fds.pop())

    def _open(self, name: bytes, below: int | None) -> int:
        fd = os.open(name, _READ, dir_fd=below)
        self._fds.append(fd)
        return fd


def _must_be_ours(fd: int) -> None:
    """Whoever could write here could make us erase or keep what he likes."""
    state = os.fstat(fd)
    if state.st_uid != os.geteuid() or state.st_mode & 0o077:
        raise StoreUnreachableError(
            f"The private directory of this store belongs to user {state.st_uid} with mode "
            f"{stat.S_IMODE(state.st_mode):04o}; it must be the agent's own, with mode 0700."
        )


def _must_name(fd: int, store: str) -> None:
    found = read_identity(fd)
    if found != store:
        raise StoreUnreachableError(
            f"The disk that is mounted here is enrolled as another store: {found!r}."
        )


def _unreachable(error: OSError) -> StoreUnreachableError:
    if isinstance(error, FileNotFoundError):
        return StoreUnreachableError(
            "The private directory of this store is not there: its disk may not be mounted, "
            "or it was never enrolled."
        )
    return StoreUnreachableError(
        f"The private directory of this store cannot be used. {sentence_of(error)}"
    )


def hidden_in(root: bytes, private: bytes | None) -> list[bytes]:
    """Tell where below a root its private directory lies, as components; none if elsewhere."""
    if private is None:
        return [DEFAULT_NAME]
    inside, place = os.path.realpath(root) + b"/", os.path.realpath(private)
    return place.removeprefix(inside).split(b"/") if place.startswith(inside) else []


def _place(root: Root, path: bytes | None) -> tuple[bytes, int | None]:
    return (DEFAULT_NAME, root.fd) if path is None else (path, None)


def key_of(epoch: int, number: int) -> bytes:
    """Name an item in `held` and `quarantine`. Each epoch counts its items anew."""
    return b"%d.%d" % (epoch, number)


def returned_name(epoch: int, number: int) -> bytes:
    """Name what is given back to the tree and cannot have its own name."""
    return b"returned-%d-%d" % (epoch, number)


def keys(fd: int) -> Iterator[tuple[int, int]]:
    """Give (epoch, number) of every file in `held` or `quarantine`."""
    with os.scandir(fd) as entries:
        for entry in entries:
            epoch, dot, number = entry.name.partition(".")
            if dot and epoch.isdecimal() and number.isdecimal():
                yield int(epoch), int(number)


def read_identity(fd: int) -> str:
    """Read the id of the store whose private directory this is; `FileNotFoundError` if none."""
    file = os.open(b"store", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
    try:
        return os.read(file, 4096).decode("utf-8", "replace").rstrip("\n")
    finally:
        os.close(file)


def enrol(path: bytes, store: str, *, private: bytes | None = None) -> None:
    """Make the private directory of a new store; done twice, it changes nothing.

    `ConfigError` when the root cannot be used, `RefusedError` when it already is another store.
    """
    try:
        root = Root(path)
    except OSError as error:
        raise ConfigError(
            f"{os.fsdecode(path)} cannot be opened as a directory: {error.strerror}."
        ) from error
    try:
        _make(*_place(root, private), store)
        sync_file_system(root.fd)
        Private(root, private, store, 0).close()
    except OSError as error:
        raise ConfigError(f"The private directory cannot be made: {error.strerror}.") from error
    except RefusedError as error:
        raise RefusedError(f"{os.fsdecode(path)} {error}") from error
    except StoreUnreachableError as error:
        raise ConfigError(str(error)) from error
    finally:
        root.close()


def _make(name: bytes, below: int | None, store: str) -> None:
    fd = _made_directory(name, below)
    try:
        _must_be_ours(fd)
        _write_identity(fd, store)
        for part in (b"held", b"quarantine"):
            os.close(_made_directory(part, fd))
    finally:
        os.close(fd)


def _made_directory(name: bytes, below: int | None) -> int:
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=below)
    return os.open(name, _READ, dir_fd=below)


def _write_identity(fd: int, store: str) -> None:
    """Write who this store is, whole or not at all; who it already is stays."""
    try:
        found = read_identity(fd)
    except FileNotFoundError:
        pass
    else:
        if found != store:
            raise RefusedError(f"is already enrolled as another store: {found!r}.")
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(b"store.new", flags, 0o600, dir_fd=fd)
    try:
        os.write(file, store.encode() + b"\n")
        os.fsync(file)
    finally:
        os.close(file)
    os.rename(b"store.new", b"store", src_dir_fd=fd, dst_dir_fd=fd)
