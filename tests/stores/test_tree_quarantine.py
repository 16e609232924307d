"""Where others may write, a file is taken aside before it goes, and comes back if it was not due."""

import errno
import os
from pathlib import Path

import pytest
from stores.place import TreePlace, begin, quarantine, want

from agents.stores import Erased
from agents.stores.files.beneath import others_write
from agents.stores.tree.erasing import Erasure
from retention.outcome import Outcome


@pytest.fixture
def shared(shared_tree: TreePlace) -> TreePlace:
    return shared_tree


def test_where_others_write_is_seen_from_the_directory_itself(tmp_path: Path):
    def verdict(mode: int) -> bool:
        tmp_path.chmod(mode)
        fd = os.open(tmp_path, os.O_RDONLY)
        try:
            return others_write(fd)
        finally:
            os.close(fd)

    modes = (0o700, 0o755, 0o775, 0o757, 0o1777)
    assert [verdict(mode) for mode in modes] == [False, False, True, True, True]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives directories away")
def test_the_owner_of_a_directory_can_always_write_in_it(tmp_path: Path):
    tmp_path.chmod(0o555)
    os.chown(tmp_path, 65534, 65534)
    fd = os.open(tmp_path, os.O_RDONLY)
    assert others_write(fd)
    os.close(fd)


def test_what_was_taken_aside_before_a_crash_is_erased_by_recovery(shared: TreePlace):
    shared.put(b"d", b"a", b"data")
    due = want(shared, 1, b"d", b"a")
    begin(shared, due, "d")
    assert shared.again().recover({b"d": [due]}) == [Erased(1, Outcome.ERASED_VERIFIED, "")]
    assert quarantine(shared) == set()


def test_what_was_taken_aside_is_erased_by_the_next_sweep_too(shared: TreePlace):
    shared.put(b"d", b"a", b"data")
    due = want(shared, 1, b"d", b"a")
    begin(shared, due, "d")
    (shared.path / "d").rmdir()
    assert shared.again().erase({b"d": [due]}) == [Erased(1, Outcome.ERASED_VERIFIED, "")]
    assert quarantine(shared) == set()


@pytest.mark.parametrize(
    ("taken", "returned"),
    [
        ([], "d/a"),
        (["d/a"], "d/returned-1-1"),
        (["d/a", "d/returned-1-1"], "returned-1-1"),
        (["no directory"], "returned-1-1"),
    ],
)
def test_what_was_taken_aside_wrongly_is_put_back_over_nothing(
    shared: TreePlace, taken: list[str], returned: str
):
    shared.put(b"d", b"a", b"due")
    due = want(shared, 1, b"d", b"a")
    shared.put(b"d", b"a", b"a new recording")
    begin(shared, due, "d")
    if taken == ["no directory"]:
        (shared.path / "d").rmdir()
    else:
        for path in taken:
            (shared.path / path).write_text("somebody else's")
    [result] = shared.again().recover({b"d": [due]})
    assert result.outcome is Outcome.REFUSED_CHANGED
    assert (shared.path / returned).read_text() == "a new recording"
    assert {(shared.path / p).read_text() for p in taken if p[0] == "d"} <= {"somebody else's"}
    assert quarantine(shared) == set()


def test_what_cannot_be_put_back_into_a_directory_just_removed_goes_to_the_root(
    shared: TreePlace,
):
    shared.put(b"d", b"a", b"due")
    due = want(shared, 1, b"d", b"a")
    shared.put(b"d", b"a", b"a new recording")
    begin(shared, due, "d")
    fd = os.open(shared.path / "d", os.O_RDONLY)
    (shared.path / "d").rmdir()
    assert Erasure(*shared.store._way.enter())._finish(fd, due).outcome is Outcome.REFUSED_CHANGED
    os.close(fd)
    assert shared.get(b"", b"returned-1-1") == b"a new recording"


def test_what_cannot_be_put_back_stays_aside_and_is_told(shared: TreePlace):
    shared.put(b"d", b"a", b"due")
    due = want(shared, 1, b"d", b"a")
    shared.put(b"d", b"a", b"a new recording")
    aside = begin(shared, due, "d")
    taken = ["d/a", "d/returned-1-1", "returned-1-1"]
    for path in taken:
        (shared.path / path).write_text("taken")
    [result] = shared.again().recover({b"d": [due]})
    assert result.outcome is Outcome.FAILED
    assert aside.read_text() == "a new recording"
    (shared.path / "d/a").unlink()
    [result] = shared.again().erase({b"d": [due]})
    assert result.outcome is Outcome.REFUSED_CHANGED
    assert shared.get(b"d", b"a") == b"a new recording"


def test_a_hard_link_found_in_quarantine_puts_the_file_back(shared: TreePlace):
    shared.put(b"d", b"a", b"data")
    due = want(shared, 1, b"d", b"a")
    aside = begin(shared, due, "d")
    (shared.path / "copy").hardlink_to(aside)
    [result] = shared.again().recover({b"d": [due]})
    assert result.outcome is Outcome.BLOCKED
    assert shared.get(b"d", b"a") == b"data"


def test_where_the_disk_is_full_between_the_two_steps_the_second_is_done_with_the_reserve(
    shared: TreePlace, monkeypatch: pytest.MonkeyPatch
):
    shared.put(b"d", b"a", b"data")
    due = want(shared, 1, b"d", b"a")
    shared.store.erase({})
    unlink, full = os.unlink, [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))]

    def unlinked(name: bytes, **options: int) -> None:
        if name == b"1.1" and full:
            raise full.pop()
        unlink(name, **options)

    monkeypatch.setattr(os, "unlink", unlinked)
    assert shared.store.erase({b"d": [due]}) == [Erased(1, Outcome.ERASED_VERIFIED, "")]
    assert (quarantine(shared), full) == (set(), [])


def test_of_what_a_power_cut_left_held_and_aside_both_names_go(shared: TreePlace):
    shared.put(b"d", b"a", b"data")
    due = want(shared, 1, b"d", b"a")
    shared.store.protect({b"d": [due]})
    begin(shared, due, "d")
    again = shared.again()
    assert again.recover({b"d": [due]}) == [Erased(1, Outcome.ERASED_VERIFIED, "")]
    assert (quarantine(shared), list(again.protected())) == (set(), [])


def test_a_link_to_the_file_that_was_taken_aside_in_its_place_is_not_the_file(shared: TreePlace):
    shared.put(b"d", b"a", b"data")
    due = want(shared, 1, b"d", b"a")
    moved = shared.path / "moved"
    (shared.path / "d/a").rename(moved)
    (shared.path / "d/a").symlink_to(moved)
    begin(shared, due, "d")
    [result] = shared.again().recover({b"d": [due]})
    assert result.outcome is Outcome.REFUSED_CHANGED
    assert ((shared.path / "d/a").readlink(), moved.read_bytes()) == (moved, b"data")


def test_a_new_epoch_gives_back_what_lies_aside_unknown(shared: TreePlace):
    shared.put(b"d", b"a", b"data")
    begin(shared, want(shared, 1, b"d", b"a"), "d")
    shared.again(epoch=2).reclaim()
    assert shared.get(b"", b"returned-1-1") == b"data"
    assert quarantine(shared) == set()
