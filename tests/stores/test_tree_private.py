"""The private directory: who a store is, and what happens when somebody meddles with it."""

import os
import shutil
import stat
from pathlib import Path

import pytest
from stores.place import STORE, TreePlace, want, wanted

from agents.stores.files.private import enrol
from agents.stores.tree.tree import Tree
from retention.errors import ConfigError, RefusedError, StoreUnreachableError
from retention.outcome import Outcome


@pytest.fixture
def place(tree: TreePlace) -> TreePlace:
    return tree


def test_enrolling_is_done_once_and_never_over_another_store(tmp_path: Path):
    root = os.fsencode(tmp_path)
    enrol(root, "one")
    enrol(root, "one")
    with pytest.raises(
        RefusedError, match=f"^{tmp_path} is already enrolled as another store: 'one'"
    ):
        enrol(root, "two")
    Tree(root, "one", epoch=1).check()


def test_enrolling_what_is_no_directory_is_the_users_mistake(tmp_path: Path):
    (tmp_path / "file").touch()
    for name in ("file", "none"):
        with pytest.raises(ConfigError):
            enrol(os.fsencode(tmp_path / name), STORE)
    with pytest.raises(ConfigError, match="cannot be made: No such file or directory"):
        enrol(os.fsencode(tmp_path), STORE, private=os.fsencode(tmp_path / "none/private"))


def test_a_root_that_was_never_enrolled_is_unreachable(tmp_path: Path):
    with pytest.raises(StoreUnreachableError, match="not be mounted"):
        Tree(os.fsencode(tmp_path), STORE, epoch=1).check()


def test_another_stores_disk_in_the_same_place_is_unreachable(place: TreePlace):
    with pytest.raises(StoreUnreachableError, match="another store: 't-0001'"):
        Tree(os.fsencode(place.path), "t-0002", epoch=1).check()


@pytest.mark.parametrize("what", ["moved", "identity", "held", "mode", "link"])
def test_a_private_directory_that_was_tampered_with_is_unreachable(place: TreePlace, what: str):
    place.put(b"", b"a", b"data")
    due = want(place, 1, b"", b"a")
    private = place.path / ".retention"
    if what == "moved":
        private.rename(place.path / "x")
        enrol(os.fsencode(place.path), STORE)
    elif what == "identity":
        (private / "store").unlink()
    elif what == "held":
        (private / "held").rmdir()
    elif what == "mode":
        private.chmod(0o770)
    elif what == "link":
        private.rename(place.path / "x")
        private.symlink_to("x")
    stores = [place.again()] if what == "held" else [place.store]
    if what != "moved":  # to an agent started anew, the new one looks like its own
        stores.append(place.again())
    for store in stores:
        with pytest.raises(StoreUnreachableError):
            store.erase({b"": [due]})
    assert place.get(b"", b"a") == b"data"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives directories away")
def test_a_private_directory_of_somebody_else_is_unreachable(place: TreePlace):
    os.chown(place.path / ".retention", 65534, 65534)
    with pytest.raises(StoreUnreachableError, match="belongs to user 65534"):
        place.store.check()


def test_the_private_directory_may_lie_elsewhere_on_the_file_system(tmp_path: Path):
    root, private = tmp_path / "root", tmp_path / "private"
    root.mkdir()
    root.chmod(0o777)
    enrol(os.fsencode(root), STORE, private=os.fsencode(private))
    (root / "a").write_text("data")
    store = Tree(os.fsencode(root), STORE, epoch=1, private=os.fsencode(private))
    [found] = store.listing(b"", lambda *_: None)
    assert store.protect({b"": [wanted(1, found)]}) == {1}
    assert [path.name for path in (private / "held").iterdir()] == ["1.1"]
    [result] = store.erase({b"": [wanted(1, found)]})
    assert result.outcome is Outcome.ERASED_VERIFIED
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert list(root.iterdir()) == []
    store.close()


def test_a_reserve_is_kept_and_made_again(place: TreePlace):
    reserve = place.path / ".retention/reserve"
    for _ in range(2):
        place.store.erase({})
        assert reserve.stat().st_blocks * 512 >= 1 << 20
        reserve.unlink()


def test_the_private_name_of_what_went_with_its_directory_is_erased(place: TreePlace):
    place.put(b"d", b"a", b"data")
    due = want(place, 1, b"d", b"a")
    place.store.protect({b"d": [due]})
    shutil.rmtree(place.path / "d")
    outcomes = [place.store.erase({b"d": [due]})[0].outcome for _ in range(2)]
    assert outcomes == [Outcome.ERASED_VERIFIED, Outcome.ALREADY_ABSENT]
    assert list(place.store.protected()) == []


@pytest.mark.parametrize("elsewhere", [True, False])
def test_what_only_its_private_name_kept_is_erased_whoever_has_its_name_now(
    place: TreePlace, elsewhere: bool
):
    """Where it has another name, only the private one goes."""
    place.put(b"d", b"a", b"data")
    due = want(place, 1, b"d", b"a")
    place.store.protect({b"d": [due]})
    (place.path / "d/a").rename(place.path / "moved")
    if not elsewhere:
        (place.path / "moved").unlink()
    place.put(b"d", b"a", b"a new recording")
    [result] = place.store.erase({b"d": [due]})
    assert result.outcome is (Outcome.REFUSED_CHANGED if elsewhere else Outcome.ERASED_VERIFIED)
    assert place.get(b"d", b"a") == b"a new recording"
    assert list(place.store.protected()) == []
