"""What only a tree of directories can show: links, pipes, mounts, quarantine, other owners."""

import ctypes
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from stores.hostile import LONGEST
from stores.place import STORE, TreePlace, quarantine, want, wanted
from waiting import NEVER_SECONDS

from agents.stores import Erased, Found, Generation, Wanted
from agents.stores.files.private import enrol
from agents.stores.files.walking import DEEPEST
from agents.stores.tree import erasing, marking
from agents.stores.tree.erasing import Erasure
from agents.stores.tree.tree import Tree
from retention.errors import (
    GoneError,
    StoreUnreachableError,
    UnreadableError,
)
from retention.outcome import Outcome


class Unread(dict[bytes, str]):
    """Remembers what could not be read."""

    def __call__(self, path: bytes, why: str) -> None:
        self[path] = why


@pytest.fixture
def place(tree: TreePlace) -> TreePlace:
    return tree


# What is not a file, or not ours


def test_only_regular_files_are_seen_and_only_real_directories_entered(place: TreePlace):
    outside = place.path.parent / "outside"
    outside.mkdir()
    (outside / "canary").write_text("alive")
    place.put(b"d", b"file", b"data")
    (place.path / "link-to-file").symlink_to(outside / "canary")
    (place.path / "link-to-directory").symlink_to(outside)
    os.mkfifo(place.path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place.path / "socket"))
        unread = Unread()
        directories = set(place.store.directories(unread))
        listed = {f.name for d in directories for f in place.store.listing(d, unread)}
        assert (directories, listed, unread) == ({b"", b"d"}, {b"file"}, {})
        for name in (b"link-to-file", b"link-to-directory", b"pipe", b"socket"):
            assert place.store.find(b"", name) is None
            with pytest.raises(GoneError):
                place.store.open(b"", name)


@pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
def test_what_took_a_files_place_is_refused_and_stays(place: TreePlace, kind: str):
    place.put(b"d", b"a", b"data")
    due = want(place, 1, b"d", b"a")
    file = place.path / "d/a"
    elsewhere = place.path.parent / "elsewhere"
    file.rename(elsewhere)
    if kind == "link":
        file.symlink_to(elsewhere)
    elif kind == "pipe":
        os.mkfifo(file)
    else:
        file.mkdir()
    [result] = place.store.erase({b"d": [due]})
    assert result.outcome is Outcome.REFUSED_CHANGED
    assert os.path.lexists(file)
    assert elsewhere.read_text() == "data"


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_is_no_regular_file_is_refused_even_if_the_catalogue_says_it_is_due(
    place: TreePlace, kind: str
):
    path = place.path / "a"
    path.symlink_to("nowhere") if kind == "link" else os.mkfifo(path)
    state = path.lstat()
    due = Wanted(1, b"a", Generation(state.st_ino, state.st_size, state.st_mtime_ns), 1)
    [result] = place.store.erase({b"": [due]})
    assert result.outcome is Outcome.REFUSED_CHANGED
    assert os.path.lexists(path)
    assert place.store.protect({b"": [due]}) == set()
    assert list(place.store.protected()) == []


def test_a_pipe_is_not_even_opened(place: TreePlace):
    """Opening something can already do something: here, let a waiting writer go on."""
    pipe = place.path / "pipe"
    os.mkfifo(pipe)
    with opened(pipe) as seen:
        with pytest.raises(GoneError):
            place.store.open(b"", b"pipe")
        assert not seen()
        os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
        assert seen(), "it would have been seen"


@contextmanager
def opened(path: Path) -> Iterator[Callable[[], bool]]:
    """Whether anybody opened it since this was last asked, by inotify(7)."""
    libc, of_opening = ctypes.CDLL(None), 0x20
    descriptor = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(descriptor, os.fsencode(path), of_opening) > 0

    def seen() -> bool:
        with suppress(BlockingIOError):
            return bool(os.read(descriptor, 4096))
        return False

    yield seen
    os.close(descriptor)


