"""What is promised of a call, in every kind of place in which its parts can lie.

On a disk, in a bucket with versions and in one without, and with rows of a CSV and of a table. What
is a directory's own is told in test_calls.py.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bucket_world import BucketWorld
from calls import parts, sound
from fake_s3 import FakeS3
from row_worlds import CallWorld
from world import World, at

from agents.stores import Erased as Result
from retention.calendar import DAY, Instant
from retention.hold import StoreHold
from retention.outcome import Outcome
from retention.report import Erased, Sighted

MORNING = at("2026-01-10 09:00")
BEGAN = at("2026-01-10 10:00")
CALL = "20260110-120000-17"
#: In which order parts may come: the recording leads, whatever was met first.
KINDS = (".wav", "-b.wav", ".json", "-transcript.txt")


def _bucket(path: Path, versioning: str) -> World:
    server = FakeS3(lambda: MORNING)
    world = BucketWorld.found(path, MORNING, server, versioning=versioning, parts=parts)
    server.clock = lambda: world.true.now
    return world


WORLDS: dict[str, Callable[[Path], World]] = {
    "tree": lambda path: World.make(path, MORNING, parts=parts),
    "bucket with versions": lambda path: _bucket(path, "Enabled"),
    "bucket without": lambda path: _bucket(path, ""),
    "with rows": lambda path: CallWorld.found(path, MORNING),
}


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, memory_path: Path) -> Iterator[World]:
    world = WORLDS[request.param](memory_path)
    world.rest()
    world.true.now = Instant(BEGAN + 600)
    yield world
    world.stop()


def add(world: World, kind: str, call: str = CALL) -> None:
    """A part of the call comes; instead of a sidecar a row, where there are rows."""
    if isinstance(world, CallWorld) and kind == ".json":
        world.write_row(call)
    elif isinstance(world, CallWorld) and kind == "-transcript.txt":
        world.rate(call)
    else:
        world.write(f"front/{call}{kind}", sound(call + kind))


def left(world: World) -> int:
    """How many parts there are of all calls."""
    return len(world.pictures())


def come_due(world: World) -> None:
    world.activate()
    world.true.now = Instant(world.due_at(BEGAN) + 60)


def of_kind(world: World, kind: type) -> list:
    return [entry for entry in world.centre.entries() if isinstance(entry, kind)]


@pytest.mark.parametrize("order", [KINDS, KINDS[::-1]], ids=["recording first", "recording last"])
def test_whatever_comes_first_a_call_is_one_item_that_goes_once(world: World, order):
    for kind in order:
        add(world, kind)
        world.rest()
    assert [1] == [entry.item for entry in of_kind(world, Sighted)]
    assert [BEGAN] == [entry.anchor for entry in world.check().live.values()]
    world.activate()
    world.true.now = Instant(world.due_at(BEGAN) - 60)
    world.rest()
    assert left(world) == len(KINDS)
    come_due(world)
    world.rest()
    world.check()
    assert left(world) == 0
    assert [((1, 1),)] == [entry.items for entry in of_kind(world, Erased)]
    for table in ("items", "calls", "parts"):
        assert [] == world.agent.catalogue.rows(f"SELECT * FROM {table}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_that_comes_late_inherits_the_date_and_one_that_comes_after_all_goes(
    world: World, kind: str
):
    add(world, next(each for each in KINDS if each != kind))
    world.rest()
    world.true.pass_(50 * DAY)
    add(world, kind)
    world.rest()
    assert [BEGAN] == [entry.anchor for entry in world.check().live.values()]
    come_due(world)
    world.rest()
    assert left(world) == 0
    world.true.pass_(DAY)
    add(world, "-transcript.txt")
    world.rest()
    assert left(world) == 0
    assert ["due", "zombie"] == [ending.how for ending in world.check().ended.values()]


@pytest.mark.parametrize("stays", range(len(KINDS)))
def test_parts_go_by_themselves_and_the_recording_stays_for_the_last_of_them(
    world: World, stays: int
):
    """Of one part the erasing fails: the call is `partial`, and people can tell what is left."""
    for kind in KINDS:
        add(world, kind)
        world.rest()
    come_due(world)
    erase, failing = world.agent.store.erase, itertools.count()

    def failing_once(batch):
        wanted = [want for there in batch.values() for want in there]
        stuck = {want.number for want in wanted if next(failing) == stays}
        rest = {d: [w for w in there if w.number not in stuck] for d, there in batch.items()}
        told = {result.number: result for result in erase(rest)}
        return [told.get(w.number) or _failed(w.number) for there in batch.values() for w in there]

    world.agent.store.erase = failing_once
    world.sweep()
    world.report()
    assert 0 < left(world) < len(KINDS) or stays == 0
    leads = "SELECT role FROM calls"
    assert [(0,)] == world.agent.catalogue.rows(leads), "a recording leads what is left"
    expected = Outcome.PARTIAL if left(world) < len(KINDS) else Outcome.FAILED
    assert [expected] == list(world.books().refused.values())
    assert of_kind(world, Erased) == []
    world.rest()
    assert left(world) == 0
    assert [((1, 1),)] == [entry.items for entry in of_kind(world, Erased)]
    world.check()


def _failed(number: int):
    return Result(number, Outcome.FAILED, "It could not be removed.")


def test_a_hold_on_the_call_keeps_every_part_also_what_comes_after_it(world: World):
    for kind in KINDS[:2]:
        add(world, kind)
    world.rest()
    held = StoreHold("case", Instant(BEGAN - 60), Instant(BEGAN + 60), ("front",))
    world.centre.holds.append(held)
    world.rest()
    for kind in KINDS[2:]:
        add(world, kind)
    world.rest()
    come_due(world)
    world.true.pass_(DAY)
    world.rest()
    assert left(world) == len(KINDS)
    assert {1: 1} == {number: len(e.holds) for number, e in world.check().live.items()}
