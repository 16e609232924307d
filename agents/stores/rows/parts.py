"""The files that one CSV of call-detail records consists of, in one directory.

The *live* file is the one the recorder appends to. Its *rotated parts* are named after it:
`Master.csv` has `Master.csv.1`, `Master.csv-20261101`, and those of our own making. A part that
was compressed, or that is no regular file, cannot be read here, and is said to be there.
"""

import os
import re
from collections.abc import Iterator
from stat import S_ISREG
from typing import NamedTuple

from agents.stores.files.trouble import sentence_of

COPY = b".retention-copy-"
"""Begins the name of a copy that is being made: what a crash leaves of it is removed."""

OWN = b".retained-"
"""Stands between the live file's name and a number in the names of parts that we made."""

_COMPRESSED = (b".gz", b".bz2", b".xz", b".zst", b".lz4", b".zip")
_SECRET = re.compile(rb"\.(?:tmp|swp|lock)$|~$")


class File(NamedTuple):
    """A file of rows: as a listing saw it."""

    name: bytes
    inode: int
    size: int
    mtime_ns: int
    links: int


class Parts(NamedTuple):
    """What of a CSV there is in a directory; `shut` are those that cannot be read, each with why."""

    files: list[File]
    shut: list[tuple[bytes, str]]


def parts_in(fd: int, live: bytes) -> Parts:
    """Look at a directory. `OSError` when it cannot be listed."""
    parts = Parts([], [])
    for name in sorted(_names(fd, live)):
        try:
            state = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            continue
        except OSError as error:
            parts.shut.append((name, sentence_of(error)))
            continue
        if not S_ISREG(state.st_mode):
            parts.shut.append((name, "What is named like a part of this file is no regular file."))
        elif name.endswith(_COMPRESSED):
            parts.shut.append(
                (name, "A part was compressed: its rows can be neither seen nor erased.")
            )
        else:
            parts.files.append(
                File(name, state.st_ino, state.st_size, state.st_mtime_ns, state.st_nlink)
            )
    return parts


def copies_in(fd: int) -> list[bytes]:
    """What an interrupted erasure left: copies that stand for nothing. A directory is somebody's."""
    with os.scandir(fd) as entries:
        return [
            os.fsencode(e.name)
            for e in entries
            if e.name.startswith(COPY.decode()) and not e.is_dir(follow_symlinks=False)
        ]


def fresh_names(fd: int, live: bytes) -> Iterator[bytes]:
    """Names for new parts, in ascending order, that nothing has now."""
    own = live + OWN
    with os.scandir(fd) as entries:
        taken = [
            os.fsencode(e.name).removeprefix(own)
            for e in entries
            if os.fsencode(e.name).startswith(own)
        ]
    number = max((int(t) for t in taken if t.isdigit()), default=0)
    while True:
        number += 1
        yield own + b"%06d" % number


def _names(fd: int, live: bytes) -> Iterator[bytes]:
    with os.scandir(fd) as entries:
        for entry in entries:
            name = os.fsencode(entry.name)
            if name == live or (
                name.startswith((live + b".", live + b"-")) and not _SECRET.search(name)
            ):
                yield name
