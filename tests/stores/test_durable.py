"""What only a power cut would show: whatever is told as done was flushed before, and in order."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from stores.place import STORE, CsvPlace, Place, TreePlace, look, quarantine, want, wanted

from agents.stores.files import private
from agents.stores.rows import filtering
from agents.stores.tree import erasing, keeping
from retention.errors import ConfigError, UnreadableError
from retention.outcome import Outcome


class Disk:
    """What is flushed and renamed below a directory, in order; flushing `broken` fails, but for the first times."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.broken: str | None = None
        self.spared = 0
        self._fsync = os.fsync

    def fsync(self, fd: int) -> None:
        name = str(Path(f"/proc/self/fd/{fd}").readlink()).rpartition("/root/")[2]
        self.told.append(f"flush {name}")
        self.fail(name)
        self._fsync(fd)

    def syncfs(self, fd: int) -> None:
        self.told.append("flush all")
        self.fail("all")

    def noting(self, rename: Callable[..., None]) -> Callable[..., None]:
        def noted(*args: object, **options: object) -> None:
            self.told.append("rename")
            rename(*args, **options)

        return noted

    def fail(self, name: str) -> None:
        if name == self.broken:
            self.spared -= 1
        if name == self.broken and self.spared < 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(os, "fsync", disk.fsync)
    monkeypatch.setattr(os, "rename", disk.noting(os.rename))
    for module in (private, erasing, keeping):
        monkeypatch.setattr(module, "sync_file_system", disk.syncfs)
    unless_taken = disk.noting(filtering.rename_unless_taken)
    monkeypatch.setattr(filtering, "rename_unless_taken", unless_taken)
    return disk


@pytest.fixture
def rows(tmp_path: Path):
    place = CsvPlace(tmp_path / "place" / "root", rotated=True)
    yield place
    place.close()


@pytest.mark.parametrize("broken", ["held", "quarantine"])
def test_what_may_come_back_in_the_private_directory_was_not_erased(
    shared_tree: TreePlace, disk: Disk, broken: str
):
    for name in (b"a", b"b"):
        shared_tree.put(b"d", name, b"data")
    due, changed = want(shared_tree, 1, b"d", b"a"), want(shared_tree, 2, b"d", b"b")
    assert shared_tree.store.protect({b"d": [due]}) == {1}
    shared_tree.put(b"d", b"b", b"a new recording")
    disk.broken = f".retention/{broken}"
    results = shared_tree.store.erase({b"d": [due, changed]})
    expected = [(Outcome.FAILED, False), (Outcome.REFUSED_CHANGED, True)]
    assert [(each.outcome, each.settled) for each in results] == expected
    assert quarantine(shared_tree) == set()


def test_what_recovery_erased_is_flushed_with_all_the_rest(shared_tree: TreePlace, disk: Disk):
    shared_tree.put(b"d", b"a", b"data")
    due = want(shared_tree, 1, b"d", b"a")
    shared_tree.remove(b"d", b"a")
    disk.broken = "all"
    [result] = shared_tree.store.recover({b"d": [due]})
    assert (result.outcome, result.settled) == (Outcome.FAILED, False)


def test_what_may_lose_its_private_name_is_not_protected(keeper: Place, disk: Disk):
    keeper.put(b"d", b"a", b"evidence")
    disk.broken = ".retention/held"
    held = wanted(7, look(keeper, b"d", b"a"))
    assert keeper.store.protect({b"d": [held]}) == set()


def test_a_copy_of_a_row_is_on_the_disk_before_it_has_its_name(rows: CsvPlace, disk: Disk):
    rows.put(b"d", b"a", b"evidence")
    held = wanted(7, look(rows, b"d", b"a"))
    disk.broken = ".retention/held/begun"
    assert rows.store.protect({b"d": [held]}) == set()
    disk.broken = None
    disk.told.clear()
    assert rows.store.protect({b"d": [held]}) == {7}
    assert disk.told == ["flush .retention/held/begun", "rename", "flush .retention/held"]


def test_what_may_be_lost_again_was_not_given_back(keeper: Place, disk: Disk):
    keeper.put(b"d", b"a", b"evidence")
    held = wanted(7, look(keeper, b"d", b"a"))
    keeper.store.protect({b"d": [held]})
    keeper.remove(b"d", b"a")
    disk.broken = "d"
    assert not keeper.store.restore(7, b"d", held.name)


