"""Incident markers that the locker's software leaves at a recording itself (docs/markers.md)."""

import errno
import os
from collections.abc import Sequence
from itertools import islice

from agents.stores import SIDECAR, Mark

ATTRIBUTE = "user.incident"
LISTED_BESIDES = 4096
"""Entries of a directory that are listed besides 16 per file asked about: where there are more, each is looked up."""

_NO_ATTRIBUTES = frozenset({errno.ENOENT, errno.ENOTSUP, errno.ENODATA})
_SUFFIX = os.fsdecode(SIDECAR)


def marks_in(fd: int, names: Sequence[bytes]) -> dict[bytes, Mark]:
    """Which of these files in an open directory have a sidecar, or else the attribute.

    No file is opened, and no link at its name followed.
    """
    marks: dict[bytes, Mark] = {
        name: "attribute" for name in names if _has_attribute(b"/proc/self/fd/%d/%b" % (fd, name))
    }
    for name in _with_sidecar(fd, names):
        marks[name] = "sidecar"
    return marks


def _has_attribute(path: bytes) -> bool:
    """Look at the list of attributes, which, unlike a look for one, fails for hardly any file."""
    try:
        return ATTRIBUTE in os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_ATTRIBUTES:
            return False
        raise


def _with_sidecar(fd: int, names: Sequence[bytes]) -> list[bytes]:
    """One listing answers for many names; in a directory much larger, each is looked up."""
    most = 16 * len(names) + LISTED_BESIDES
    with os.scandir(fd) as entries:
        listed = islice((entry.name for entry in entries), most)
        sidecars = {os.fsencode(name) for name in listed if name.endswith(_SUFFIX)}
        if next(entries, None) is None:
            return [name for name in names if name + SIDECAR in sidecars]
    return [name for name in names if _is_there(fd, name + SIDECAR)]


def _is_there(fd: int, name: bytes) -> bool:
    return os.access(name, os.F_OK, dir_fd=fd, follow_symlinks=False)