def test_a_pipe_that_took_a_files_place_in_the_last_moment_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    program = """
import os, stat, sys
from agents.stores.files import opening
opened = opening._without_new_atime(b"pipe", os.open(sys.argv[1], os.O_RDONLY))
print(stat.S_ISFIFO(os.fstat(opened).st_mode))
"""
    # Else it waits for ever: only then does the time count.
    told = subprocess.check_output([sys.executable, "-c", program, tmp_path], timeout=NEVER_SECONDS)
    assert b"True\n" == told


@pytest.mark.parametrize("depth", [1, 2])
def test_a_link_in_place_of_a_directory_is_not_followed(place: TreePlace, depth: int):
    """The file behind it is the very generation that is due, and still it is not touched."""
    place.put(b"d/e", b"a", b"data")
    due = want(place, 1, b"d/e", b"a")
    moved = place.path.parent / "moved"
    swapped = place.path / ("d" if depth == 1 else "d/e")
    swapped.rename(moved)
    swapped.symlink_to(moved)
    [result] = place.store.erase({b"d/e": [due]})
    assert result.outcome is Outcome.BLOCKED
    assert [path.read_text() for path in moved.rglob("a")] == ["data"]
    assert place.store.protect({b"d/e": [due]}) == set()
    assert not place.store.restore(1, b"d/e", b"a")
    with pytest.raises(UnreadableError):
        place.store.find(b"d/e", b"a")
    with pytest.raises(UnreadableError):
        place.store.open(b"d/e", b"a")
    unread = Unread()
    assert list(place.store.listing(b"d/e", unread)) == []
    assert list(unread) == [b"d/e"]


def test_a_root_that_is_a_link_is_not_entered(place: TreePlace):
    link = place.path.with_name("link")
    link.symlink_to(place.path)
    with pytest.raises(StoreUnreachableError):
        Tree(os.fsencode(link), STORE, epoch=1).check()


def test_the_private_directory_is_not_there_for_any_path(place: TreePlace):
    """Even a catalogue that names its files cannot have them erased."""
    place.put(b"", b"a", b"data")
    place.store.protect({b"": [want(place, 1, b"", b"a")]})
    assert list(place.store.directories(Unread())) == [b""]
    private = place.path / ".retention"
    for directory, name in [(b".retention", b"store"), (b".retention/held", b"1.1")]:
        state = (private.parent / os.fsdecode(directory) / os.fsdecode(name)).stat()
        due = Wanted(2, name, Generation(state.st_ino, state.st_size, state.st_mtime_ns), 9)
        [result] = place.store.erase({directory: [due]})
        assert result.outcome is Outcome.ALREADY_ABSENT
        assert place.store.protect({directory: [due]}) == set()
        assert place.store.find(directory, name) is None
        assert list(place.store.listing(directory, Unread())) == []
        with pytest.raises(GoneError):
            place.store.open(directory, name)
        assert not place.store.restore(1, directory, b"new")
    assert (private / "held/1.1").read_text() == "data"


def test_a_private_directory_deeper_in_the_tree_is_not_walked_either(tmp_path: Path):
    root, private = tmp_path / "root", tmp_path / "root/var/private"
    (root / "var").mkdir(parents=True)
    (tmp_path / "alias").symlink_to(root)
    for path in (private, tmp_path / "alias/var/private"):
        enrol(os.fsencode(root), STORE, private=os.fsencode(path))
        store = Tree(os.fsencode(root), STORE, epoch=1, private=os.fsencode(path))
        assert list(store.directories(Unread())) == [b"", b"var"]
        store.close()


# Hard links


def test_another_hard_link_blocks(place: TreePlace):
    place.put(b"d", b"a", b"data")
    due = want(place, 1, b"d", b"a")
    copy = place.path.parent / "copy"
    copy.hardlink_to(place.path / "d/a")
    [result] = place.store.erase({b"d": [due]})
    assert result == Erased(1, Outcome.BLOCKED, "Other hard links keep its bytes.")
    assert (place.get(b"d", b"a"), quarantine(place)) == (b"data", set())


