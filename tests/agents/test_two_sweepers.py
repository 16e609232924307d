"""Two agents with one store in one epoch, the second with a copy of the first one's state.

Its holds may be older. The enforcer tells the two apart by what they say; where it cannot be reached,
the second has to refuse by itself.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path

import pytest
from bucket_world import BucketWorld
from rgw import Gateway
from row_worlds import CsvWorld, SqlWorld, sqlite_file
from world import World, at

from agents.engine.memory.catalogue import Catalogue, CatalogueError
from agents.stores.rows.postgres import Postgres
from retention.errors import StoreUnreachableError

NOON = at("2026-03-16 12:00")
DUE = at("2026-01-14 10:00")


@pytest.fixture(params=["directory", "rows", "SQLite", "PostgreSQL", "bucket"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    world = _made(request, tmp_path)
    yield world
    world.stop()


def _made(request: pytest.FixtureRequest, path: Path) -> World:
    if request.param == "directory":
        return World.make(path, NOON)
    if request.param == "rows":
        return CsvWorld.found(path, NOON)
    if request.param == "SQLite":
        return SqlWorld.found(path, NOON, sqlite_file(path / "calls.db"))
    if request.param == "PostgreSQL":
        dsn = request.getfixturevalue("new_schema")()
        return SqlWorld.found(path, NOON, lambda: Postgres(dsn))
    gateway: Gateway = request.getfixturevalue("gateway")
    return BucketWorld.found(path, NOON, gateway)


@pytest.fixture
def second(world: World) -> Iterator[Callable[[], World]]:
    """An agent by a copy of the other one's state as it is now; it is not started."""
    twin = copy(world)
    twin.state = world.state.with_name("copied")

    def make() -> World:
        shutil.copytree(world.state, twin.state)
        return twin

    yield make
    twin.stop()


def test_the_second_of_two_agents_in_one_epoch_refuses_and_the_first_goes_on(
    world: World, second: Callable[[], World]
):
    world.record(DUE)
    world.activate()
    world.scan()
    world.report()
    world.scan()  # in the epoch that it was given
    twin = second()
    with pytest.raises(StoreUnreachableError, match="Another agent"):
        twin.boot()
    for act in (twin.scan, twin.sweep):
        with pytest.raises(StoreUnreachableError, match="Another agent"):
            act()
    assert 1 == len(world.pictures())
    assert "root-missing" in set(twin.agent.notes())
    world.crash()
    world.rest()
    assert set() == world.pictures()
    world.check()


def test_a_newer_epoch_takes_over(world: World):
    """The first is no more: its store is another's as soon as that is enrolled anew."""
    world.record(DUE)
    world.scan()
    world.report()
    world.lose_state()
    world.activate()
    world.rest()
    assert set() == world.pictures()


def test_a_catalogue_that_cannot_be_locked_is_worked_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def no_locks(_fd: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    catalogue = Catalogue(tmp_path / "catalogue.sqlite")
    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(CatalogueError, match="no lock can be taken beside the catalogue: No locks"):
        catalogue.claim()
    catalogue.close()
