"""Which file system a path lies on (proc(5), mountinfo), and whether others change it unseen."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from agents.stores.files.kernel import mount_of

PROC = Path("/proc")
NFS = frozenset({"nfs", "nfs4"})
#: What other machines change on these makes no events here: the scan alone finds it.
SHARED = NFS | {"cifs", "smb3", "9p", "ceph", "glusterfs", "fuse.sshfs", "fuse.glusterfs"}


class Mount(NamedTuple):
    """A line of mountinfo."""

    number: int
    point: bytes
    kind: str
    read_only: bool


def read_mounts(text: bytes) -> Iterator[Mount]:
    """Read the mounts of this process; blanks in a path are written as octal escapes."""
    for line in text.splitlines():
        left, _, right = line.partition(b" - ")
        number, _, _, _, point, options, *_ = left.split(b" ")
        kind, _, super_options, *_ = right.split(b" ")
        read_only = b"ro" in options.split(b",") or b"ro" in super_options.split(b",")
        yield Mount(int(number), _unescaped(point), kind.decode(), read_only)


def is_shared(path: str, proc: Path = PROC) -> bool:
    """Whether a directory lies on a share, where no event tells of what others do; False if unknown."""
    try:
        fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False  # whoever uses it will say so
    try:
        number = mount_of(fd)
    finally:
        os.close(fd)
    mounts = read_mounts((proc / "self/mountinfo").read_bytes())
    return any(mount.number == number and mount.kind in SHARED for mount in mounts)


def _unescaped(point: bytes) -> bytes:
    return re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal[1], 8)]), point)
