"""Disks that are full, read-only, failing or not there, and crashes at every step of an erasure."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pytest
from stores.child import ENVIRONMENT, HERE
from stores.erase_all import plan
from stores.place import STORE, TreePlace, wanted

from agents.stores import Wanted
from agents.stores.files.private import enrol
from agents.stores.tree.tree import Tree
from retention.errors import StoreUnreachableError, UnreadableError
from retention.outcome import Outcome

PROGRAM = HERE / "erase_all.py"


def never(path: bytes, why: str) -> None:
    pytest.fail(f"{path!r} could not be read: {why}")


@pytest.fixture
def place(tree: TreePlace) -> TreePlace:
    return tree


def enrolled(root: Path) -> Tree:
    enrol(os.fsencode(root), STORE)
    return Tree(os.fsencode(root), STORE, epoch=1)


# Real file systems in a file


def batch_of(store: Tree, directory: bytes) -> dict[bytes, list[Wanted]]:
    found = sorted(store.listing(directory, never))
    return {directory: [wanted(number, one) for number, one in enumerate(found)]}


def fill(point: Path) -> None:
    """Leave not one block free."""
    with (point / "filler").open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with suppress(OSError):
                while True:
                    file.write(b"x" * size)
    assert os.statvfs(point).f_bavail == 0


@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_a_full_disk_does_not_stop_deletion(disk: Callable[[str], Path], mode: int):
    point = disk("full")
    (point / "d").mkdir()
    (point / "d").chmod(mode)
    for number in range(50):
        (point / "d" / f"{number}").write_bytes(b"x" * 5000)
    store = enrolled(point)
    batch = batch_of(store, b"d")
    fill(point)
    results = store.erase(batch)
    assert {r.outcome for r in results} == {Outcome.ERASED_VERIFIED}
    assert list((point / "d").iterdir()) == []
    store.close()


def test_a_full_disk_does_not_stop_protection(disk: Callable[[str], Path]):
    """The names of many held files need blocks of their own: the reserve is given up for them."""
    point = disk("full")
    (point / "d").mkdir()
    for number in range(600):
        (point / "d" / f"{number}").touch()
    store = enrolled(point)
    store.erase({})
    batch = batch_of(store, b"d")
    fill(point)
    assert len(store.protect(batch)) == 600
    assert not (point / ".retention/reserve").exists()
    (point / "filler").unlink()
    store.erase({})
    assert (point / ".retention/reserve").exists()
    store.close()


@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_a_read_only_disk_blocks_every_file_and_says_so(
    disk: Callable[[str], Path], mount: Callable[..., None], mode: int
):
    point = disk("read-only")
    (point / "d").mkdir()
    (point / "d").chmod(mode)
    (point / "d/a").write_text("data")
    store = enrolled(point)
    batch = batch_of(store, b"d")
    subprocess.run(["mount", "-o", "remount,ro", point], check=True)
    [result] = store.erase(batch)
    assert (result.outcome, result.detail) == (
        Outcome.BLOCKED,
        "The file system is mounted read-only.",
    )
    assert (point / "d/a").read_text() == "data"
    assert store.protect(batch) == set()
    store.close()


@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_an_immutable_file_is_blocked_and_the_next_is_erased(
    disk: Callable[[str], Path], need: Callable[[str], str], mode: int
):
    point, chattr = disk("immutable"), need("chattr")
    (point / "d").mkdir()
    (point / "d").chmod(mode)
    for name in "abc":
        (point / "d" / name).write_text("data")
    subprocess.run([chattr, "+i", point / "d/b"], check=True)
    store = enrolled(point)
    results = store.erase(batch_of(store, b"d"))
    assert [r.outcome for r in results] == [
        Outcome.ERASED_VERIFIED,
        Outcome.BLOCKED,
        Outcome.ERASED_VERIFIED,
    ]
    assert [path.name for path in (point / "d").iterdir()] == ["b"]
    store.close()


@pytest.mark.parametrize("kind", ["bind", "disk"])
def test_what_is_mounted_inside_is_neither_walked_nor_touched(
    place: TreePlace, disk: Callable[[str], Path], mount: Callable[..., None], kind: str
):
    """A bind mount has the root's own device, and even shows the very files that are due."""
    place.put(b"d", b"a", b"data")
    due = wanted(1, place.store.find(b"d", b"a"))
    place.put(b"e", b"x", b"")
    if kind == "bind":
        mount("--bind", place.path / "d", place.path / "e")
    else:
        point = disk("other")
        (point / "a").write_text("data")
        mount("--bind", point, place.path / "e")
    assert list(place.store.directories(never)) == [b"", b"d"]
    [result] = place.store.erase({b"e": [due]})
    assert (result.outcome, result.detail) == (
        Outcome.BLOCKED,
        "It lies on another file system.",
    )
    assert (place.path / "e/a").read_text() == "data"
    assert place.store.protect({b"e": [due]}) == set()
    with pytest.raises(UnreadableError):
        place.store.find(b"e", b"a")
    unread: dict[bytes, str] = {}
    assert list(place.store.listing(b"e", unread.__setitem__)) == []
    assert list(unread) == [b"e"]
    subprocess.run(["umount", place.path / "e"], check=True)


