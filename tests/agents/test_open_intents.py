"""A hold comes while nobody can tell what a batch has erased: its intents are open.

The hold protects all else at once, and is not called effective before the intents have their
outcomes: what is gone was erased before it and is counted, what stays is held (I2, I5, I15).
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from bucket_world import BucketWorld
from fake_s3 import FakeS3
from msgspec import structs
from row_worlds import CallWorld, CsvWorld, SqlWorld, sqlite_file
from world import RIGA, World, at

from agents.engine.memory import wholes
from agents.stores import Batch, Erased
from retention.acts import Release
from retention.calendar import DAY, Instant, civil_date
from retention.hold import StoreHold
from retention.outcome import Outcome
from retention.report import Acknowledged

NOON = at("2026-03-16 12:00")
DUE = [at("2026-01-05 10:00"), at("2026-01-14 10:00")]
YOUNG = at("2026-03-10 10:00")
HOLD = StoreHold("case", Instant(DUE[0] - 60), Instant(YOUNG + 60))


def _in_memory(path: Path) -> World:
    server = FakeS3(lambda: NOON)
    world = BucketWorld.found(path, NOON, server)
    server.clock = lambda: world.true.now
    return world


KINDS: dict[str, Callable[[Path], World]] = {
    "tree": lambda path: World.make(path, NOON),
    "bucket": _in_memory,
    "CSV": lambda path: CsvWorld.found(path, NOON),
    "SQLite": lambda path: SqlWorld.found(path, NOON, sqlite_file(path / "calls.db")),
    "calls": lambda path: CallWorld.found(path, NOON),
}


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A store with two items that are due, and one that is not."""
    world = KINDS[request.param](tmp_path)
    for moment in (*DUE, YOUNG):
        world.record(moment)
    world.activate()
    world.scan()
    return world


def _unknown(batch: Batch) -> list[Erased]:
    return [
        Erased(want.number, Outcome.FAILED, "The store did not answer.", settled=False)
        for wanted in batch.values()
        for want in wanted
    ]


def _sweep_is_cut_off(world: World, *, after: int) -> None:
    """The connection is lost when the store has erased so many items of a batch, of calls the leads."""
    store = world.agent.store
    erase = store.erase
    left = [after]

    def cut_off(batch: Batch) -> list[Erased]:
        if any(wholes.is_part(want.number) for wanted in batch.values() for want in wanted):
            return erase(batch)
        for directory, wanted in batch.items():
            some = wanted[: left[0]]
            left[0] -= len(some)
            if some:
                assert {r.outcome for r in erase({directory: some})} == {Outcome.ERASED_VERIFIED}
        return _unknown(batch)

    store.erase, store.recover = cut_off, _unknown
    world.sweep()
    del store.erase


def _answers_again(world: World) -> None:
    del world.agent.store.recover


def _name(moment: Instant) -> str:
    return f"front/{date.fromordinal(_civil(moment)):%Y%m%d}-120000.jpg"


def _civil(moment: Instant) -> int:
    return civil_date(moment, RIGA).toordinal()


def _hears(world: World) -> Acknowledged | None:
    """The agent consults and reports; what it acknowledged by that, if anything."""
    before = len(world.centre.lines)
    world.agent.talk()
    said = [e for e in world.centre.entries()[before:] if isinstance(e, Acknowledged)]
    return said[-1] if said else None


@pytest.mark.parametrize("erased", [0, 1, 2])
@pytest.mark.parametrize("dies", [False, True])
def test_a_hold_on_what_may_be_gone_is_pending_until_the_store_can_tell(
    world: World, erased: int, dies: bool
):
    _sweep_is_cut_off(world, after=erased)
    world.centre.holds.append(HOLD)
    for _ in range(2):
        told = _hears(world)
        assert told is not None
        assert ((), ()) == (told.holds, told.gone)
    books = world.books()
    assert [YOUNG] == [item.anchor for item in books.live.values() if item.holds]
    if dies:
        world.crash()
    else:
        _answers_again(world)
        world.scan()
    told = _hears(world)
    assert told is not None
    gone = tuple(("case", _civil(moment), 1) for moment in DUE[:erased])
    assert (("case",), gone) == (told.holds, told.gone)
    for _ in range(2):
        world.true.pass_(DAY)
        world.rest()
    books = world.check()
    assert [("due", Outcome.ERASED_VERIFIED)] * erased == [
        (ending.how, ending.outcome) for ending in books.ended.values()
    ]
    assert {_name(moment) for moment in (*DUE[erased:], YOUNG)} <= world.files()
    assert all(item.holds == {"case"} for item in books.live.values())
    assert {_civil(moment): 1 for moment in DUE[:erased]} == dict(books.gone.get("case", {}))
    assert [] == world.agent.catalogue.rows("SELECT * FROM doubts")
    world.stop()