@pytest.mark.parametrize("other", [b"d", b"e"])
def test_all_wanted_names_of_one_content_go(place: TreePlace, other: bytes):
    place.put(b"d", b"a", b"data")
    place.put(other, b"x", b"")
    (place.path / os.fsdecode(other) / "b").hardlink_to(place.path / "d/a")
    first, second = want(place, 1, b"d", b"a"), want(place, 2, other, b"b")
    assert (first.links, second.links) == (2, 2)
    batch = {b"d": [first, second]} if other == b"d" else {b"d": [first], other: [second]}
    results = place.store.erase(batch)
    assert [r.outcome for r in results] == [Outcome.ERASED_VERIFIED] * 2


def test_a_link_made_between_two_wanted_names_blocks_the_second(place: TreePlace):
    """Two names were counted when the batch was made; one is erased, and another one appears."""
    place.put(b"d", b"a", b"data")
    place.put(b"e", b"x", b"")
    (place.path / "e/b").hardlink_to(place.path / "d/a")
    first, second = want(place, 1, b"d", b"a"), want(place, 2, b"e", b"b")
    erasure = Erasure(*place.store._way.enter())
    assert erasure.erase({b"d": [first]}) == [Erased(1, Outcome.ERASED_VERIFIED, "")]
    (place.path.parent / "copy").hardlink_to(place.path / "e/b")
    [result] = erasure.erase({b"e": [second]})
    assert result.outcome is Outcome.BLOCKED


def test_both_private_names_of_two_held_names_go(place: TreePlace):
    place.put(b"d", b"a", b"data")
    (place.path / "d/b").hardlink_to(place.path / "d/a")
    wants = [want(place, 1, b"d", b"a"), want(place, 2, b"d", b"b")]
    assert place.store.protect({b"d": wants}) == {1, 2}
    place.store.unprotect([1, 2])
    results = place.store.erase({b"d": wants})
    assert [r.outcome for r in results] == [Outcome.ERASED_VERIFIED] * 2


def test_a_name_nobody_wanted_erased_is_noticed_by_the_listing(place: TreePlace):
    """Both names were wanted; one could not be erased. The other is not called erased."""
    place.put(b"d", b"a", b"data")
    (place.path / "d/b").hardlink_to(place.path / "d/a")
    [result] = place.store.erase({b"d": [want(place, 1, b"d", b"a")]})
    assert result.outcome is Outcome.FAILED
    assert (place.get(b"d", b"a"), place.get(b"d", b"b")) == (None, b"data")


# Many files, deep trees


def test_a_listing_reads_no_further_than_it_is_asked_to(place: TreePlace):
    for number in range(3):
        place.put(b"", b"%d" % number, b"")
    listing = place.store.listing(b"", Unread())
    assert isinstance(next(listing), Found)
    listing.close()


