"""What `doctor` is told of a tree."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from stores.place import STORE

from agents.stores.files.kernel import mount_of
from agents.stores.files.mounts import PROC, Mount, is_shared, read_mounts
from agents.stores.files.private import enrol
from agents.stores.files.room import LEAST_INODES, room
from agents.stores.tree.survey import SUITABLE, overlaps, survey
from retention.checkup import Fact
from retention.errors import ConfigError

MOUNTS = rb"""22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
31 22 0:27 / /mnt/two\040words rw,nosuid shared:5 master:1 - tmpfs tmpfs rw,size=1k
32 22 8:1 / /mnt/card ro,relatime - vfat /dev/sda1 rw
33 22 8:2 / /mnt/old rw - xfs /dev/sda2 ro
"""


def anything() -> frozenset[str]:
    """Whatever the machine's temporary directory lies on is good enough for the rest."""
    return SUITABLE | {mount.kind for mount in read_mounts((PROC / "self/mountinfo").read_bytes())}


def troubles(facts: list[Fact]) -> list[str]:
    """What is not fine; the right to link is the user's who runs the tests, and looked at below."""
    for fact in facts:
        assert fact.sentence.endswith(".")
        assert bool(fact.why and fact.remedy) == (fact.fine is not True), "what to do, and why"
    return [fact.subject for fact in facts if not fact.fine and fact.subject != "hard links"]


def the(subject: str, facts: list[Fact]) -> Fact:
    """The one fact about something."""
    (found,) = [fact for fact in facts if fact.subject == subject]
    return found


def test_mounts_are_read_with_their_escapes_and_both_kinds_of_read_only():
    assert list(read_mounts(MOUNTS)) == [
        Mount(22, b"/", "ext4", read_only=False),
        Mount(31, b"/mnt/two words", "tmpfs", read_only=False),
        Mount(32, b"/mnt/card", "vfat", read_only=True),
        Mount(33, b"/mnt/old", "xfs", read_only=True),
    ]


def test_a_good_tree_has_no_troubles_and_every_fact_is_a_sentence(tmp_path: Path):
    enrol(os.fsencode(tmp_path), STORE)
    facts = survey(os.fsencode(tmp_path), STORE, suitable=anything())
    assert troubles(facts) == []
    assert [fact.subject for fact in facts] == [
        "file system",
        "room",
        "watches",
        "private directory",
        "writers",
        "hard links",
        "incident marks",
        "other deleters",
    ]


def test_a_file_system_without_stable_inodes_is_named(tmp_path: Path):
    enrol(os.fsencode(tmp_path), STORE)
    facts = survey(os.fsencode(tmp_path), STORE, suitable=frozenset({"zfs"}))
    assert troubles(facts) == ["file system"]
    assert "whose inodes are not known to be stable" in facts[0].sentence
    assert "one of zfs" in facts[0].remedy


def proc_of(
    tmp_path: Path,
    *,
    mounts: bytes = b"",
    capabilities: str = "0",
    guard: str = "1",
    watches: int = 8192,
) -> Path:
    proc = tmp_path / "proc"
    for directory in ("self", "sys/fs/inotify"):
        (proc / directory).mkdir(parents=True)
    (proc / "self/mountinfo").write_bytes(mounts)
    (proc / "self/status").write_text(f"Name:\tagent\nCapEff:\t{capabilities}\nCapBnd:\tff\n")
    (proc / "sys/fs/protected_hardlinks").write_text(f"{guard}\n")
    (proc / "sys/fs/inotify/max_user_watches").write_text(f"{watches}\n")
    return proc


def test_a_mount_that_cannot_be_found_is_a_trouble(tmp_path: Path):
    root = tmp_path / "root"
    root.mkdir()
    enrol(os.fsencode(root), STORE)
    facts = survey(os.fsencode(root), STORE, proc=proc_of(tmp_path))
    assert troubles(facts) == ["file system"]


@pytest.mark.parametrize(
    ("capabilities", "guard", "fine"),
    [("0", "1", False), ("8", "1", True), ("ff", "1", True), ("f7", "1", False), ("0", "0", True)],
)
def test_the_right_to_link_other_peoples_files_is_looked_at(
    tmp_path: Path, capabilities: str, guard: str, fine: bool
):
    root = tmp_path / "root"
    root.mkdir()
    proc = proc_of(tmp_path, capabilities=capabilities, guard=guard)
    facts = survey(os.fsencode(root), STORE, proc=proc)
    assert [fact.fine for fact in facts if fact.subject == "hard links"] == [fine]


def test_roots_within_each_other_are_told_also_behind_a_link(tmp_path: Path):
    root, beside = tmp_path / "root", tmp_path / "root2"
    for path in (root / "inner", beside):
        path.mkdir(parents=True)
    enrol(os.fsencode(root), STORE)
    (tmp_path / "alias").symlink_to(root / "inner")

    def told(*others: Path) -> list[str]:
        return troubles(list(overlaps(os.fsencode(root), map(os.fsencode, others))))

    assert told(beside) == []
    assert told(root / "inner", tmp_path, tmp_path / "alias", root) == ["other roots"] * 4


