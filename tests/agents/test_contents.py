"""What content was met is known by a keyed hash, as an item's or as a tombstone, and nothing else is."""

import shutil
from pathlib import Path

import pytest
from world import World, at

from agents.engine.memory import contents
from retention.calendar import DAY
from retention.fingerprint import KEYED_BYTES, fingerprint
from retention.probes import BytesSource
from retention.tombstones import LEAST_SECONDS

OLD = at("2026-01-14 12:00")  # due since 2026-03-14; the world's day is 2026-03-16
YOUNG = at("2026-03-10 12:00")
PICTURE = b"\xff\xd8\xff of a day in January"


@pytest.fixture
def erased(world: World) -> World:
    """A terminal that erased a picture, after a first scan of nothing."""
    world.rest()
    world.activate()
    world.write("copies/20260114-140000.jpg", PICTURE, mtime=OLD)
    world.rest()
    world.true.pass_(DAY)
    world.rest()
    assert set() == world.files()
    return world


def come_back(world: World) -> set[str]:
    """The picture comes back under a name that tells nothing; what is left after a day's work."""
    world.write("copies/restored.jpg", PICTURE)
    world.cycle()
    return world.files()


def database(world: World) -> bytes:
    return b"".join(path.read_bytes() for path in world.state.glob("catalogue.sqlite*"))


def test_of_what_was_erased_neither_name_nor_fingerprint_stays(world: World):
    mark = fingerprint(BytesSource(PICTURE))
    world.write("front/20260114-140000.jpg", PICTURE, mtime=OLD)
    world.scan()
    assert mark in database(world)
    world.activate()
    world.rest()
    assert set() == world.files()
    for secret in (mark, mark[:KEYED_BYTES], b"20260114-140000"):
        assert secret not in database(world)


def test_what_was_erased_is_known_again_by_its_entry(erased: World):
    assert set() == come_back(erased)


def test_what_somebody_else_removed_is_no_zombie_when_it_comes_back(world: World):
    world.write("front/20260310-140000.jpg", PICTURE, mtime=YOUNG)
    world.rest()
    (world.root / "front/20260310-140000.jpg").unlink()
    world.rest()
    world.activate()
    assert {"copies/restored.jpg"} == come_back(world)


def test_the_old_bytes_of_what_was_rewritten_are_no_tombstone(world: World):
    world.activate()
    path = world.write("front/20260310-140000.jpg", PICTURE, mtime=YOUNG)
    world.rest()
    path.write_bytes(PICTURE + b", finished")
    world.rest()
    assert {"front/20260310-140000.jpg", "copies/restored.jpg"} == come_back(world)
    world.check()


def test_a_new_epoch_knows_what_the_one_before_erased_and_takes_nothing_else_for_it(
    erased: World, tmp_path: Path
):
    kept = {str(erased.record(YOUNG, tag=f"-{n}").relative_to(erased.root)) for n in range(3)}
    erased.rest()
    erased.stop()
    shutil.copytree(erased.state, tmp_path / "yesterday")
    erased.boot()
    kept.add(str(erased.record(YOUNG, tag="-later").relative_to(erased.root)))
    erased.rest()
    erased.stop()
    shutil.rmtree(erased.state)
    shutil.copytree(tmp_path / "yesterday", erased.state)
    erased.boot().exchange.greet()
    erased.rest()
    assert 2 == erased.centre.epoch
    assert kept == come_back(erased)
    erased.rest()
    erased.check()


def test_a_tombstone_goes_when_no_backup_can_be_as_old_and_an_items_entry_stays(erased: World):
    erased.record(YOUNG)
    erased.rest()
    count = "SELECT count(*) FROM contents"
    assert 2 == erased.agent.catalogue.value(count)
    erased.true.pass_(LEAST_SECONDS - 2 * DAY)
    contents.drop_unwanted(erased.agent.catalogue, erased.true.now, LEAST_SECONDS)
    assert 2 == erased.agent.catalogue.value(count)
    erased.true.pass_(3 * DAY)
    contents.drop_unwanted(erased.agent.catalogue, erased.true.now, LEAST_SECONDS)
    assert 1 == erased.agent.catalogue.value(count)
    assert [] == erased.agent.catalogue.rows("SELECT * FROM tombstones")
    erased.rest()
    assert {"copies/restored.jpg"} == come_back(erased)
    erased.check()


def test_tombstones_live_as_long_as_the_longest_registered_backup_and_a_period(erased: World):
    """Also those that were there before it was registered; a call of six months is 182 days long."""
    erased.true.pass_(300 * DAY)
    erased.centre.backup_days = 600
    erased.rest()
    erased.true.pass_((600 + 182 - 300 - 3) * DAY)
    erased.rest()
    assert set() == come_back(erased), "it goes again within one scan"
    erased.true.pass_(2 * (600 + 182) * DAY)
    erased.rest()
    assert [] == erased.agent.catalogue.rows("SELECT * FROM tombstones")


@pytest.mark.parametrize("entries", [1, 3, 1000])
def test_a_walk_goes_through_all_entries_in_portions(
    world: World, monkeypatch: pytest.MonkeyPatch, entries: int
):
    monkeypatch.setattr(contents, "WALK_ENTRIES", entries)
    for number in range(7):
        world.record(OLD, tag=f"-{number}")
    world.activate()
    world.rest()
    catalogue = world.agent.catalogue
    assert 7 == catalogue.value("SELECT count(*) FROM contents")
    world.true.pass_(LEAST_SECONDS + DAY)
    contents.drop_unwanted(catalogue, world.true.now, LEAST_SECONDS)
    assert 0 == catalogue.value("SELECT count(*) FROM contents")


def test_empty_files_are_never_taken_for_each_other(world: World):
    world.activate()
    world.write("front/20260114-140000.jpg", b"", mtime=OLD)
    world.rest()
    world.true.pass_(DAY)
    world.write("copies/empty.jpg", b"")
    world.rest()
    assert {"copies/empty.jpg"} == world.files()
    world.check()