def test_a_tree_deeper_than_the_longest_path_is_walked_and_erased(place: TreePlace):
    levels = 20  # of 255 bytes: more than PATH_MAX, 4096 bytes
    part = b"x" * LONGEST
    fd = os.open(place.path, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(part, dir_fd=fd)
        below = os.open(part, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open(b"a", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)
    unread = Unread()
    deepest = list(place.store.directories(unread))[-1]
    assert deepest == b"/".join([part] * levels)
    [found] = place.store.listing(deepest, unread)
    [result] = place.store.erase({deepest: [wanted(1, found)]})
    assert result.outcome is Outcome.ERASED_VERIFIED
    assert unread == {}


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_tree_built_to_exhaust_the_agent_is_reported_and_left(place: TreePlace):
    before = open_descriptors()
    (place.path / "/".join(["d"] * (DEEPEST + 5))).mkdir(parents=True)
    unread = Unread()
    walked = list(place.store.directories(unread))
    assert len(walked) == DEEPEST + 1
    assert list(unread) == [b"/".join([b"d"] * (DEEPEST + 1))]
    place.store.close()
    assert open_descriptors() <= before


def test_a_walk_left_in_the_middle_leaves_nothing_open(place: TreePlace):
    place.put(b"d/e/f", b"a", b"")
    place.store.check()
    before = open_descriptors()
    walk = place.store.directories(Unread())
    for _ in range(3):
        next(walk)
    walk.close()
    assert open_descriptors() == before


# Reading


def test_reading_leaves_the_access_time_alone(place: TreePlace):
    place.put(b"", b"a", b"data")
    os.utime(place.path / "a", ns=(1, 1))
    with place.store.open(b"", b"a") as source:
        assert source.read(0, 4) == b"data"
    assert (place.path / "a").stat().st_atime_ns == 1


def test_an_open_file_stays_the_one_it_was(place: TreePlace):
    place.put(b"", b"a", b"before")
    with place.store.open(b"", b"a") as source:
        (place.path / "a").unlink()
        place.put(b"", b"a", b"afterwards")
        assert source.read(0, 100) == b"before"


# Markers


def test_an_extended_attribute_marks_a_file_and_not_what_a_link_leads_to(place: TreePlace):
    place.put(b"d", b"a", b"")
    place.put(b"d", b"b", b"")
    try:
        os.setxattr(place.path / "d/a", "user.incident", b"anything")
    except OSError as error:
        pytest.skip(f"no extended attributes here: {error.strerror}")
    (place.path / "d/link").symlink_to("a")
    assert place.store.marked(b"d", [b"a", b"b", b"link", b"gone"]) == {b"a": "attribute"}


def test_in_a_directory_much_larger_than_the_question_each_marker_is_looked_up(
    place: TreePlace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(marking, "LISTED_BESIDES", -32)
    for name in (b"a", b"b", b"b.incident"):
        place.put(b"", name, b"")
    assert place.store.marked(b"", [b"a", b"b"]) == {b"b": "sidecar"}


def test_whether_a_marker_stands_behind_a_link_cannot_be_known(place: TreePlace):
    place.put(b"d", b"a", b"")
    (place.path / "e").symlink_to("d")
    with pytest.raises(UnreadableError):
        place.store.marked(b"e", [b"a"])


# Looking afterwards


@pytest.mark.parametrize("besides", [0, 100])
def test_a_directory_much_larger_than_the_batch_is_not_listed_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, besides: int
):
    """A second name is only seen by a whole listing; the name itself always is."""
    monkeypatch.setattr(erasing, "LISTED_BESIDES", besides)
    (tmp_path / "a").write_text("data")
    state = (tmp_path / "a").stat()
    due = Wanted(1, b"a", Generation(state.st_ino, state.st_size, state.st_mtime_ns), 2)
    for number in range(50):
        (tmp_path / f"{number}").touch()
    fd = os.open(tmp_path, os.O_RDONLY)
    assert erasing._still_in(fd, [due]) == {1}
    (tmp_path / "a").rename(tmp_path.with_name("moved"))
    assert erasing._still_in(fd, [due]) == set()
    os.close(fd)


def test_an_inode_used_again_at_once_is_not_taken_for_the_old_file(tmp_path: Path):
    """A recorder that replaces a file may get the inode of the one just erased."""
    (tmp_path / "a").write_text("data")
    state = (tmp_path / "a").stat()
    same = Wanted(1, b"x", Generation(state.st_ino, state.st_size, state.st_mtime_ns), 1)
    other = Wanted(2, b"a", same.generation._replace(mtime_ns=state.st_mtime_ns - 1), 1)
    fd = os.open(tmp_path, os.O_RDONLY)
    assert erasing._still_in(fd, [same, other]) == {1}
    os.close(fd)
