"""What is a table's own: keys, blanking, rights, rows that change, and answers that get lost."""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from stores.place import STORE, SqlPlace, want, wanted

from agents.stores import Found, Generation, Wanted
from agents.stores.rows import sql_erasing, sql_rows, sqlite
from agents.stores.rows.database import RejectedError
from agents.stores.rows.postgres import Postgres
from agents.stores.rows.shape import shape
from agents.stores.rows.sql_rows import SqlRows, enrol, read_identity
from agents.stores.rows.sqlite import Sqlite
from agents.stores.rows.tables import Table, key_named
from retention.errors import ConfigError, RefusedError, StoreUnreachableError, UnreadableError
from retention.outcome import Outcome
from retention.probes import Telephone

SHAPE = shape(time="start", zone="Europe/Riga", call="call", numbers=("src",))


@pytest.fixture(params=["rows of SQLite", "rows of PostgreSQL"])
def place(request: pytest.FixtureRequest) -> Iterator[SqlPlace]:
    if request.param == "rows of SQLite":
        made: SqlPlace = request.getfixturevalue("sqlite_rows")
    else:
        made = request.getfixturevalue("postgres_place")()
    yield made
    made.close()


@pytest.fixture
def on_postgres(postgres_place: Callable[[], SqlPlace]) -> Iterator[SqlPlace]:
    place = postgres_place()
    yield place
    place.close()


def never(path: bytes, why: str) -> None:
    pytest.fail(f"{path!r} could not be read: {why}")


def listed(store: Any, directory: bytes = b"d") -> list[Found]:
    return list(store.listing(directory, never))


def made(place: SqlPlace, columns: str, *, rows: str = "", **declared: Any) -> SqlRows:
    """A store of one table `cdr` with these columns."""
    place.database.rows(f"CREATE TABLE cdr ({columns})")
    if rows:
        place.database.rows(f"INSERT INTO cdr VALUES {rows}")
    table = Table(**{"name": "cdr", "key": "id", "shape": SHAPE, **declared})
    store = SqlRows(place._connect(), STORE, {b"d": table})
    place._opened.append(store)
    return store


CDR = "id INTEGER PRIMARY KEY, call TEXT, src TEXT, start TEXT"
CDRS = {b"d": Table("cdr", "id", SHAPE)}


def test_a_table_is_walked_in_the_order_of_its_keys_page_by_page(
    place: SqlPlace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sql_rows, "PAGE", 7)
    rows = ", ".join(f"({n}, 'c{n}', '1', '2026-03-16 12:00:00')" for n in range(100, 0, -1))
    store = made(place, CDR, rows=rows)
    assert [int(key_named(f.name) or "") for f in listed(store)] == list(range(1, 101))
    assert listed(store)[41].part.whole == b"c42"


def test_a_time_is_read_as_text_or_as_the_databases_own(place: SqlPlace):
    kind = "TIMESTAMPTZ" if isinstance(place.database, Postgres) else "TEXT"
    store = made(
        place,
        f"id INTEGER PRIMARY KEY, call TEXT, src TEXT, start {kind}",
        rows="(1, 'c', '1', '2026-03-16 12:00:00.25+02'), (2, 'c', '1', NULL)",
    )
    one, two = listed(store)
    with store.open(b"d", one.name) as source:
        stated, number = source.stated
        assert stated.value.isoformat() == "2026-03-16T10:00:00+00:00"
        assert number == Telephone("1")
    with store.open(b"d", two.name) as source:
        assert list(source.stated) == [Telephone("1")]