def test_a_hold_that_two_people_end_before_the_store_can_tell_leaves_its_day_of_grace(world: World):
    _sweep_is_cut_off(world, after=1)
    world.centre.holds.append(HOLD)
    _hears(world)
    world.sign(Release(id=world.act_id(), at=world.true.now, reason="over", hold="case"))
    world.centre.holds.clear()
    _hears(world)
    _answers_again(world)
    world.true.pass_(DAY // 2)
    world.rest()
    assert {_name(DUE[1]), _name(YOUNG)} == world.files()
    world.true.pass_(DAY)
    world.rest()
    assert {_name(YOUNG)} == world.files()
    world.check()
    world.stop()


def test_of_a_marker_is_not_said_that_it_is_effective_on_what_may_be_gone(world: World):
    """It is reported for a person to confirm all the same, and holds what is there."""
    _sweep_is_cut_off(world, after=1)
    world.agent.obedience.mark(HOLD, "event")
    world.centre.holds.append(HOLD)
    told = _hears(world)
    assert told is not None
    assert () == told.holds
    _answers_again(world)
    world.rest()
    assert {_name(DUE[1]), _name(YOUNG)} == world.files()
    assert {"case": {_civil(DUE[0]): 1}} == world.check().gone
    world.stop()


def test_the_same_directive_is_acknowledged_once_more_when_there_is_no_doubt_left(world: World):
    _sweep_is_cut_off(world, after=1)
    world.centre.holds.append(HOLD)
    sealed = world.centre.seal(world.centre.directive(world.true.now))
    world.centre.twist = lambda fetched: structs.replace(fetched, directive=sealed)
    assert _hears(world).holds == ()
    assert _hears(world) is None
    _answers_again(world)
    world.scan()
    assert _hears(world).holds == ("case",)
    assert _hears(world) is None
    world.check()
    world.stop()


def test_a_copy_that_a_hold_in_force_matches_does_not_make_its_original_lost(tmp_path: Path):
    """What has its content is held with it, but not what may be gone by now."""
    world = World.make(tmp_path, NOON)
    original = world.record(DUE[1])
    data = original.read_bytes()
    world.activate()
    world.scan()
    world.centre.holds.append(StoreHold("case", Instant(DUE[0] - 60), Instant(DUE[0] + 60)))
    assert _hears(world).holds == ("case",)
    _sweep_is_cut_off(world, after=0)
    world.write(_name(DUE[0]), data)
    world.scan()
    world.report()
    assert [{"case"}, set()] == sorted(
        (item.holds for item in world.books().live.values()), key=len, reverse=True
    )
    original.unlink()  # the server did what it was asked for, late
    _answers_again(world)
    world.rest()
    books = world.check()
    assert ["due"] == [ending.how for ending in books.ended.values()]
    assert [{"case"}] == [item.holds for item in books.live.values()]
    world.stop()


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("kind", ["tree", "bucket"])
def test_what_comes_while_its_original_may_be_gone_is_a_copy_and_not_where_it_moved_to(
    tmp_path: Path, kind: str, *, held: bool
):
    """Else what we erased would be told as moved, and never as erased."""
    world = KINDS[kind](tmp_path)
    world.record(DUE[0])
    world.activate()
    world.scan()
    _sweep_is_cut_off(world, after=1)
    world.write("front/elsewhere.jpg", b"\xff\xd8\xff" + _name(DUE[0]).encode())
    world.scan()
    if held:
        world.centre.holds.append(HOLD)
        _hears(world)
    _answers_again(world)
    for _ in range(2):
        world.true.pass_(DAY)
        world.rest()
    assert (1 if held else 2) == len(world.check().ended)
    assert ({"front/elsewhere.jpg"} if held else set()) == world.files()
    world.stop()


def test_what_came_to_be_held_has_its_bytes_kept_from_other_deleters(tmp_path: Path):
    world = World.make(tmp_path, NOON)
    original = world.record(DUE[0])
    world.activate()
    world.scan()
    _sweep_is_cut_off(world, after=0)
    world.centre.holds.append(HOLD)
    _hears(world)
    _answers_again(world)
    world.scan()
    assert 2 == original.stat().st_nlink
    world.stop()


def test_a_call_of_which_only_a_part_may_be_gone_is_in_doubt_as_a_whole(tmp_path: Path):
    world = CallWorld.found(tmp_path, NOON)
    world.record(DUE[0])
    world.activate()
    world.scan()
    store = world.agent.store
    erase = store.erase
    store.erase = lambda batch: erase(batch) and _unknown(batch)
    store.recover = _unknown
    world.sweep()
    del store.erase
    world.centre.holds.append(HOLD)
    assert _hears(world).holds == ()
    _answers_again(world)
    world.scan()
    assert _hears(world).holds == ("case",)
    world.rest()
    [item] = world.check().live.values()
    assert item.holds == {"case"}
    world.stop()


def test_what_may_be_gone_is_forgotten_with_its_epoch(world: World):
    """Its number will be another item's, of which no intent is open."""
    _sweep_is_cut_off(world, after=1)
    world.centre.anew = True
    world.agent.exchange.greet()
    _answers_again(world)
    world.rest()
    assert {_name(YOUNG)} == world.files()
    world.check()
