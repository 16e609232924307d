"""PostgreSQL as a `Database`. The only module that knows psycopg; imported where one is configured."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg import errors

from agents.stores.rows.database import ANOTHER, Column, RejectedError, Row
from retention.checkup import Fact, amiss, fine
from retention.errors import ConfigError, StoreUnreachableError

CONNECT_SECONDS = 10
_OPTIONS = (
    "-c statement_timeout=120s -c lock_timeout=10s -c idle_in_transaction_session_timeout=120s"
    " -c DateStyle=ISO -c TimeZone=UTC"
    # An agent whose machine lost its power is no more within two minutes: then another may claim.
    " -c tcp_keepalives_idle=60 -c tcp_keepalives_interval=15 -c tcp_keepalives_count=4"
)
# One that has just ended may not have been missed by the server yet.
_PATIENCE = "SET LOCAL lock_timeout = '1s'"
_CLAIM = """
SELECT pg_advisory_lock(hashtextextended('retention ' || n.nspname || '.' || c.relname, 0))
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(%s)
"""
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull AS nullable,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid
                  AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) AS only,
       row_security_active(c.oid)
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
   AND c.relkind IN ('r', 'p')
 ORDER BY a.attnum
"""
_SURVEY = """
SELECT has_table_privilege(c.oid, 'SELECT'), has_table_privilege(c.oid, 'DELETE'),
       has_any_column_privilege(c.oid, 'UPDATE'),
       r.rolsuper OR pg_has_role(c.relowner, 'USAGE'),
       has_any_column_privilege(c.oid, 'INSERT') OR has_table_privilege(c.oid, 'TRUNCATE'),
       (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
       (SELECT count(*) FROM pg_constraint f WHERE f.confrelid = c.oid AND f.confdeltype = 'c'),
       (SELECT count(*) FROM pg_replication_slots),
       (SELECT count(*) FROM pg_publication_tables p WHERE to_regclass(
            quote_ident(p.schemaname) || '.' || quote_ident(p.tablename)) = c.oid),
       current_setting('archive_mode') <> 'off', pg_is_in_recovery(),
       (SELECT count(*) FROM pg_roles o WHERE o.rolcanlogin AND NOT o.rolsuper
           AND o.rolname <> current_user AND has_table_privilege(o.oid, c.oid, 'DELETE'))
  FROM pg_class c, pg_roles r
 WHERE c.oid = to_regclass(%(table)s) AND r.rolname = current_user
"""
_SENTENCES = {
    errors.InsufficientPrivilege: "The agent has no right to do this.",
    errors.IntegrityError: "Other rows refer to it, or a rule of the table forbids it.",
    errors.ReadOnlySqlTransaction: "The database is read-only; perhaps it is a replica.",
}

_HIDDEN = (
    "Row-level security may hide rows of this table from the agent: what it does not see is not "
    "known to be gone. Give its role BYPASSRLS."
)


class Surveyed(NamedTuple):
    """What a database says of a table and of the agent's role."""

    selects: bool
    deletes: bool
    updates: bool
    owns: bool
    writes: bool
    triggers: int
    cascades: int
    slots: int
    published: int
    archived: bool
    replica: bool
    deleters: int  # other roles that log in, superusers apart, and may delete