def test_a_file_something_is_mounted_on_is_blocked(place: TreePlace, mount: Callable[..., None]):
    place.put(b"d", b"a", b"data")
    due = wanted(1, place.store.find(b"d", b"a"))
    (place.path.parent / "over").write_text("another")
    mount("--bind", place.path.parent / "over", place.path / "d/a")
    [result] = place.store.erase({b"d": [due]})
    assert result.outcome is Outcome.REFUSED_CHANGED  # what is seen there is another file
    subprocess.run(["umount", place.path / "d/a"], check=True)
    assert place.get(b"d", b"a") == b"data"


def test_a_lost_mount_is_unreachable_and_what_lies_below_it_is_safe(disk: Callable[[str], Path]):
    point = disk("lost")
    (point / "d").mkdir()
    (point / "d/a").write_text("data")
    store = enrolled(point)
    batch = batch_of(store, b"d")
    subprocess.run(["umount", "--lazy", point], check=True)
    (point / "d").mkdir()
    (point / "d/a").write_text("below")
    for act in (lambda: store.erase(batch), store.check, lambda: store.find(b"d", b"a")):
        with pytest.raises(StoreUnreachableError):
            act()
    assert (point / "d/a").read_text() == "below"


def test_a_closed_store_lets_its_disk_be_unmounted_and_comes_back(
    disk: Callable[[str], Path], mount: Callable[..., None], tmp_path: Path
):
    point = disk("removed")
    (point / "a").write_text("data")
    store = enrolled(point)
    store.check()
    store.close()
    subprocess.run(["umount", point], check=True)
    with pytest.raises(StoreUnreachableError):
        store.check()
    mount("-o", "loop", tmp_path / "removed.img", point)
    assert store.find(b"", b"a") is not None
    store.close()


# System calls that fail, lie, or are the last


Run = Callable[..., list[Any]]


@pytest.fixture
def run(need: Callable[[str], str], tmp_path: Path) -> Run:
    """Run erase_all.py with faults injected by strace; give its results, none if it was killed."""
    strace = need("strace")
    file = tmp_path / "plan"

    def _run(root: Path, verb: str, *injections: str, only: Path | None = None) -> list[Any]:
        faults = [option for fault in injections for option in ("-e", f"inject={fault}")]
        paths = ["-P", str(only)] if only else []
        traced = [strace, "-f", "-o", str(tmp_path / "trace"), *paths, *faults] if faults else []
        ran = subprocess.run(
            [*traced, sys.executable, PROGRAM, root, verb, file],
            env=ENVIRONMENT,
            check=False,
            capture_output=True,
        )
        assert ran.returncode in (0, -9), ran.stderr.decode()
        return msgspec.json.decode(ran.stdout) if ran.stdout else []

    return _run


def names(results: list[Any]) -> list[tuple[int, str]]:
    return [(number, outcome) for number, outcome, _ in results]


@pytest.fixture
def three(place: TreePlace, run: Run) -> TreePlace:
    """Three files that are due, in one directory, and the plan to erase them."""
    for name in (b"a", b"b", b"c"):
        place.put(b"d", name, name)
    run(place.path, "plan")
    return place


ERASED, FAILED = "erased_verified", "failed"


@pytest.mark.slow
def test_an_unlink_the_disk_refuses_is_that_files_failure(three: TreePlace, run: Run):
    results = run(three.path, "erase", "unlinkat:error=EIO:when=2")
    assert names(results) == [(1, ERASED), (2, FAILED), (3, ERASED)]
    assert results[1][2] == "The disk reported an error."
    assert names(run(three.path, "erase")) == [
        (1, "already_absent"),
        (2, ERASED),
        (3, "already_absent"),
    ]


