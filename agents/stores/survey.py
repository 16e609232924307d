"""What `doctor` asks of a tree before it is trusted with a promise.

Erasing by generation needs inodes that stay what they are while a file lives; holding by hard link
needs hard links. Local Linux file systems have both. Network and FAT file systems make inode
numbers up, and an overlay gives a file a new one when it is first written to.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from agents.stores.beneath import Root, others_write
from agents.stores.deleters import DELETERS, deleting
from agents.stores.kernel import mount_of
from agents.stores.mounts import NFS, PROC, Mount, read_mounts
from agents.stores.private import DEFAULT_NAME, Private, keys
from agents.stores.walking import regular_files, walk
from retention.errors import ConfigError, StoreUnreachableError

#: What a client of NFS leaves of a file that is removed while a program has it open.
LEFTOVER = b".nfs"
#: What recorders call a file that they still write.
UNFINISHED = (b".tmp", b".temp", b".part", b".partial")
STALE_SECONDS = 86_400
SUITABLE = frozenset({"ext4", "xfs", "btrfs"})
_CAP_FOWNER = 1 << 3


class Fact(NamedTuple):
    """One thing that was looked at. `fine` is false when a person should do something about it."""

    subject: str
    fine: bool
    sentence: str


def survey(
    path: bytes,
    store: str,
    *,
    private: bytes | None = None,
    suitable: frozenset[str] = SUITABLE,
    proc: Path = PROC,
    deleters: Mapping[str, tuple[Path, ...]] = DELETERS,
) -> list[Fact]:
    """Look at an enrolled tree without changing it. `ConfigError` if its root cannot be opened."""
    mounts = list(read_mounts((proc / "self/mountinfo").read_bytes()))
    try:
        root = Root(path)
    except OSError as error:
        raise ConfigError(f"The root cannot be opened as a directory: {error.strerror}.") from error
    try:
        return [
            *_file_system(root, mounts, suitable),
            *_share(root, private, mounts),
            *_mounts_below(path, mounts),
            *_private(root, private, store),
            *_writers(root, private),
            *_linking(proc),
            *_deleters(path, deleters),
            *_unfinished(root),
        ]
    finally:
        root.close()


def _file_system(root: Root, mounts: Sequence[Mount], suitable: frozenset[str]) -> Iterator[Fact]:
    number = mount_of(root.fd)
    mount = next((mount for mount in mounts if mount.number == number), None)
    if mount is None:
        yield Fact("file system", False, "The mount this root lies on cannot be found.")
        return
    if mount.kind in NFS:
        sentence = (
            f"It is {mount.kind}: no event tells of what others do there, so the scan alone finds it; "
            "its inodes are as stable as those of the server's own file system, which has to be "
            f"one of {', '.join(sorted(SUITABLE))}."
        )
        yield Fact("file system", True, sentence)
    elif mount.kind in suitable:
        yield Fact("file system", True, f"It is {mount.kind}.")
    else:
        known = ", ".join(sorted(suitable))
        sentence = f"It is {mount.kind}, whose inodes are not known to be stable; use {known}."
        yield Fact("file system", False, sentence)
    if mount.read_only:
        yield Fact("file system", False, "It is mounted read-only: nothing can be erased.")


def _share(root: Root, private: bytes | None, mounts: Sequence[Mount]) -> Iterator[Fact]:
    """What only a share of another machine has."""
    number = mount_of(root.fd)
    if not any(mount.number == number and mount.kind in NFS for mount in mounts):
        return
    left = sum(
        found.name.startswith(LEFTOVER)
        for directory in walk(lambda: root, _ignored)
        for found in regular_files(root, directory, _ignored)
    )
    if left:
        sentence = (
            f"Of {left} files that were removed while a program had them open the bytes are still "
            "there (.nfs*): they go when that program ends; if it has, remove them."
        )
        yield Fact("leftovers", False, sentence)
    where = root.path + b"/" + DEFAULT_NAME if private is None else private
    if os.geteuid() == 0 and os.path.lexists(where) and os.lstat(where).st_uid:
        sentence = (
            "The server makes another user of root (root_squash): run the agent as the user whose "
            "recordings these are, or have the share exported to this machine without it."
        )
        yield Fact("root", False, sentence)


def _ignored(_path: bytes, _why: str) -> None:
    """A scan tells what cannot be read."""


def _mounts_below(path: bytes, mounts: Sequence[Mount]) -> Iterator[Fact]:
    """A tree is never left, so what is mounted inside belongs to no store until it is one itself."""
    here = os.path.realpath(path)
    for mount in mounts:
        if _inside(mount.point, here):
            where = os.fsdecode(mount.point)
            sentence = f"{where} is mounted inside and is not scanned: enrol it as its own store."
            yield Fact("mounts inside", False, sentence)


def overlaps(path: bytes, other_roots: Iterable[bytes]) -> Iterator[Fact]:
    """Roots of other stores that lie in this one or around it: each would erase by its own dates."""
    here = os.path.realpath(path)
    for other in map(os.path.realpath, other_roots):
        if here == other or _inside(here, other) or _inside(other, here):
            sentence = f"It and the root {os.fsdecode(other)} contain each other's files: move one."
            yield Fact("other roots", False, sentence)


def _private(root: Root, path: bytes | None, store: str) -> Iterator[Fact]:
    try:
        private = Private(root, path, store, epoch=0)
    except StoreUnreachableError as error:
        yield Fact("private directory", False, str(error))
        return
    try:
        left = sum(1 for _ in keys(private.aside))
    finally:
        private.close()
    if left:
        sentence = f"In its quarantine lies ({left}) what an interrupted or failed erasure left."
        yield Fact("private directory", False, sentence)
    else:
        yield Fact("private directory", True, "It is the agent's own, and its quarantine is empty.")


def _writers(root: Root, private: bytes | None) -> Iterator[Fact]:
    if not others_write(root.fd):
        yield Fact("writers", True, "Only root and the agent can write in the root itself.")
    elif private is None:
        sentence = (
            "Others can write in the root, so they can move the private directory away, which "
            "makes the store unreachable: put it elsewhere on the same file system."
        )
        yield Fact("writers", False, sentence)
    else:
        yield Fact("writers", True, "Others can write in the root: files are erased by quarantine.")


def _linking(proc: Path) -> Iterator[Fact]:
    """Look at the right that a private name for somebody else's file takes (proc(5), sysctl)."""
    status = (proc / "self/status").read_text()
    capabilities = int(status.partition("CapEff:")[2].split(maxsplit=1)[0], 16)
    guarded = (proc / "sys/fs/protected_hardlinks").read_text().strip() != "0"
    if guarded and not capabilities & _CAP_FOWNER:
        sentence = (
            "Without CAP_FOWNER the agent can protect only those held files that it owns or may "
            "write: give it the capability, or let it run as the recorder's user."
        )
        yield Fact("hard links", False, sentence)
    else:
        yield Fact("hard links", True, "The agent can give a held file a private name.")


def _deleters(path: bytes, places: Mapping[str, tuple[Path, ...]]) -> Iterator[Fact]:
    found = list(deleting(path, places))
    yield from (Fact("other deleters", False, sentence) for sentence in found)
    if not found:
        sentence = f"Nothing of {', '.join(places) or 'nobody'} is seen to delete here."
        yield Fact("other deleters", True, sentence)


def _unfinished(root: Root) -> Iterator[Fact]:
    """Files that a recorder began and left: no scan takes them for recordings, so nobody erases them."""
    before = time.clock_gettime(time.CLOCK_REALTIME) - STALE_SECONDS
    left = 0
    for directory in walk(lambda: root, _ignored):
        for found in regular_files(root, directory, _ignored):
            if found.name.endswith(UNFINISHED) and found.generation.mtime_ns < before * 1e9:
                left += 1
    if left:
        sentence = (
            f"{left} files are called {', '.join(map(os.fsdecode, UNFINISHED))} and were not written "
            "to for a day: a recorder left them, they may show people, and no scan takes them for "
            "recordings; finish or remove them."
        )
        yield Fact("unfinished files", False, sentence)


def _inside(path: bytes, root: bytes) -> bool:
    return path.startswith(root.rstrip(b"/") + b"/") and path != root
