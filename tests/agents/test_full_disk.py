"""A terminal whose only disk is full: deleting goes on, holds take effect, nothing is forgotten."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from world import World, at

from agents.engine.memory import catalogue
from agents.engine.memory.catalogue import CatalogueFullError, Words
from agents.engine.memory.reserve import open_catalogue
from retention.calendar import DAY, Instant
from retention.hold import StoreHold

OLD = at("2026-01-14 12:00")  # due since 2026-03-14; the world's day is 2026-03-16
HELD = at("2026-01-13 12:00")
#: A log as short as this has no room for the outcomes of many at once.
SHORT, MANY = 1 << 18, 1500
BLOCK = 4096

Disk = Callable[..., Path]


def terminal(
    disk: Disk, backlog: int, *, tomorrow: int = 0, mode: int = 0o755, **room: int
) -> World:
    """Store and memory on one disk, a backlog that is due, more that will be, and no free block."""
    both = backlog + tomorrow
    world = World.make(disk("terminal", 48, 2 * both + 2000), at("2026-03-16 12:00"))
    world.room = room  # else all that a real agent keeps
    world.crash()
    (world.root / "front").chmod(mode)
    for number in range(backlog):
        world.record(Instant(OLD + number))
    for number in range(tomorrow):
        world.record(Instant(OLD + 3 * DAY + number))
    world.record(HELD)
    world.rest()
    world.activate(2 * both)
    world.agent.talk()
    world.agent.catalogue.blank_log()  # which makes it as short as it may be
    fill(world)
    return world


@pytest.fixture(params=[0o755, 0o777], ids=["ours", "taken aside first"])
def full(request: pytest.FixtureRequest, disk: Disk) -> World:
    return terminal(disk, 40, mode=request.param)


def fill(world: World) -> None:
    with (world.root / "filler").open("ab", buffering=0) as file:
        grab(file.fileno())
    assert 0 == os.statvfs(world.root).f_bavail


def grab(descriptor: int) -> None:
    """Write until there is no room for one byte."""
    for size in (1 << 20, BLOCK, 1):
        with suppress(OSError):
            while True:
                os.write(descriptor, b"x" * size)


#: Somebody who is after every byte that gets free, in a tight loop, as long as the test lives.
GREEDY = """
import os, sys
file, test = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND), os.getppid()
while os.getppid() == test:
    for size in (1 << 20, 1024, 1):
        try:
            while True:
                os.write(file, b"x" * size)
        except OSError:
            pass
"""


@contextmanager
def somebody_greedy(world: World) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", GREEDY, world.root / "filler"]) as greedy:
        try:
            yield
        finally:
            greedy.kill()


def test_what_is_due_goes_and_what_a_new_hold_names_stays(full: World):
    full.centre.holds.append(StoreHold("hold-1", Instant(HELD - 60), Instant(HELD + 60)))
    full.agent.talk()
    full.sweep()
    assert {"front/20260113-140000.jpg", "filler"} == full.files()
    (full.root / "filler").unlink()
    full.rest()
    assert 40 == len(full.check().erased())


def test_day_after_day_others_take_what_erasing_frees_and_erasing_goes_on(full: World):
    days = 12
    for day in range(days):
        full.sweep()
        assert {"filler"} == full.files()
        (full.root / "filler").unlink()
        full.true.pass_(DAY)
        full.record(Instant(OLD - day), directory="copies")
        full.scan()  # it came late and has a day
        fill(full)
        full.true.pass_(DAY)
    full.sweep()
    (full.root / "filler").unlink()
    full.rest()
    assert 41 + days == len(full.check().erased())


@pytest.mark.slow
@pytest.mark.parametrize("restarted", [False, True])
def test_however_many_are_due_and_whoever_is_after_each_free_byte(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, *, restarted: bool
):
    monkeypatch.setattr(catalogue, "LOG_BYTES", SHORT)
    world = terminal(disk, MANY, tomorrow=100, log_bytes=SHORT)
    assert SHORT == (world.state / "reserve").stat().st_size
    with somebody_greedy(world):
        for day in range(2):
            for _ in range(3):
                if restarted:
                    world.crash()
                with suppress(CatalogueFullError):
                    world.sweep()
            assert (1 - day) * 100 == len(world.files() - {"filler"})
            world.true.pass_(DAY)
    assert [(0,)] == world.agent.catalogue.rows("SELECT count(*) FROM items")
    (world.root / "filler").unlink()
    world.rest()
    assert MANY + 101 == len(world.check().erased())


def test_what_comes_meanwhile_waits_for_room_and_the_agent_says_so(full: World):
    new = full.write("front/20260316-150000.jpg", b"")
    spend(full)
    with pytest.raises(CatalogueFullError):
        full.scan()
    with suppress(CatalogueFullError):
        full.agent.heartbeat()
    assert "disk-full" in list(full.agent.notes())
    (full.root / "filler").unlink()
    full.true.pass_(DAY)
    full.rest()
    books = full.check()
    assert (41, ()) == (len(books.erased()), books.beat.notes)
    assert new.exists()


def spend(world: World) -> None:
    """Use up more than half of the pages that are kept free, as many holds would."""
    with world.agent.catalogue.transaction() as db:
        db.execute("INSERT INTO policies VALUES (-1, zeroblob(?))", (300 * BLOCK,))


def test_an_agent_that_starts_on_a_full_disk_goes_on(full: World):
    full.stop()
    fill(full)  # also what the last process let go of
    full.boot()
    full.sweep()
    assert {"filler"} == full.files()


def test_the_room_of_the_log_is_nobody_elses_between_two_starts(full: World):
    full.stop()
    fill(full)
    known = open_catalogue(full.state / "catalogue.sqlite")
    assert catalogue.LOG_BYTES == known.log.stat().st_size
    known.close()


def test_on_a_full_disk_each_directive_is_put_in_force_however_many_come(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
):
    """Little by little they would fill the log, which cannot get longer: it begins anew."""
    monkeypatch.setattr(catalogue, "LOG_BYTES", SHORT)
    world = terminal(disk, 1, log_bytes=SHORT)
    for _ in range(60):
        world.true.pass_(60)
        world.agent.tick()
        world.agent.talk()
        in_force = world.agent.obedience.in_force()
        assert in_force is not None
        assert world.centre.version == in_force.version


def test_the_room_of_the_log_brings_nothing_into_a_catalogue_out_of_a_backup(world: World):
    world.rest()
    world.stop()
    backup = (world.state / "catalogue.sqlite").read_bytes()
    world.boot()
    world.record(HELD)
    world.rest()
    world.stop()
    (world.state / "catalogue.sqlite").write_bytes(backup)
    known = world.boot().catalogue
    assert [(0,)] == known.rows("SELECT count(*) FROM items")
    assert [("ok",)] == known.rows("PRAGMA integrity_check")


def test_a_word_that_was_undone_names_nothing(world: World):
    """Its number is given to the next one: a class taken for another would go by the other's period."""
    written, words = world.agent.catalogue, Words(world.agent.catalogue)
    with suppress(CatalogueFullError), written.transaction() as db:
        db.execute("INSERT INTO words (word) VALUES ('undone')")
        [(number,)] = db.execute("SELECT id FROM words WHERE word = 'undone'")
        assert "undone" == words.word(number)
        raise CatalogueFullError
    with written.transaction() as db:
        db.execute("INSERT INTO words (word) VALUES ('next')")
    assert "next" == words.word(number)
    assert number != words.id("undone")
