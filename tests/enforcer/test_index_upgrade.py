"""An index of the first version comes up to the present one, with all that was in it."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from fleet import NOW, STORE, Log, add_store, books, sight, states, table
from sqlalchemy import Engine, create_engine

from enforcer.index.engine import open_index, writing
from enforcer.index.migrations import configuration
from retention import report
from retention.outcome import Outcome

FIRST = "0001"


def lived(index: Engine) -> Log:
    """A store with recordings live, held and erased."""
    add_store(index)
    log = Log(index)
    log.say(*(sight(number) for number in range(1, 6)))
    log.say(
        report.Held(NOW, "hold-1", ((2, 3),)),
        report.Erased(NOW, ((5, 5),), "erasure", Outcome.ERASED_VERIFIED),
    )
    return log


def of_the_first_version(path: Path, index: Path) -> None:
    """A new index of the first version, with the rows of this one as far as it had tables for them."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        command.upgrade(configuration(connection), FIRST)
    engine.dispose()
    with sqlite3.connect(path) as old:
        old.execute("ATTACH ? AS new", (str(index),))
        tables = old.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            if name != "alembic_version":
                columns = ", ".join(
                    f'"{column}"'
                    for _, column, *_ in old.execute(f"PRAGMA main.table_info({name})")
                )
                old.execute(f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM new.{name}")
    old.close()


def test_nothing_is_lost_on_the_way_from_the_first_version(index: Engine, tmp_path: Path):
    log = lived(index)
    names = ("items", "held_items", "tallies", "totals", "log_marks")
    before = {name: table(index, name) for name in names}
    assert all(before.values()), "there is something in each of them"
    old = tmp_path / "old.db"
    of_the_first_version(old, Path(str(index.url.database)))
    upgraded = open_index(f"sqlite:///{old}")
    assert before == {name: table(upgraded, name) for name in names}

    again = Log(upgraded)
    again.lines = log.lines
    again.say(sight(6))
    assert "present" == states(upgraded)[6], "and it goes on where it stood"
    assert books(upgraded)
    upgraded.dispose()


def test_a_first_version_that_is_really_one_lacks_what_came_later(tmp_path: Path):
    path = tmp_path / "old.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        command.upgrade(configuration(connection), FIRST)
        names = {name for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master")}
    engine.dispose()
    assert {"stores", "items"} <= names
    assert not {"quarantines", "backups", "standings"} & names


@pytest.mark.parametrize(
    "revision", ["0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009"]
)
def test_every_version_between_comes_up_too(tmp_path: Path, revision: str):
    url = f"sqlite:///{tmp_path / 'old.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        command.upgrade(configuration(connection), revision)
    engine.dispose()
    upgraded = open_index(url)
    add_store(upgraded, STORE)
    with writing(upgraded) as connection:
        head = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    assert revision < str(head)
    upgraded.dispose()
