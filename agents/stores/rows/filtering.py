"""Taking rows out of CSV files: what stays is copied, what goes is in no copy.

Life of a row that is due:

1. Where it is in the live file, that is renamed away: it becomes a rotated part, and the recorder,
   who opens the file anew for every record, makes a new one. The live file is never rewritten.
2. A part is rewritten only when nobody has it open for writing, which the kernel knows (a read
   lease, fcntl(2)): a recorder that had opened it before the renaming has written its record then.
3. The rows that stay are copied, byte by byte and in their order, beside it: into several parts if
   it is large, so that the next batch need not copy all of it again. Each copy is flushed.
4. The copies get their names, the first one the part's own, over it. Before that, all rows are in
   the old part; after it, all that stay are in the new ones; in between some are in both, which
   makes no difference, because two rows of the same content are one item.
5. Another reading of everything shows that the row is in none of the parts any more.

A crash leaves copies without a name, which stand for nothing and are removed (`clear`).
"""

import errno
import fcntl
import os
import signal
import time
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count

from agents.stores.files.kernel import rename_unless_taken
from agents.stores.files.opening import OpenFile, open_file
from agents.stores.rows.parts import COPY, copies_in, fresh_names
from agents.stores.rows.records import records
from agents.stores.rows.row import digest_of

PART_BYTES = 4 << 20
"""About as much is in one part: what is rewritten when one row of it goes."""

_TRIES, _PAUSE_SECONDS = 20, 0.05
_UNKNOWN = (
    "Whether a program still writes to this file cannot be known: let the agent run as the file's "
    "owner, or give it CAP_LEASE."
)
_NO_LEASE = frozenset({errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOLCK, errno.ENOTSUP})
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class BusyError(OSError):
    """A program has a part open for writing, or that cannot be known."""


def rotate(fd: int, live: bytes) -> bytes:
    """Rename the live file away; its new name. `FileNotFoundError` if there is none."""
    for name in fresh_names(fd, live):
        with suppress(FileExistsError):
            rename_unless_taken(fd, live, fd, name)
            os.fsync(fd)
            return name
    raise AssertionError("names do not end")


def clear(fd: int) -> None:
    """Remove what an interrupted `rewrite` left."""
    for name in copies_in(fd):
        os.unlink(name, dir_fd=fd)


def rewrite(
    fd: int,
    part: bytes,
    live: bytes,
    *,
    due: Container[bytes],
    heading: bytes,
    delimiter: str,
) -> None:
    """Leave out of a rotated part the rows whose digest is due. Durable when it returns.

    A part of which only its heading would stay (`heading` is that one's digest) is removed.
    `OSError` and `UnreadableError` when it cannot: then the part is as it was.
    """
    must_be_quiet(fd, part)
    with open_file(part, fd) as source:
        state = os.stat(part, dir_fd=fd, follow_symlinks=False)
        if (state.st_ino, state.st_size) != (source.generation.inode, source.size):
            raise BusyError(errno.EBUSY, "Another file took its place.")
        kept = (
            record.data
            for record in records(source, delimiter=delimiter)
            if digest_of(record.content) not in due
        )
        try:
            copies = [_write(fd, chunk, state) for chunk in _chunks(kept, heading)]
            _put_in_place(fd, part, live, copies)
            _rescue(fd, live, source, state)
        except BaseException:
            with suppress(OSError):
                clear(fd)
            raise


def must_be_quiet(fd: int, part: bytes) -> None:
    """`BusyError` unless nobody has this file open for writing.

    A read lease is granted only then. It is given back at once: by its new name nobody writes.
    """
    file = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=fd)
    try:
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)  # which, unlike SIGIO, ends nobody
        for _ in range(_TRIES):
            try:
                fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            except OSError as error:
                if error.errno in _NO_LEASE:
                    raise BusyError(error.errno, _UNKNOWN) from error
                time.sleep(_PAUSE_SECONDS)
            else:
                fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
                return
    finally:
        os.close(file)
    raise BusyError(errno.EBUSY, "A program has a part of this file open for writing.")


def _chunks(kept: Iterable[bytes], heading: bytes) -> Iterator[Iterator[bytes]]:
    """Rows for one part each; none at all where nothing stays but a heading."""
    rows = iter(kept)
    first = next(rows, None)
    second = None if first is None else next(rows, None)
    if first is None or (second is None and digest_of(first.rstrip(b"\r\n")) == heading):
        return
    waiting = [row for row in (second, first) if row is not None]

    def some() -> Iterator[bytes]:
        size = 0
        while size < PART_BYTES:
            row = waiting.pop() if waiting else next(rows, None)
            if row is None:
                return
            size += len(row)
            yield row

    while True:
        yield some()
        row = waiting.pop() if waiting else next(rows, None)
        if row is None:
            return
        waiting.append(row)


def _write(
    fd: int, rows: Iterable[bytes], like: os.stat_result, *, mode: int | None = None
) -> bytes:
    """Write a copy with the owner and, unless told otherwise, the mode of another; and flush it."""
    name, copy = _new_copy(fd)
    with open(copy, "wb") as file:  # noqa: PTH123 - a descriptor
        if (like.st_uid, like.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(file.fileno(), like.st_uid, like.st_gid)
        os.fchmod(file.fileno(), like.st_mode & 0o7777 if mode is None else mode)
        file.writelines(rows)
        file.flush()
        os.fsync(file.fileno())
    return name


def _new_copy(fd: int) -> tuple[bytes, int]:
    """Make a copy's file; its name, which nothing had, and its descriptor."""
    for number in count():
        name = COPY + b"%d" % number
        with suppress(FileExistsError):
            return name, os.open(name, _WRITE, 0o600, dir_fd=fd)
    raise AssertionError("numbers do not end")


def _put_in_place(fd: int, part: bytes, live: bytes, copies: Sequence[bytes]) -> None:
    """Give copies their names: all further ones, then the first one the part's own."""
    for copy in copies[1:]:
        _name_freshly(fd, copy, live)
    os.fsync(fd)
    if copies:
        os.rename(copies[0], part, src_dir_fd=fd, dst_dir_fd=fd)
    else:
        os.unlink(part, dir_fd=fd)
    os.fsync(fd)


def add_part(fd: int, live: bytes, content: bytes) -> None:
    """Write one row as a new rotated part. Durable when it returns; `OSError` when it cannot."""
    clear(fd)
    copy = _write(fd, [content, b"\n"], os.fstat(fd), mode=0o600)
    _name_freshly(fd, copy, live)
    os.fsync(fd)


def _name_freshly(fd: int, copy: bytes, live: bytes) -> None:
    for name in fresh_names(fd, live):
        with suppress(FileExistsError):
            rename_unless_taken(fd, copy, fd, name)
            return


def _rescue(fd: int, live: bytes, source: OpenFile, like: os.stat_result) -> None:
    """Keep what somebody wrote, against all custom, to a part while it was rewritten."""
    written = source.read(source.size, PART_BYTES)
    if written:
        _name_freshly(fd, _write(fd, [written], like), live)
        os.fsync(fd)
