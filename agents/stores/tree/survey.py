"""What `doctor` asks of a tree before it is trusted with a promise.

Erasing by generation needs inodes that stay what they are while a file lives; holding by hard link
needs hard links. Local Linux file systems have both. Network and FAT file systems make inode
numbers up, and an overlay gives a file a new one when it is first written to.
"""

import errno
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from agents.stores.files.beneath import Root, others_write
from agents.stores.files.deleters import DELETERS, deleting
from agents.stores.files.kernel import mount_of
from agents.stores.files.mounts import NFS, PROC, Mount, read_mounts
from agents.stores.files.private import DEFAULT_NAME, Private, keys
from agents.stores.files.room import room
from agents.stores.files.walking import regular_files, walk
from agents.stores.tree.marking import ATTRIBUTE
from retention.checkup import Fact, amiss, fine, unknown
from retention.errors import ConfigError, StoreUnreachableError

#: What a client of NFS leaves of a file that is removed while a program has it open.
LEFTOVER = b".nfs"
#: What recorders call a file that they still write.
UNFINISHED = (b".tmp", b".temp", b".part", b".partial")
STALE_SECONDS = 86_400
SUITABLE = frozenset({"ext4", "xfs", "btrfs"})
#: Where a recorder has less than this, it begins to delete by itself, or stops.
LEAST_ROOM = 16 << 20
_CAP_FOWNER = 1 << 3


class _Lying(NamedTuple):
    """What was counted on one walk through a tree."""

    directories: int
    leftovers: int
    unfinished: int


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
        raise ConfigError(
            f"{os.fsdecode(path)} cannot be opened as a directory: {error.strerror}."
        ) from error
    try:
        lying = _walked(root)
        return [
            *_file_system(root, mounts, suitable),
            *_room(root),
            *_watches(root, mounts, lying.directories, proc),
            *_share(root, private, mounts, lying.leftovers),
            *_mounts_below(path, mounts),
            *_private(root, private, store),
            *_writers(root, private),
            *_linking(proc),
            *_marking(root),
            *_deleters(path, deleters),
            *_unfinished(lying.unfinished),
        ]
    finally:
        root.close()


def _walked(root: Root) -> _Lying:
    """What is to be counted, on one walk. A scan tells what cannot be read."""
    before = (time.clock_gettime(time.CLOCK_REALTIME) - STALE_SECONDS) * 1e9
    directories = leftovers = unfinished = 0
    for directory in walk(lambda: root, _ignored):
        directories += 1
        for found in regular_files(root, directory, _ignored):
            leftovers += found.name.startswith(LEFTOVER)
            stale = found.generation.mtime_ns < before
            unfinished += stale and found.name.endswith(UNFINISHED)
    return _Lying(directories, leftovers, unfinished)


def _ignored(_path: bytes, _why: str) -> None:
    """A scan tells what cannot be read."""


def _file_system(root: Root, mounts: Sequence[Mount], suitable: frozenset[str]) -> Iterator[Fact]:
    mount = _mount(root, mounts)
    if mount is None:
        yield unknown(
            "file system",
            "The mount this root lies on cannot be found.",
            why="So nobody knows whether a file there stays the same one while it lives.",
            remedy="Look at /proc/self/mountinfo, and at what hides it from the agent.",
        )
        return
    if mount.kind in NFS:
        yield fine(
            "file system",
            f"It is {mount.kind}: no event tells of what others do there, so the scan alone finds it; "
            "its inodes are as stable as those of the server's own file system, which has to be "
            f"one of {', '.join(sorted(SUITABLE))}.",
        )
    elif mount.kind in suitable:
        yield fine("file system", f"It is {mount.kind}.")
    else:
        yield amiss(
            "file system",
            f"It is {mount.kind}, whose inodes are not known to be stable.",
            why="A file could be taken for another one, so the agent erases nothing that it doubts.",
            remedy=f"Let the recorder write to one of {', '.join(sorted(suitable))}.",
        )
    if mount.read_only:
        yield amiss(
            "file system",
            "It is mounted read-only.",
            why="Nothing can be erased, and every limit will pass.",
            remedy="Look why in the kernel's log (a failing disk?), and mount it for writing.",
        )


def _mount(root: Root, mounts: Sequence[Mount]) -> Mount | None:
    number = mount_of(root.fd)
    return next((mount for mount in mounts if mount.number == number), None)


def _room(root: Root) -> Iterator[Fact]:
    why = "A recorder that finds no room stops, or deletes by itself, also what is held."
    yield from room(Path(os.fsdecode(root.path)), "room", least=LEAST_ROOM, why=why)


def _watches(root: Root, mounts: Sequence[Mount], directories: int, proc: Path) -> Iterator[Fact]:
    """Each directory takes one of the user's inotify watches (inotify(7)); a share has none."""
    mount = _mount(root, mounts)
    limit = proc / "sys/fs/inotify/max_user_watches"
    if (mount is not None and mount.kind in NFS) or not limit.exists():
        return
    most = int(limit.read_text())
    if directories > most // 2:
        yield amiss(
            "watches",
            f"There are {directories} directories, and the kernel lets a user watch {most}.",
            why="Past that the agent's service does not start; and recorders make new directories.",
            remedy=f"Set fs.inotify.max_user_watches = {8 * directories} in /etc/sysctl.d.",
        )
    else:
        yield fine(
            "watches", f"There are {directories} directories, of {most} that can be watched."
        )