def test_columns_are_blanked_and_the_row_stays_but_is_no_item_any_more(place: SqlPlace):
    rows = "(1, 'c1', '+371', '2026-03-16 12:00:00'), (2, 'c2', '+371', '2026-03-16 12:00:00')"
    store = made(place, CDR, rows=rows, blank=("src", "call"))
    one, two = listed(store)
    results = store.erase({b"d": [wanted(1, one)]})
    assert [result.outcome for result in results] == [Outcome.ERASED_VERIFIED]
    assert listed(store) == [two]
    assert store.find(b"d", one.name) is None
    left = place.database.rows("SELECT call, src, start FROM cdr ORDER BY id")
    assert left == [
        (None, None, "2026-03-16 12:00:00"),
        ("c2", "+371", "2026-03-16 12:00:00"),
    ]
    assert store.erase({b"d": [wanted(1, one)]})[0].outcome is Outcome.ALREADY_ABSENT


@pytest.mark.parametrize(
    ("columns", "declared", "sentence"),
    [
        (CDR, {"name": "none"}, "there is no table 'none'"),
        (CDR, {"key": "uid"}, "'cdr' has no column 'uid'"),
        (CDR, {"blank": ("phone",)}, "'cdr' has no column 'phone'"),
        (CDR, {"key": "call"}, "neither its primary key nor unique"),
        (CDR, {"blank": ("start",)}, "neither key nor time of 'cdr' can be blanked"),
        (CDR.replace("src TEXT", "src TEXT NOT NULL"), {"blank": ("src",)}, "cannot be NULL"),
        (CDR.replace("call TEXT", "talk TEXT"), {}, "'cdr' has no column 'call'"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence_at_the_start(
    place: SqlPlace, columns: str, declared: dict[str, Any], sentence: str
):
    store = made(place, columns, **declared)
    with pytest.raises(ConfigError, match=sentence):
        store.verify()
    told: dict[bytes, str] = {}
    assert list(store.listing(b"d", told.__setitem__)) == []
    assert sentence in told[b"d"]
    with pytest.raises(UnreadableError, match=sentence):
        store.find(b"d", b"1")
    want = Wanted(1, b"1", Generation(1, 2, 0), 1)
    assert store.erase({b"d": [want]})[0].outcome is Outcome.BLOCKED


def test_what_is_declared_no_more_is_blocked_and_not_gone(place: SqlPlace):
    store = made(place, CDR, rows="(1, 'c', '1', '2026-03-16 12:00:00')")
    [one] = listed(store)
    fewer = SqlRows(place.database, STORE, {})
    with pytest.raises(UnreadableError, match="not declared any more"):
        fewer.find(b"d", one.name)
    assert fewer.erase({b"d": [wanted(1, one)]})[0].outcome is Outcome.BLOCKED


def test_a_row_that_others_refer_to_blocks_itself_and_no_other(place: SqlPlace):
    rows = ", ".join(f"({n}, 'c', '1', '2026-03-16 12:00:00')" for n in (1, 2, 3))
    store = made(place, CDR, rows=rows)
    place.database.rows("CREATE TABLE rating (of INTEGER REFERENCES cdr (id))")
    place.database.rows("INSERT INTO rating VALUES (2)")
    if isinstance(store._database, Sqlite):
        store._database.rows("PRAGMA foreign_keys = ON")
    wants = [wanted(n, found) for n, found in enumerate(listed(store), start=1)]
    results = {r.number: r.outcome for r in store.erase({b"d": wants})}
    assert results == {
        1: Outcome.ERASED_VERIFIED,
        2: Outcome.BLOCKED,
        3: Outcome.ERASED_VERIFIED,
    }


class Twisted:
    """A database one of whose methods does something else."""

    def __init__(self, database: Any, **twists: Any) -> None:
        self._database = database
        for name, twist in twists.items():
            setattr(self, name, twist)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


@pytest.mark.parametrize("done", [True, False], ids=["after it was done", "before"])
def test_an_answer_that_got_lost_with_the_commit_is_looked_for(place: SqlPlace, done: bool):
    place.put(b"d", b"a", b"data")
    due = want(place, 1, b"d", b"a")
    database = place._connect()

    @contextmanager
    def change() -> Iterator[None]:
        with suppress(ZeroDivisionError), database.change():
            yield
            if not done:
                raise ZeroDivisionError
        raise StoreUnreachableError("The database did not answer.")

    store = SqlRows(Twisted(database, change=change), STORE, place.tables)  # type: ignore[arg-type]
    [result] = store.erase({b"d": [due]})
    assert result.outcome is (Outcome.ERASED_VERIFIED if done else Outcome.FAILED)
    assert (place.get(b"d", b"a") is None) == done
    store.close()


def test_what_cannot_be_looked_at_afterwards_is_not_called_erased(place: SqlPlace):
    place.put(b"d", b"a", b"data")
    due = want(place, 1, b"d", b"a")
    database = place._connect()
    erased = []

    def rows(statement: str, arguments: Any = ()) -> Any:
        if erased:
            raise StoreUnreachableError("The database did not answer.")
        if statement.startswith("DELETE"):
            erased.append(1)
        return database.rows(statement, arguments)

    store = SqlRows(Twisted(database, rows=rows), STORE, place.tables)  # type: ignore[arg-type]
    [result] = store.erase({b"d": [due]})
    assert result.outcome is Outcome.FAILED
    assert place.again().recover({b"d": [due]})[0].outcome is Outcome.ERASED_VERIFIED
    store.close()


def test_a_row_that_is_changed_between_the_look_and_the_deletion_stays(
    on_postgres: SqlPlace,
):
    """The look takes no lock: a role that may only delete can take none."""
    on_postgres.put(b"d", b"a", b"data")
    on_postgres.put(b"d", b"b", b"data")
    dues = [want(on_postgres, n, b"d", name) for n, name in enumerate((b"a", b"b"))]
    database = on_postgres._connect()

    def rows(statement: str, arguments: Any = ()) -> Any:
        if statement.startswith("DELETE"):
            on_postgres.put(b"d", b"a", b"corrected")
        return database.rows(statement, arguments)

    store = SqlRows(Twisted(database, rows=rows), STORE, on_postgres.tables)  # type: ignore[arg-type]
    results = [result.outcome for result in store.erase({b"d": dues})]
    assert results == [Outcome.REFUSED_CHANGED, Outcome.ERASED_VERIFIED]
    assert on_postgres.get(b"d", b"a") == b"corrected"
    store.close()


def test_a_large_batch_goes_in_many_transactions(place: SqlPlace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sql_erasing, "BATCH_ROWS", 3)
    rows = ", ".join(f"({n}, 'c', '1', '2026-03-16 12:00:00')" for n in range(10))
    store = made(place, CDR, rows=rows)
    wants = [wanted(n, found) for n, found in enumerate(listed(store))]
    results = store.erase({b"d": wants[:8]})
    assert [r.number for r in results] == list(range(8))
    assert {r.outcome for r in results} == {Outcome.ERASED_VERIFIED}
    assert place.database.rows("SELECT count(*) FROM cdr") in ([(2,)], [("2",)])


def test_rows_without_a_key_are_told(place: SqlPlace):
    columns = CDR.replace("INTEGER PRIMARY KEY", "TEXT UNIQUE")
    store = made(place, columns, rows="('a', 'c', '1', ''), (NULL, 'c', '1', '')")
    told: dict[bytes, str] = {}
    assert len(list(store.listing(b"d", told.__setitem__))) == 1
    assert "without a key" in told[b"d"]


def test_a_database_is_enrolled_once(place: SqlPlace):
    enrol(place.database, STORE)
    with pytest.raises(RefusedError, match="another store: 't-0001'"):
        enrol(place.database, "t-0002")
    with pytest.raises(StoreUnreachableError, match="another store"):
        SqlRows(place.database, "t-0002", {}).check()


def test_a_table_has_one_agent_at_a_time_and_one_agent_has_many_tables(place: SqlPlace):
    first, second = made(place, CDR), SqlRows(place._connect(), STORE, CDRS)
    other = SqlRows(place._connect(), STORE, {b"d": Table("ratings", "id", SHAPE)})
    place.database.rows(f"CREATE TABLE ratings ({CDR})")
    for store in (first, other):
        store.claim(1)
    for act in (lambda: second.claim(2), second.check):
        with pytest.raises(StoreUnreachableError, match="Another agent"):
            act()
    first.close()
    second.check()
    with pytest.raises(StoreUnreachableError, match="Another agent"):
        first.check()
    for store in (second, other):
        store.close()


def test_who_lost_its_connection_and_with_it_a_table_to_another_erases_nothing_more(
    on_postgres: SqlPlace,
):
    first = made(on_postgres, CDR, rows="(1, 'c', '1', '2026-03-16 12:00:00')")
    second = SqlRows(on_postgres._connect(), STORE, CDRS)
    first.claim(1)
    [one] = listed(first)
    [(process,)] = first._database.rows("SELECT pg_backend_pid()")
    on_postgres.database.rows(f"SELECT pg_terminate_backend({process})")
    second.claim(2)
    with pytest.raises(StoreUnreachableError, match="Another agent"):
        first.erase({b"d": [wanted(1, one)]})
    assert [one] == listed(second)
    second.close()


def test_a_connection_that_the_server_ended_is_made_anew(on_postgres: SqlPlace):
    on_postgres.put(b"d", b"a", b"data")
    store = on_postgres.store
    assert len(listed(store)) == 1
    [(process,)] = store._database.rows("SELECT pg_backend_pid()")
    on_postgres.database.rows(f"SELECT pg_terminate_backend({process})")
    assert len(listed(store)) == 1


def role(place: SqlPlace, name: str, *grants: str) -> Postgres:
    """A role of its own, with these rights."""
    [(schema,)] = place.database.rows("SELECT current_schema()")
    role = f"{schema}_{name}"
    place.database.rows(f"CREATE ROLE {role} LOGIN")
    place.database.rows(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    place.database.rows(f"GRANT SELECT ON retention_store TO {role}")
    for grant in grants:
        place.database.rows(f"GRANT {grant} TO {role}")
    return Postgres(place.store._database._dsn.replace("postgres@", f"{role}@"))  # type: ignore[attr-defined]


def test_a_role_that_may_only_read_blocks_and_one_that_may_delete_erases(on_postgres: SqlPlace):
    made(on_postgres, CDR, rows="(1, 'c', '1', '2026-03-16 12:00:00')")
    table = {b"d": Table("cdr", "id", SHAPE)}
    reader = role(on_postgres, "reader", "SELECT ON cdr")
    deleter = role(on_postgres, "deleter", "SELECT, DELETE ON cdr")
    store = SqlRows(reader, STORE, table)
    [one] = listed(store)
    [result] = store.erase({b"d": [wanted(1, one)]})
    assert (result.outcome, result.detail) == (
        Outcome.BLOCKED,
        "The agent has no right to do this.",
    )
    [fact] = [f for f in reader.survey("cdr", blanking=False) if f.subject == "rights"]
    assert (fact.fine, fact.sentence) == (False, "The agent may not DELETE on cdr.")
    [fact] = [f for f in deleter.survey("cdr", blanking=False) if f.subject == "rights"]
    assert fact.fine
    [fact] = [
        f for f in on_postgres.database.survey("cdr", blanking=False) if f.subject == "rights"
    ]
    assert "a superuser" in fact.sentence
    store = SqlRows(deleter, STORE, table)
    assert store.erase({b"d": [wanted(1, one)]})[0].outcome is Outcome.ERASED_VERIFIED
    for database in (reader, deleter):
        database.close()


def test_the_grants_that_the_page_of_rows_names_are_enough_to_be_enrolled(on_postgres: SqlPlace):
    """The table of who it is was made by its owner: the agent may make none in this schema."""
    on_postgres.database.rows("DELETE FROM retention_store")
    agent = role(on_postgres, "enrolled", "INSERT ON retention_store")
    enrol(agent, STORE)
    assert read_identity(on_postgres.database) == STORE
    agent.close()


def test_rows_that_row_level_security_hides_are_not_called_gone(on_postgres: SqlPlace):
    made(on_postgres, CDR, rows="(1, 'c', '1', '2026-03-16 12:00:00')")
    on_postgres.database.rows("ALTER TABLE cdr ENABLE ROW LEVEL SECURITY")
    database = role(on_postgres, "shut", "SELECT, DELETE ON cdr")
    store = SqlRows(database, STORE, {b"d": Table("cdr", "id", SHAPE)})
    with pytest.raises(UnreadableError, match="Row-level security"):
        store.find(b"d", b"1")
    told: dict[bytes, str] = {}
    assert list(store.listing(b"d", told.__setitem__)) == []
    assert b"d" in told
    store.close()


def test_nobody_who_may_not_make_a_table_enrols_and_is_told_what_to_ask_for(
    on_postgres: SqlPlace,
):
    on_postgres.database.rows("DROP TABLE retention_store")
    on_postgres.database.rows("CREATE TABLE retention_store (store TEXT NOT NULL)")
    database = role(on_postgres, "poor")
    with pytest.raises(ConfigError, match="Let its owner CREATE TABLE retention_store"):
        enrol(database, STORE)
    database.close()


def test_what_a_database_refuses_is_told_without_its_values(place: SqlPlace):
    with pytest.raises(RejectedError) as error:
        place.database.rows("SELECT CAST('+37120000001' AS nothing), +37120000001 +")
    assert "37120000001" not in str(error.value)


def test_residuals_are_named(place: SqlPlace):
    place.put(b"d", b"a", b"data")
    table = place.tables[b"d"].name
    place.database.rows(
        "CREATE TABLE log (row TEXT); "
        if isinstance(place.database, Sqlite)
        else "CREATE TABLE log (line TEXT)"
    )
    facts = list(place.database.survey(table, blanking=False))
    assert any(fact.subject == "residuals" and "stay" in fact.sentence for fact in facts)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (("@/", "@127.0.0.1:1/"), "Connection refused"),
        (("postgres@", "nobody@"), 'FATAL: *role "nobody" does not exist'),
        (("/postgres?", "/nothing?"), 'FATAL: *database "nothing" does not exist'),
    ],
)
def test_who_cannot_connect_is_told_why(on_postgres: SqlPlace, changed: tuple[str, str], why: str):
    """Nothing of a row is in what a server says before it lets anybody in."""
    dsn = on_postgres.database._dsn.replace(*changed)  # type: ignore[attr-defined]
    if "127.0.0.1" in changed[1]:
        dsn = dsn.partition("?")[0]
    database = Postgres(dsn)
    with pytest.raises(StoreUnreachableError, match=why + r"\.$"):
        database.rows("SELECT 1")


def test_a_locked_sqlite_file_is_unreachable_and_not_empty(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0)
    path = tmp_path / "calls.db"
    other = sqlite3.connect(path, isolation_level=None)
    database = Sqlite(path)
    enrol(database, STORE)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnreachableError, match="SQLITE_BUSY"):
        SqlRows(database, STORE, {}).check()
    other.execute("ROLLBACK")
    SqlRows(database, STORE, {}).check()
    other.close()
    database.close()


@pytest.mark.parametrize("taken", [False, True], ids=["no file", "no lock"])
def test_a_lock_that_cannot_be_taken_does_not_count_as_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, taken: bool
):
    """On a share without locks, or where something else has its name."""
    database = Sqlite(tmp_path / "calls.db")
    (tmp_path / "calls.db").touch()
    enrol(database, STORE)
    if taken:

        def no_locks(_fd: int, _how: int) -> None:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        monkeypatch.setattr(fcntl, "flock", no_locks)
    else:
        (tmp_path / "calls.db-cdr.lock").symlink_to("/dev/null")
    store = SqlRows(database, STORE, CDRS)
    for act in (lambda: store.claim(1), store.check, store.check):
        with pytest.raises(StoreUnreachableError, match="No lock can be taken beside the database"):
            act()
    store.close()
