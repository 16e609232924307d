"""Rows of a table through the engine: what a database cannot keep is said, and what it did is told."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from row_worlds import SqlWorld, sqlite_file
from world import at

from agents.stores.rows.postgres import Postgres
from retention.calendar import DAY, Instant
from retention.errors import StoreUnreachableError
from retention.hold import StoreHold
from retention.outcome import Outcome

NOON = at("2026-03-16 12:00")
DUE = at("2026-01-14 10:00")


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlWorld]:
    if request.param == "SQLite":
        connect = sqlite_file(tmp_path / "calls.db")
    else:
        new_schema: Callable[[], str] = request.getfixturevalue("new_schema")
        dsn = new_schema()
        connect = lambda: Postgres(dsn)  # noqa: E731
    world = SqlWorld.found(tmp_path, NOON, connect)
    yield world
    world.stop()


def test_a_held_row_is_told_to_be_unprotected_and_lost_when_somebody_removes_it(world: SqlWorld):
    world.record(DUE)
    world.centre.holds.append(StoreHold("case", Instant(DUE - 60), Instant(DUE + 60)))
    world.cycle()
    world.agent.talk()
    world.cycle()
    assert "held-unprotected" in set(world.agent.notes())
    world.database.rows("DELETE FROM front")
    world.rest()
    assert [ending.how for ending in world.books().ended.values()] == ["lost"]


def test_what_was_erased_before_the_database_stopped_answering_is_told_as_erased(
    world: SqlWorld, monkeypatch: pytest.MonkeyPatch
):
    """The transaction is done, and nobody can look: it is neither called erased, nor another's deed."""
    world.record(DUE)
    world.activate()
    world.scan()
    kind = type(world.database)
    done: list[bool] = []
    rows, settle = kind.rows, kind.settle

    def look(self, statement: str, arguments=()):
        found = rows(self, statement, arguments)
        if done and not statement.startswith("PRAGMA"):
            raise StoreUnreachableError("The database did not answer.")
        if statement.startswith("DELETE"):
            done.append(True)
        return found

    monkeypatch.setattr(kind, "rows", look)
    monkeypatch.setattr(kind, "settle", lambda _: None)
    world.sweep()
    world.report()
    assert [Outcome.FAILED] == list(world.books().refused.values())
    assert world.books().ended == {}
    monkeypatch.setattr(kind, "rows", rows)
    monkeypatch.setattr(kind, "settle", settle)
    assert world.files() == set()
    world.rest()
    [ending] = world.check().ended.values()
    assert (ending.how, ending.outcome) == ("due", Outcome.ERASED_VERIFIED)
    assert [] == world.agent.catalogue.rows("SELECT * FROM intents")


def test_until_the_database_can_be_looked_at_nothing_more_is_decided(world: SqlWorld):
    """An intent that is open is nobody's to plan again, and outlives its process."""
    world.record(DUE)
    world.record(Instant(DUE + DAY))
    world.activate()
    world.scan()
    for name in ("erase", "recover"):
        _unsettle(world, name)
    planned: list[int] = []
    intend = world.agent._receipts.intend

    def remembering(items):
        items = list(items)
        planned.extend(each.number for each in items)
        intend(items)

    world.agent._receipts.intend = remembering
    for _ in range(3):
        world.cycle()
    assert planned == [1, 2]
    assert world.agent.catalogue.rows("SELECT first, last FROM intents") == [(1, 2)]
    world.crash()
    world.rest()
    assert {Outcome.ERASED_VERIFIED} == {e.outcome for e in world.check().ended.values()}


def _unsettle(world: SqlWorld, name: str) -> None:
    """Have the store do as it does, and not know what came of it."""
    act = getattr(world.agent.store, name)

    def unknown(batch):
        return [each._replace(outcome=Outcome.FAILED, settled=False) for each in act(batch)]

    setattr(world.agent.store, name, unknown)
