"""A life to test with, made of small numbers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model import checks
from model.grounds import GROUNDS, SqlGround
from model.life import Life
from world import TrueTime

from agents.engine.erasing import sweep
from agents.engine.finding import scan
from agents.stores.rows.postgres import Postgres
from retention import brake


@pytest.fixture(autouse=True)
def _small_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of two files, and a brake at five: small lives get the trouble of large ones."""
    for name in ("_BY_DATE", "_UNDATED", "_GRANTED"):
        query = getattr(sweep, name)
        monkeypatch.setattr(sweep, name, query.replace(f"LIMIT {sweep.BATCH_ITEMS}", "LIMIT 2"))
    monkeypatch.setattr(scan, "STEP_FILES", 2)
    monkeypatch.setattr(brake, "ALWAYS_ALLOWED", checks.ALWAYS_ALLOWED)


@pytest.fixture
def new_life(memory_path: Path) -> Iterator[Callable[[str], Life]]:
    """Begins a life in a place of any kind, in the memory where there is one; it ends with the test."""
    lives: list[Life] = []

    def begin(kind: str) -> Life:
        directory = memory_path / str(len(lives))
        directory.mkdir()
        lives.append(Life(directory, kind))
        return lives[-1]

    yield begin
    for lived in lives:
        lived.die()
        lived.office.stop()
        lived.ground.close()


@pytest.fixture
def life(new_life: Callable[[str], Life]) -> Life:
    """A store on a tree."""
    return new_life("tree")


@pytest.fixture
def postgres_ground(new_schema: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The kind of places that are schemas of a real PostgreSQL server."""

    def ground(directory: Path, true: TrueTime) -> SqlGround:
        dsn = new_schema()
        return SqlGround(directory, true, lambda: Postgres(dsn))

    monkeypatch.setitem(GROUNDS, "PostgreSQL", ground)
    return "PostgreSQL"