def _share(
    root: Root, private: bytes | None, mounts: Sequence[Mount], leftovers: int
) -> Iterator[Fact]:
    """What only a share of another machine has."""
    mount = _mount(root, mounts)
    if mount is None or mount.kind not in NFS:
        return
    if leftovers:
        yield amiss(
            "leftovers",
            f"Of {leftovers} files that were removed while a program had them open the bytes are "
            "still there (.nfs*).",
            why="What was erased can still be read.",
            remedy="They go when that program ends; if it has, remove them.",
        )
    where = root.path + b"/" + DEFAULT_NAME if private is None else private
    if os.geteuid() == 0 and os.path.lexists(where) and os.lstat(where).st_uid:
        yield amiss(
            "root",
            "The server makes another user of root (root_squash).",
            why="The private directory is nobody's, so the store counts as unreachable.",
            remedy="Run the agent as the user whose recordings these are, or have the share exported "
            "to this machine without it.",
        )


def _mounts_below(path: bytes, mounts: Sequence[Mount]) -> Iterator[Fact]:
    """A tree is never left, so what is mounted inside belongs to no store until it is one itself."""
    here = os.path.realpath(path)
    for mount in mounts:
        if _inside(mount.point, here):
            yield amiss(
                "mounts inside",
                f"{os.fsdecode(mount.point)} is mounted inside and is not scanned.",
                why="What lies there is in no books, and is never erased.",
                remedy="Enrol it as a store of its own.",
            )


def overlaps(path: bytes, other_roots: Iterable[bytes]) -> Iterator[Fact]:
    """Roots of other stores that lie in this one or around it: each would erase by its own dates."""
    here = os.path.realpath(path)
    for other in map(os.path.realpath, other_roots):
        if here == other or _inside(here, other) or _inside(other, here):
            yield amiss(
                "other roots",
                f"{os.fsdecode(here)} and the root {os.fsdecode(other)} of another agent contain "
                "each other's files.",
                why="Each would erase by its own dates what the other one holds.",
                remedy="Move one of them, or leave both to one agent.",
            )


def _private(root: Root, path: bytes | None, store: str) -> Iterator[Fact]:
    try:
        private = Private(root, path, store, epoch=0)
    except StoreUnreachableError as error:
        yield amiss(
            "private directory",
            str(error),
            why="While that is so the store counts as unreachable: nothing is erased or called gone.",
            remedy="Mount what is missing, or give it back to the agent's user, mode 0700; where it "
            "was lost, enrol the agent again.",
        )
        return
    try:
        left = sum(1 for _ in keys(private.aside))
    finally:
        private.close()
    if left:
        yield amiss(
            "private directory",
            f"In its quarantine lies ({left}) what an interrupted or failed erasure left.",
            why="These recordings are out of sight and not erased.",
            remedy="Start the agent, which settles it, and look again; if it stays, its log says why.",
        )
    else:
        yield fine("private directory", "It is the agent's own, and its quarantine is empty.")


def _writers(root: Root, private: bytes | None) -> Iterator[Fact]:
    if not others_write(root.fd):
        yield fine("writers", "Only root and the agent can write in the root itself.")
    elif private is None:
        yield amiss(
            "writers",
            "Others can write in the root itself.",
            why="They can move the private directory away, which makes the store unreachable.",
            remedy="Make the root root's own, with the recorder writing in directories below it; or "
            "set `private` to a place elsewhere on the same file system.",
        )
    else:
        yield fine("writers", "Others can write in the root: files are erased by quarantine.")


def _linking(proc: Path) -> Iterator[Fact]:
    """Look at the right that a private name for somebody else's file takes (proc(5), sysctl)."""
    status = (proc / "self/status").read_text()
    capabilities = int(status.partition("CapEff:")[2].split(maxsplit=1)[0], 16)
    guarded = (proc / "sys/fs/protected_hardlinks").read_text().strip() != "0"
    if guarded and not capabilities & _CAP_FOWNER:
        yield amiss(
            "hard links",
            "Without CAP_FOWNER the agent can protect only files that it owns or may write.",
            why="A held recording that the recorder or a cron job deletes is lost.",
            remedy="Give it the capability, as the services do, or run it as the recorder's user.",
        )
    else:
        yield fine("hard links", "The agent can give a held file a private name.")


def _marking(root: Root) -> Iterator[Fact]:
    try:
        os.listxattr(root.fd)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        sentence = f"A file beside a recording marks it; there is no attribute {ATTRIBUTE} here."
        yield fine("incident marks", sentence)
    else:
        yield fine("incident marks", f"{ATTRIBUTE} of a recording marks it, or a file beside it.")


def _deleters(path: bytes, places: Mapping[str, tuple[Path, ...]]) -> Iterator[Fact]:
    found = list(deleting(path, places))
    yield from found
    if not found:
        sentence = f"Nothing of {', '.join(places) or 'nobody'} is seen to delete here."
        yield fine("other deleters", sentence)


def _unfinished(left: int) -> Iterator[Fact]:
    """Files that a recorder began and left: no scan takes them for recordings, so nobody erases them."""
    if left:
        yield amiss(
            "unfinished files",
            f"{left} files are called {', '.join(map(os.fsdecode, UNFINISHED))} and were not written "
            "to for a day.",
            why="A recorder left them; they may show people, and no scan takes them for recordings.",
            remedy="Finish or remove them.",
        )


def _inside(path: bytes, root: bytes) -> bool:
    return path.startswith(root.rstrip(b"/") + b"/") and path != root