@pytest.mark.slow
def test_an_unlink_that_lies_is_found_out(three: TreePlace, run: Run):
    """The call says it worked, and nothing happened."""
    results = run(three.path, "erase", "unlinkat:retval=0:when=2")
    assert names(results) == [(1, ERASED), (2, FAILED), (3, ERASED)]
    still = three.path / (".retention/quarantine/1.2" if three.shared else "d/b")
    assert still.read_bytes() == b"b"


@pytest.mark.slow
@pytest.mark.parametrize(("call", "at"), [("fsync", "d"), ("getdents64", "d")])
def test_what_cannot_be_shown_to_be_gone_and_durable_is_not_called_erased(
    three: TreePlace, run: Run, call: str, at: str
):
    results = run(three.path, "erase", f"{call}:error=EIO", only=three.path / at)
    assert names(results) == [(1, FAILED), (2, FAILED), (3, FAILED)]
    assert {name for _, _, name in results} == {"The disk reported an error."}


@pytest.mark.slow
def test_many_directories_are_flushed_at_once_and_a_failing_flush_is_told(
    place: TreePlace, run: Run
):
    for number in range(9):
        place.put(b"d%d" % number, b"a", b"data")
    run(place.path, "plan")
    assert {outcome for _, outcome in names(run(place.path, "erase", "syncfs:error=EIO"))} == {
        FAILED
    }


@pytest.mark.slow
def test_a_look_that_fails_is_a_failure_and_not_an_absence(three: TreePlace, run: Run):
    results = run(three.path, "erase", "newfstatat:error=EIO:when=2", only=three.path / "d")
    assert (2, ERASED) not in names(results)
    assert {outcome for _, outcome in names(results)} <= {ERASED, FAILED}
    assert FAILED in {outcome for _, outcome in names(results)}


@pytest.mark.slow
def test_a_stale_handle_of_a_share_is_a_failure_and_never_an_absence(three: TreePlace, run: Run):
    stale = "The server knows it no more by the handle it gave: it was replaced or exported anew."
    results = run(three.path, "erase", "unlinkat:error=ESTALE:when=2")
    assert names(results) == [(1, ERASED), (2, FAILED), (3, ERASED)]
    assert results[1][2] == stale
    [unread, _] = run(three.path, "look", "getdents64:error=ESTALE", only=three.path / "d")
    assert unread == {"d": stale}


def test_a_root_with_a_stale_handle_is_a_store_that_cannot_be_reached(
    three: TreePlace, monkeypatch: pytest.MonkeyPatch
):
    def stale(*_args: object, **_options: object) -> NoReturn:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    three.store.check()
    monkeypatch.setattr(os, "lstat", stale)
    monkeypatch.setattr("agents.stores.files.beneath.os.open", stale)
    for act in (three.store.check, lambda: three.store.find(b"d", b"a")):
        with pytest.raises(StoreUnreachableError):
            act()


@pytest.mark.slow
def test_a_directory_that_cannot_be_read_is_told_and_the_walk_goes_on(place: TreePlace, run: Run):
    place.put(b"d", b"a", b"data")
    place.put(b"e", b"a", b"data")
    [unread, files] = run(place.path, "look", "getdents64:error=EIO", only=place.path / "d")
    assert unread == {"d": "The disk reported an error."}
    assert files == ["e/a"]


@pytest.mark.slow
@pytest.mark.parametrize("call", ["unlinkat", "renameat", "fsync"])
def test_after_a_crash_at_any_step_each_intent_gets_one_outcome(
    three: TreePlace, run: Run, call: str
):
    """kill -9 before each call that changes something, until one run is not killed any more."""
    batch = plan(three.again())
    for when in range(1, 10):
        if run(three.path, "erase", f"{call}:signal=KILL:when={when}"):
            break
        recovered = {r.number: r.outcome for r in three.again().recover(batch)}
        there = {w.number for w in batch[b"d"] if three.get(b"d", w.name) is not None}
        assert set(recovered.values()) <= {Outcome.ERASED_VERIFIED}
        assert there == {1, 2, 3} - set(recovered)
        assert list((three.path / ".retention/quarantine").iterdir()) == []
        for wants in batch[b"d"]:
            if wants.number in recovered:
                three.put(b"d", wants.name, wants.name)
        run(three.path, "plan")
        batch = plan(three.again())
    else:
        pytest.fail("it never came to an end")
    assert (when > 1) == (call != "renameat" or three.shared)
