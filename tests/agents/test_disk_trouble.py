"""A disk that is not there, and a catalogue that this agent cannot read."""

import sqlite3

import pytest
from world import World, at

from retention.calendar import DAY
from retention.errors import RetentionError

OLD = at("2026-01-14 12:00")  # due since 2026-03-14; the world's day is 2026-03-16


def test_while_the_root_is_missing_nothing_is_gone_and_nothing_is_erased(world: World):
    world.record(OLD)
    world.rest()
    world.activate()
    world.root.rename(world.root.with_name("away"))
    world.root.mkdir()  # the mount point without its disk
    for _ in range(2):
        with pytest.raises(RetentionError):
            world.scan()
        with pytest.raises(RetentionError):
            world.sweep()
        world.true.pass_(DAY)
    world.agent.heartbeat()
    world.report()
    books = world.books()
    assert (1, {}) == (len(books.live), books.ended)
    assert "root-missing" in books.beat.notes

    world.root.rmdir()
    world.root.with_name("away").rename(world.root)
    world.rest()
    books = world.check()
    assert (set(), ()) == (world.files(), books.beat.notes)


def test_a_catalogue_of_a_newer_version_is_refused_in_a_sentence_and_left_as_it_is(world: World):
    world.record(OLD)
    world.rest()
    world.stop()
    path = world.state / "catalogue.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 9999")
    db.close()
    before = path.read_bytes()
    with pytest.raises(RetentionError, match="newer version"):
        world.boot()
    assert before == path.read_bytes()


def test_a_catalogue_that_is_damaged_is_refused_in_a_sentence(world: World):
    world.record(OLD)
    world.rest()
    world.stop()
    (world.state / "catalogue.sqlite").write_bytes(b"no database at all" * 1000)
    with pytest.raises(RetentionError):
        world.boot()
    assert 1 == len(world.files())