def test_a_root_others_write_in_wants_its_private_directory_elsewhere(tmp_path: Path):
    root, private = tmp_path / "root", tmp_path / "private"
    root.mkdir()
    root.chmod(0o777)
    enrol(os.fsencode(root), STORE)
    enrol(os.fsencode(root), STORE, private=os.fsencode(private))
    suitable = anything()
    assert troubles(survey(os.fsencode(root), STORE, suitable=suitable)) == ["writers"]
    elsewhere = survey(os.fsencode(root), STORE, suitable=suitable, private=os.fsencode(private))
    assert troubles(elsewhere) == []


def test_a_private_directory_missing_or_with_something_left_in_it_is_told(tmp_path: Path):
    suitable = anything()
    facts = survey(os.fsencode(tmp_path), STORE, suitable=suitable)
    assert troubles(facts) == ["private directory"]
    enrol(os.fsencode(tmp_path), STORE)
    (tmp_path / ".retention/quarantine/3.14").touch()
    facts = survey(os.fsencode(tmp_path), STORE, suitable=suitable)
    assert troubles(facts) == ["private directory"]
    assert "lies (1) what an interrupted" in the("private directory", facts).sentence


def test_a_root_that_is_not_there_is_the_users_mistake(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be opened"):
        survey(os.fsencode(tmp_path / "none"), STORE)


def test_what_is_mounted_inside_is_told(tmp_path: Path, need: Callable[[str], str]):
    need("mount")
    inside = tmp_path / "two words"
    inside.mkdir()
    enrol(os.fsencode(tmp_path), STORE)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "none", inside], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine does not let this user mount")
    try:
        facts = survey(os.fsencode(tmp_path), STORE, suitable=anything())
    finally:
        subprocess.run(["umount", inside], check=True)
    assert troubles(facts) == ["mounts inside"]
    assert f"{inside} is mounted inside" in the("mounts inside", facts).sentence


def nfs(path: Path, tmp_path: Path) -> Path:
    """A /proc by which this path lies on a share."""
    fd = os.open(path, os.O_RDONLY)
    number = mount_of(fd)
    os.close(fd)
    line = f"{number} 1 0:99 / /mnt/calls rw - nfs4 pbx:/calls rw\n"
    return proc_of(tmp_path, mounts=line.encode())


def test_on_a_share_nobody_is_told_of_events_and_what_is_left_of_open_files_is_counted(
    tmp_path: Path,
):
    root = tmp_path / "root"
    (root / "2026").mkdir(parents=True)
    enrol(os.fsencode(root), STORE)
    proc = nfs(root, tmp_path)
    facts = survey(os.fsencode(root), STORE, proc=proc)
    assert troubles(facts) == []
    assert "the scan alone finds it" in facts[0].sentence
    assert is_shared(str(root), proc)
    assert not is_shared(str(root))
    assert not is_shared(str(root / "none"), proc)
    (root / "2026/.nfs0000000001").touch()
    (root / ".nfs0000000002").touch()
    facts = survey(os.fsencode(root), STORE, proc=proc)
    assert troubles(facts) == ["leftovers"]
    assert "Of 2 files" in the("leftovers", facts).sentence


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user on a share")
def test_a_server_that_makes_another_user_of_root_is_told(tmp_path: Path):
    root = tmp_path / "root"
    root.mkdir()
    enrol(os.fsencode(root), STORE)
    os.chown(root / ".retention", 65534, 65534)
    facts = survey(os.fsencode(root), STORE, proc=nfs(root, tmp_path))
    assert troubles(facts) == ["root", "private directory"]


def test_what_a_recorder_began_and_left_is_counted_once_it_is_a_day_old(tmp_path: Path):
    enrol(os.fsencode(tmp_path), STORE)
    (tmp_path / "front").mkdir()
    left = [tmp_path / "a.part", tmp_path / "front/b.jpg.tmp", tmp_path / "front/c.jpg"]
    for path in left:
        path.touch()
    assert troubles(survey(os.fsencode(tmp_path), STORE, suitable=anything())) == []
    for path in left:
        os.utime(path, (1e9, 1e9))
    facts = survey(os.fsencode(tmp_path), STORE, suitable=anything())
    assert troubles(facts) == ["unfinished files"]
    assert facts[-1].sentence.startswith("2 files")


def test_more_directories_than_half_of_what_can_be_watched_are_told(tmp_path: Path):
    root = tmp_path / "root"
    for name in ("a", "b/c", "d"):
        (root / name).mkdir(parents=True)
    enrol(os.fsencode(root), STORE)
    eight = 8  # the root, these, and `.retention` with its two
    for number, watches, fine in ((0, 2 * eight, True), (1, 2 * eight - 1, False)):
        proc = proc_of(tmp_path / str(number), capabilities="8", watches=watches)
        assert the("watches", survey(os.fsencode(root), STORE, proc=proc)).fine is fine


def test_room_is_told_in_mebibytes_and_small_blocks_by_their_size(
    disk: Callable[..., Path], tmp_path: Path
):
    small = disk("small")
    (found,) = room(small, "room", least=1 << 20, why="It matters.")
    assert found.fine
    assert "in blocks of 1024 bytes" in found.sentence
    (found,) = room(small, "room", least=1 << 30, why="It matters.")
    assert found.fine is False
    assert "1024 are needed" in found.sentence
    assert "It matters." == found.why
    for number in range(2000 - LEAST_INODES):
        (small / str(number)).touch()
    (found,) = room(small, "room", least=1 << 20, why="It matters.")
    assert "inodes are free" in found.sentence
    (found,) = room(tmp_path, "room", least=1, why="It matters.")
    assert "blocks" not in found.sentence