class Postgres:
    """A `Database`. `dsn` is a connection string of libpq, or a URL."""

    mark = "%s"
    locking = " FOR UPDATE"

    def __init__(self, dsn: str) -> None:
        try:
            declared = psycopg.conninfo.conninfo_to_dict(dsn).get("options") or ""
        except psycopg.ProgrammingError as error:
            raise ConfigError("the DSN of the database cannot be read") from error
        self._dsn = dsn
        self._options = f"{_OPTIONS} {declared}"
        self._connection: psycopg.Connection[Row] | None = None
        self._claims: set[str] = set()
        self._claimed: set[str] = set()  # in this connection, as long as it lasts

    def quoted(self, identifier: str) -> str:
        """See `Database.quoted`."""
        return '"' + identifier.replace('"', '""').replace("%", "%%") + '"'

    def quoted_table(self, table: str) -> str:
        """See `Database.quoted_table`."""
        return ".".join(map(self.quoted, table.split(".", 1)))

    def text(self, column: str) -> str:
        """See `Database.text`."""
        return f"{column}::text"

    def among(self, column: str, kind: str) -> str:
        """See `Database.among`."""
        return f"{column} = ANY(%s::text[]::{kind.replace('%', '%%')}[])"

    def listed(self, values: Sequence[str]) -> list[str]:
        """See `Database.listed`."""
        return list(values)

    def after(self, column: str, kind: str) -> str:
        """See `Database.after`."""
        return f"{column} > %s::text::{kind.replace('%', '%%')}"

    def columns(self, table: str) -> list[Column]:
        """See `Database.columns`."""
        name = self.quoted_table(table).replace("%%", "%")
        rows: list[Any] = self.rows(_COLUMNS, (name,))
        if rows and rows[0][4]:
            raise RejectedError(_HIDDEN, blocked=True)
        return [Column(name, kind, nullable, only) for name, kind, nullable, only, _ in rows]

    def rows(self, statement: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """See `Database.rows`."""
        with self._translated():
            cursor = self._connected().execute(statement.encode(), arguments)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def change(self) -> Iterator[None]:
        """See `Database.change`."""
        with self._translated(), self._connected().transaction():
            yield

    def claim(self, table: str) -> None:
        """See `Database.claim`: by an advisory lock, which ends with the connection."""
        self._claims.add(table)
        with self._translated():
            self._connected()

    def settle(self) -> None:
        """See `Database.settle`. Vacuuming is the database's own."""

    def survey(self, table: str, *, blanking: bool) -> Iterator[Fact]:
        """See `Database.survey`."""
        name = self.quoted_table(table).replace("%%", "%")
        with self._translated():
            found: list[Any] = self._connected().execute(_SURVEY, {"table": name}).fetchall()
        [facts] = found
        yield from _facts(table, Surveyed(*facts), blanking=blanking)

    def close(self) -> None:
        """See `Database.close`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._claimed.clear()

    def _connected(self) -> psycopg.Connection[Row]:
        if self._connection is None:
            self._connection = psycopg.connect(
                self._dsn,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                options=self._options,
                application_name="retention-agent",
            )
        for table in self._claims - self._claimed:
            self._lock(self._connection, table)
        return self._connection

    def _lock(self, connection: psycopg.Connection[Row], table: str) -> None:
        """Nothing is locked where there is no such table."""
        name = self.quoted_table(table).replace("%%", "%")
        try:
            with connection.transaction():
                connection.execute(_PATIENCE)
                if connection.execute(_CLAIM, (name,)).rowcount:
                    self._claimed.add(table)
        except errors.LockNotAvailable as error:
            self.close()
            raise StoreUnreachableError(ANOTHER) from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Out of the driver's words into ours. Those tell values; ours do not (I8)."""
        try:
            yield
        except psycopg.Error as error:
            code = error.sqlstate or type(error).__name__
            known = self._connection
            if known is None:
                raise StoreUnreachableError(_not_connected(error)) from error
            if known.broken or known.closed:
                self.close()
                raise StoreUnreachableError(f"The database did not answer ({code}).") from error
            for kind, sentence in _SENTENCES.items():
                if isinstance(error, kind):
                    raise RejectedError(sentence, blocked=True) from error
            raise RejectedError(f"The database refused it ({code}).", blocked=False) from error


def _not_connected(error: psycopg.Error) -> str:
    """Why, in the driver's words: before there is a connection they are about server, role and password."""
    first, *_ = str(error).strip().splitlines() or [type(error).__name__]
    return f"There is no connection to the database: {first.rpartition(' failed: ')[2]}."


def _facts(table: str, seen: Surveyed, *, blanking: bool) -> Iterator[Fact]:
    yield from _rights(table, seen, blanking=blanking)
    yield _held(table, seen)
    if seen.replica:
        yield amiss(
            "database",
            "It is a replica.",
            why="Nothing can be erased here.",
            remedy="Name the primary in `dsn`.",
        )
    if seen.triggers:
        yield amiss(
            "triggers",
            f"{table} has triggers ({seen.triggers}).",
            why="They may copy a row before it goes, and the copy stays.",
            remedy="Look at what they do; a table that they write to is one to declare as well.",
        )
    if seen.cascades and not blanking:
        yield amiss(
            "cascades",
            f"With a row of {table} go rows of other tables ({seen.cascades}) that refer to it.",
            why="Nobody asks whether those are due, or held.",
            remedy="Blank columns instead of deleting rows, or take ON DELETE CASCADE away.",
        )
    keepers = [f"replication slots ({seen.slots})"] * bool(seen.slots)
    keepers += [f"publications ({seen.published})"] * bool(seen.published)
    keepers += ["the archive of its log"] * seen.archived
    stays = (
        "What is erased stays in free pages until the table is vacuumed, in the log until that is "
        "recycled, and in every backup"
    )
    if keepers:
        yield amiss(
            "residuals",
            stays + "".join(f", and in {keeper}" for keeper in keepers) + ".",
            why="So somebody else has the rows after their limit, and nobody erases them there.",
            remedy="See what is kept there and how long; register it as a backup at the enforcer.",
        )
    else:
        yield fine("residuals", f"{stays}.")


def _held(table: str, seen: Surveyed) -> Fact:
    if not seen.deleters:
        sentence = f"No other role but a superuser may take rows out of {table}."
        return fine("held rows", sentence)
    return amiss(
        "held rows",
        f"Other roles ({seen.deleters}) may take rows out of {table}.",
        why="A row that is held is kept from nobody who may: one that goes is told as lost.",
        remedy="Take DELETE from all roles but the agent's.",
    )


def _rights(table: str, seen: Surveyed, *, blanking: bool) -> Iterator[Fact]:
    needed = {"SELECT": seen.selects, ("UPDATE" if blanking else "DELETE"): _acts(seen, blanking)}
    missing = [right for right, given in needed.items() if not given]
    if missing:
        yield amiss(
            "rights",
            f"The agent may not {' and '.join(missing)} on {table}.",
            why="What is due there will not go.",
            remedy=f"GRANT {', '.join(missing)} ON {table} to its role.",
        )
    elif seen.owns:
        yield _too_wide(f"The agent's role owns {table} or is a superuser.")
    elif seen.writes or (seen.deletes if blanking else seen.updates):
        needs = " and ".join(needed)
        yield _too_wide(f"The agent needs only {needs} on {table}, and has more.")
    else:
        yield fine("rights", f"The agent may do with {table} what it must, and no more.")


def _too_wide(sentence: str) -> Fact:
    return amiss(
        "rights",
        sentence,
        why="Whoever takes its credentials could change what calls are said to have been.",
        remedy="Give it a role of its own with the grants of docs/rows.md.",
    )


def _acts(seen: Surveyed, blanking: bool) -> bool:  # noqa: FBT001 - which of two rights
    return seen.updates if blanking else seen.deletes
