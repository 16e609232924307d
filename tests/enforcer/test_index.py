"""The index's database: opened, brought up to date, read and written in turns."""

import re
import sqlite3
import threading
from pathlib import Path

import pytest
from fleet import add_store, asks_for_a_lock
from sqlalchemy import Engine, create_engine, delete, func, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError
from waiting import NEVER_SECONDS, wait_until

from enforcer.index.engine import open_index, reading, scrub, writing
from enforcer.index.tables import history, items, metadata, stores, tallies
from retention.errors import ConfigError


def event(subject: str) -> dict[str, object]:
    return {"at": 0, "person": "anna", "verb": "looked", "subject": subject}


def subjects(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(history.c.subject).order_by(history.c.id)).scalars())


def schema_of(path: Path) -> dict[str, str]:
    """Every table and index by name, in SQL without what only the spelling tells apart."""
    with sqlite3.connect(path) as database:
        found = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {
            name: re.sub(r"[\s\"]+", " ", sql).replace("( ", "(").replace(" )", ")").strip()
            for name, sql in found
            if name != "alembic_version"
        }


def test_migrations_make_the_tables_of_the_metadata(tmp_path: Path) -> None:
    migrated, made = tmp_path / "migrated.db", tmp_path / "made.db"
    open_index(f"sqlite:///{migrated}").dispose()
    engine = create_engine(f"sqlite:///{made}")
    metadata.create_all(engine)
    engine.dispose()
    assert schema_of(made) == schema_of(migrated)


def test_migrations_make_the_same_tables_on_postgresql(postgres: Engine) -> None:
    found = inspect(postgres)
    assert {*metadata.tables, "alembic_version"} == set(found.get_table_names())
    for name, table in metadata.tables.items():
        expected = {column.name: bool(column.nullable) for column in table.columns}
        assert expected == {c["name"]: c["nullable"] for c in found.get_columns(name)}
        assert {i.name for i in table.indexes} == {i["name"] for i in found.get_indexes(name)}


def test_opening_again_keeps_what_is_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'index.db'}"
    first = open_index(url)
    add_store(first, "a")
    first.dispose()
    second = open_index(url)
    with reading(second) as connection:
        assert ["a"] == list(connection.execute(select(stores.c.id)).scalars())
    second.dispose()


def test_an_index_of_a_newer_version_is_refused_in_one_sentence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'index.db'}"
    engine = open_index(url)
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(ConfigError, match=r"newer version of the enforcer .* 9999"):
        open_index(url)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("enforcer.db", "is no index"),
        ("sqlite://", "must be a file"),
        ("sqlite:////nowhere/at/all/index.db", "no directory /nowhere/at/all"),
        ("mysql://localhost/enforcer", "'mysql' is no index"),
        ("postgresql+nodriver://localhost/enforcer", r"install retention-enforcer\[postgres\]"),
        ("postgresql+psycopg://nobody@127.0.0.1:1/enforcer", "cannot open the index"),
    ],
)
def test_what_is_no_index_is_refused_in_one_sentence(url: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        open_index(url)


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refusal:
        open_index("postgresql+psycopg://enforcer:hunter2@127.0.0.1:1/enforcer")
    assert "hunter2" not in str(refusal.value)


def test_every_connection_is_safe_against_power_cuts_and_leftovers(index: Engine) -> None:
    with reading(index) as one, reading(index) as other:
        for connection in (one, other):
            told = {
                pragma: connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()
                for pragma in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
            }
            full, on = 2, 1
            assert {
                "journal_mode": "wal",
                "synchronous": full,
                "secure_delete": on,
                "foreign_keys": on,
            } == told


def test_a_row_of_a_store_that_is_not_there_is_refused(index: Engine) -> None:
    row = {"store": "x", "record_class": "c", "civil": 1, "state": "seen", "items": 1, "bytes": 1}
    with pytest.raises(IntegrityError), writing(index) as connection:
        connection.execute(insert(tallies).values(row))


def test_an_error_leaves_nothing_behind(either: Engine) -> None:
    def write_and_fail() -> None:
        with writing(either) as connection:
            connection.execute(insert(history).values(event("undone")))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert [] == subjects(either)


def test_a_write_within_a_write_is_a_bug(either: Engine) -> None:
    with writing(either), pytest.raises(RuntimeError, match="within another"), writing(either):
        pass
    with writing(either) as connection:
        connection.execute(insert(history).values(event("afterwards")))
    assert ["afterwards"] == subjects(either)


def test_a_reader_sees_one_state_while_others_write(either: Engine) -> None:
    query = select(history.c.subject)
    with reading(either) as connection:
        before = list(connection.execute(query).scalars())
        with writing(either) as writer:
            writer.execute(insert(history).values(event("meanwhile")))
        assert before == list(connection.execute(query).scalars())
    assert ["meanwhile"] == subjects(either)


def test_writers_take_turns(either: Engine) -> None:
    """Each reads the count and writes one more: a lost turn would write the same number twice."""
    add_store(either, "a")

    def count_up() -> None:
        for _ in range(20):
            with writing(either) as connection:
                applied = connection.execute(select(stores.c.applied)).scalar_one()
                connection.execute(update(stores).values(applied=applied + 1))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(either) as connection:
        assert 80 == connection.execute(select(stores.c.applied)).scalar_one()


def test_stores_write_side_by_side_on_postgresql_and_everybody_else_alone(postgres: Engine) -> None:
    waited = threading.Event()

    def alone() -> None:
        with writing(postgres):
            waited.set()

    with writing(postgres, store="a"):
        beside = threading.Thread(target=_pass_through, args=(postgres, "b"))
        beside.start()
        beside.join(NEVER_SECONDS)
        assert not beside.is_alive()
        other = threading.Thread(target=alone)
        other.start()
        wait_until(lambda: asks_for_a_lock(postgres), "the other waits for its turn")
        assert not waited.is_set()
    other.join(NEVER_SECONDS)
    assert waited.is_set()


def _pass_through(engine: Engine, store: str) -> None:
    with writing(engine, store=store):
        pass


def test_scrubbing_leaves_no_byte_of_a_deleted_row(index: Engine, tmp_path: Path) -> None:
    add_store(index, "a")
    fingerprints = [b"fingerprint-%06d" % number for number in range(3000)]
    rows = [
        {
            "store": "a",
            "epoch": 1,
            "number": number,
            "record_class": "terminal-image",
            "source": "cam",
            "civil": 1,
            "how": "name",
            "span": 0,
            "before": 0,
            "after": 0,
            "seen": 0,
            "size": 1,
            "fingerprint": fingerprint,
            "not_before": 0,
            "state": "present",
        }
        for number, fingerprint in enumerate(fingerprints)
    ]
    with writing(index) as connection:
        connection.execute(insert(items), rows)
    with writing(index) as connection:
        connection.execute(items.delete().where(items.c.number % 3 != 0))
    scrub(index)
    left = b"".join(path.read_bytes() for path in tmp_path.glob("index.db*"))
    kept = [f for f in fingerprints if f in left]
    assert fingerprints[::3] == kept


def test_scrubbing_gives_back_the_pages_of_deleted_rows_on_postgresql(postgres: Engine) -> None:
    with writing(postgres) as connection:
        connection.execute(insert(history).values(event("gone")))
        connection.execute(delete(history))
    size = select(func.pg_relation_size("history"))
    with reading(postgres) as connection:
        assert connection.execute(size).scalar_one() > 0
    scrub(postgres)
    with reading(postgres) as connection:
        assert 0 == connection.execute(size).scalar_one()
