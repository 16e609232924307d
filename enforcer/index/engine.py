"""The index's database: SQLite by default, PostgreSQL for more than one machine.

Two ways in, and no third: `reading` sees one consistent state, `writing` is one transaction that
is durable when its block ends and leaves nothing behind if an error does. On SQLite writers take
turns. On PostgreSQL they do too, except that the agents' logs of different stores, which is what
there is much of, go side by side; the turns are advisory locks, so no statement ever has to be
tried again.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from contextvars import ContextVar
from hashlib import sha256
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError

from enforcer.index.migrations import is_current, upgrade
from retention.errors import ConfigError, UnreachableError

#: How long a writer waits for its turn before it gives up.
BUSY_MILLISECONDS = 60_000

_PRAGMAS = (
    "journal_mode = WAL",
    # FULL: what was acknowledged to an agent survives a power cut.
    "synchronous = FULL",
    # What was erased leaves nothing behind in free pages (I8).
    "secure_delete = ON",
    "foreign_keys = ON",
    f"busy_timeout = {BUSY_MILLISECONDS}",
    "temp_store = MEMORY",
    "cache_size = -65536",
)

_SCRUB = (
    "PRAGMA temp_store = FILE",  # the working copy is as large as the index
    "VACUUM",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA wal_checkpoint(TRUNCATE)",
)

#: Key of the advisory lock that makes PostgreSQL's writers take turns; any constant will do.
_TURN = 0x5245_5445_4E54

_REFUSAL = "{!r} is no index: write sqlite:///FILE or postgresql+psycopg://..."

_BEGIN = "index_begin"  # execution option: how this connection begins a transaction
_writing: ContextVar[frozenset[int]] = ContextVar("writing", default=frozenset())


def open_index(url: str | URL) -> Engine:
    """Open the index at this SQLAlchemy URL; a new one is made, an old one brought up to date.

    `ConfigError` if the URL is none of ours, the database cannot be opened, or a newer version
    of the enforcer wrote it.
    """
    engine = _engine(url)
    with _opened(engine), writing(engine) as connection:
        upgrade(connection)
    return engine


def look_at_index(url: str | URL) -> Engine:
    """Open an index that is there, and leave it as it is.

    `ConfigError` as `open_index`, and also if there is none, or an older version wrote it.
    """
    file = file_of(url)
    if file is not None and not file.exists():
        raise ConfigError(f"there is no index {file}")
    engine = _engine(url)
    with _opened(engine), reading(engine) as connection:
        current = is_current(connection)
    if not current:
        raise ConfigError(
            f"an older version wrote the index {engine.url}: it is brought up to date when the "
            "enforcer starts"
        )
    return engine


def file_of(url: str | URL) -> Path | None:
    """The file an index lies in; None if a server has it. `ConfigError` if the URL is none."""
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


@contextmanager
def _opened(engine: Engine) -> Iterator[None]:
    """An index that cannot be opened is a mistake in its URL, a server that is not there, or damaged."""
    try:
        yield
    except UnreachableError as error:
        said = str(getattr(error.__cause__, "orig", error)).strip()
        raise ConfigError(f"cannot open the index {engine.url}: {said}") from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:  # a statement of ours that is wrong: a bug
            raise
        raise ConfigError(
            f"cannot open the index {engine.url}: {error.orig}; restore it (docs/backup-and-restore.md)"
        ) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one consistent state for as long as the block lasts.

    `UnreachableError` if the database cannot be read.
    """
    options = _options(engine, "DEFERRED")
    with _translated(), engine.connect().execution_options(**options) as connection:
        yield connection


@contextmanager
def writing(engine: Engine, *, store: str | None = None) -> Iterator[Connection]:
    """A write transaction: committed at the block's end, undone if an error leaves the block.

    With `store`, the writer promises to touch no other store's rows, and different stores may go
    side by side. `UnreachableError` if the database does not answer or has no room: nothing was
    written, and a message whose answer got lost on the way may be sent again (I6). A write
    transaction within another of the same index is a bug, and `RuntimeError`.
    """
    held = _writing.get()
    if id(engine) in held:
        raise RuntimeError("a write transaction was begun within another one")
    token = _writing.set(held | {id(engine)})
    try:
        options = _options(engine, "IMMEDIATE")
        with (
            _translated(),
            engine.connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            _take_turn(connection, store)
            yield connection
    finally:
        _writing.reset(token)


@contextmanager
def _translated() -> Iterator[None]:
    """Out of the driver's words into ours: what may pass by itself is no bug."""
    try:
        yield
    except OperationalError as error:
        what = "has no room left on its disk" if _is_full(error.orig) else "does not answer"
        raise UnreachableError(f"the enforcer's index {what}") from error


def _is_full(error: BaseException | None) -> bool:
    """SQLite's word for it, and PostgreSQL's (SQLSTATE class 53)."""
    said = getattr(error, "sqlite_errorname", "") or getattr(error, "sqlstate", "") or ""
    return said in {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "53100"}


def bulk(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a statement once per row, as fast as the driver goes; its parameters are spelled `?`."""
    if not rows:
        return
    if connection.dialect.paramstyle != "qmark":
        statement = statement.replace("?", "%s")
    connection.exec_driver_sql(statement, list(rows))


def scrub(engine: Engine) -> None:
    """Overwrite what deleted rows left behind: once a day, when little is going on (I8).

    SQLite zeroes a deleted row, but neither the copy it left when it was moved to another page nor
    those in the write-ahead log: the file is written anew (a second or two per million items,
    while writers wait) and the log emptied. On PostgreSQL dead rows lie in their pages until
    vacuumed; its own write-ahead log and backups are beyond us, and named as residuals.
    """
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as connection:
            for statement in _SCRUB:
                connection.cursor().execute(statement)
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM")


def _parsed(url: str | URL) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise ConfigError(_REFUSAL.format(str(url)[:80])) from error


def _engine(url: str | URL) -> Engine:
    parsed = _parsed(url)
    backend = parsed.get_backend_name()
    if backend not in {"sqlite", "postgresql"}:
        raise ConfigError(_REFUSAL.format(backend))
    if backend == "sqlite":
        _check_directory(parsed)
    try:
        # A connection that its server has dropped since is replaced before it is used.
        engine = create_engine(parsed, pool_pre_ping=backend == "postgresql")
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigError(
            f"no driver for {parsed.drivername}: install retention-enforcer[postgres]"
        ) from error
    if backend == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    return engine


def _check_directory(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        raise ConfigError("the index must be a file: write sqlite:///FILE")
    directory = Path(url.database).parent
    if not directory.is_dir():
        raise ConfigError(f"there is no directory {directory} to keep the index in")


def _set_pragmas(connection: SqliteConnection, _record: Any) -> None:
    # Python's sqlite3 would begin transactions by itself, deferred and late; `_begin` does it.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get(_BEGIN, "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


def _options(engine: Engine, mode: str) -> dict[str, Any]:
    if engine.dialect.name == "sqlite":
        return {_BEGIN: mode}
    if mode == "IMMEDIATE":
        return {"isolation_level": "READ COMMITTED"}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _take_turn(connection: Connection, store: str | None) -> None:
    """PostgreSQL only: alone, or shared with the writers of other stores."""
    if connection.dialect.name == "sqlite":
        return
    if store is None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
        return
    ours = int.from_bytes(sha256(store.encode()).digest()[:8], "big", signed=True)
    connection.execute(text("SELECT pg_advisory_xact_lock_shared(:turn)"), {"turn": _TURN})
    connection.execute(text("SELECT pg_advisory_xact_lock(:store)"), {"store": ours})