def test_a_private_name_that_was_given_up_does_not_come_back(keeper: Place, disk: Disk):
    """The bytes would outlive their erasure."""
    keeper.put(b"d", b"a", b"data")
    keeper.store.protect({b"d": [wanted(7, look(keeper, b"d", b"a"))]})
    disk.told.clear()
    keeper.store.unprotect([7])
    assert set(disk.told) == {"flush .retention/held"}


def test_what_an_old_epoch_kept_is_not_taken_over_without_a_flush(keeper: Place, disk: Disk):
    disk.broken = ".retention/held" if isinstance(keeper, CsvPlace) else "all"
    with pytest.raises(UnreadableError):
        keeper.again(epoch=2).reclaim()


def test_the_copy_of_a_row_that_may_come_back_was_not_erased(rows: CsvPlace, disk: Disk):
    rows.put(b"d", b"a", b"data")
    due = wanted(1, look(rows, b"d", b"a"))
    assert rows.store.protect({b"d": [due]}) == {1}
    disk.broken = ".retention/held"
    [result] = rows.store.erase({b"d": [due]})
    assert result.outcome is Outcome.FAILED
    assert look(rows, b"d", b"a") is not None


def test_what_stays_of_a_part_is_on_the_disk_before_the_part_goes(
    rows: CsvPlace, disk: Disk, monkeypatch: pytest.MonkeyPatch
):
    """Two copies: the second has its name for good before the first takes the part's."""
    monkeypatch.setattr(filtering, "PART_BYTES", 1)
    for name in (b"a", b"b", b"c"):
        rows.put(b"d", name, b"data")
    [result] = rows.store.erase({b"d": [wanted(1, look(rows, b"d", b"a"))]})
    assert result.outcome is Outcome.ERASED_VERIFIED
    copies = [f"flush d/{filtering.COPY.decode()}{number}" for number in (0, 1)]
    assert disk.told == [*copies, "rename", "flush d", "rename", "flush d"]


@pytest.mark.parametrize("stays", [True, False])
def test_a_row_whose_part_may_come_back_was_not_erased(rows: CsvPlace, disk: Disk, stays: bool):
    rows.put(b"d", b"a", b"data")
    if stays:
        rows.put(b"d", b"b", b"data")
    due = wanted(1, look(rows, b"d", b"a"))
    disk.broken, disk.spared = "d", 1
    [result] = rows.store.erase({b"d": [due]})
    assert (result.outcome, result.settled) == (Outcome.FAILED, False)
    assert look(rows, b"d", b"a") is None


def test_a_live_file_is_renamed_for_good_before_anything_is_taken_out(tmp_path: Path, disk: Disk):
    place = CsvPlace(tmp_path / "live" / "root")
    for name in (b"a", b"b"):
        place.put(b"d", name, b"data")
    due = wanted(1, look(place, b"d", b"a"))
    disk.broken = "d"
    disk.told.clear()
    [result] = place.store.erase({b"d": [due]})
    assert (result.outcome, disk.told) == (Outcome.FAILED, ["rename", "flush d"])
    place.close()


def test_who_a_store_is_is_on_the_disk_before_it_is_enrolled(tmp_path: Path, disk: Disk):
    root = tmp_path / "root"
    root.mkdir()
    disk.broken = ".retention/store.new"
    with pytest.raises(ConfigError):
        private.enrol(os.fsencode(root), STORE)
    disk.broken = "all"
    with pytest.raises(ConfigError):
        private.enrol(os.fsencode(root), STORE)
    assert disk.told == [
        "flush .retention/store.new",
        "flush .retention/store.new",
        "rename",
        "flush all",
    ]


def test_a_canary_is_on_the_disk_with_all_its_directories(shared_tree: TreePlace, disk: Disk):
    shared_tree.store.plant(b"canary/front", b"a", b"data")
    root = str(shared_tree.path)
    assert disk.told == [
        f"flush {root}",
        "flush canary",
        "flush canary/front/a",
        "flush canary/front",
    ]


def test_the_room_of_the_reserve_is_free_when_it_is_used(
    shared_tree: TreePlace, disk: Disk, monkeypatch: pytest.MonkeyPatch
):
    shared_tree.put(b"d", b"a", b"evidence")
    held = want(shared_tree, 7, b"d", b"a")
    shared_tree.store.erase({})
    disk.told.clear()
    link, full = os.link, [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))]

    def linked(*names: bytes, **options: int) -> None:
        if full:
            raise full.pop()
        link(*names, **options)

    monkeypatch.setattr(os, "link", linked)
    assert shared_tree.store.protect({b"d": [held]}) == {7}
    assert disk.told == ["flush .retention", "flush .retention/held"]
