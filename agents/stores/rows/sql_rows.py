"""The store whose items are rows of declared SQL tables. Each table is a directory.

A row is named by its key. Its generation is a hash of all that is in it, so one that was changed
after it was dated is another. Nothing is kept from other deleters here.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from agents.stores import Batch, Erased, Found, Generation, Mark, Unread, Wanted
from agents.stores.files.beneath import components, must_be_component
from agents.stores.rows.database import IDENTITY, Database, RejectedError
from agents.stores.rows.row import OpenRow, generation_of
from agents.stores.rows.sql_erasing import Erasure, rows_named
from agents.stores.rows.tables import Statements, Table, key_named, name_of, prepare
from retention.errors import (
    ConfigError,
    GoneError,
    RefusedError,
    StoreUnreachableError,
    UnreadableError,
)
from retention.outcome import Outcome

PAGE = 1000

_UNDECLARED = "The table it was found in is not declared any more."
_KEYLESS = "It has rows without a key, which cannot be told apart."


class SqlRows:
    """A `Store`. `tables` are the declared ones, by the directories that they are seen as."""

    def __init__(self, database: Database, store: str, tables: Mapping[bytes, Table]) -> None:
        self._database = database
        self._store = store
        self._tables = tables
        self._statements: dict[bytes, Statements] = {}

    def check(self) -> None:
        """See `Store.check`. A connection that was lost since the last time is made anew once."""
        try:
            found = read_identity(self._database)
        except StoreUnreachableError:
            found = read_identity(self._database)
        except RejectedError as error:
            raise StoreUnreachableError(str(error)) from error
        if found is None:
            raise StoreUnreachableError("This database was never enrolled, or is another one.")
        if found != self._store:
            raise StoreUnreachableError(f"This database is enrolled as another store: {found!r}.")

    def verify(self) -> None:
        """Compare what is declared with what is there. `ConfigError` with one sentence."""
        for directory in self._tables:
            self._prepared(directory)

    def directories(self, unread: Unread) -> Iterator[bytes]:  # noqa: ARG002 - all of them are declared
        """See `Store.directories`."""
        self.check()
        told: set[bytes] = set()
        for directory in [b"", *sorted(self._tables)]:
            parts = components(directory)
            for depth in range(len(parts) + 1):
                path = b"/".join(parts[:depth])
                if path not in told:
                    told.add(path)
                    yield path
                    self.check()

    def listing(self, directory: bytes, unread: Unread) -> Iterator[Found]:
        """See `Store.listing`. The rows of a table come in the order of their keys, page by page."""
        components(directory)
        self.check()
        if directory not in self._tables:
            return
        try:
            yield from self._listed(directory, unread)
        except (ConfigError, RejectedError) as error:
            unread(directory, str(error))

    def find(self, directory: bytes, name: bytes) -> Found | None:
        """See `Store.find`. In a table that is not declared nothing is known."""
        content = self._content(directory, name)
        return None if content is None else self._found(directory, name, content)

    def missing(self, directory: bytes, names: Sequence[bytes]) -> set[bytes]:
        """See `Store.missing`."""
        return {name for name in names if self.find(directory, name) is None}

    def marked(
        self,
        directory: bytes,
        names: Sequence[bytes],
        *,
        afresh: bool = True,  # noqa: ARG002 - there is nothing to look at
    ) -> dict[bytes, Mark]:
        """See `Store.marked`. Nobody marks a row."""
        for name in (*components(directory), *names):
            must_be_component(name)
        self.check()
        return {}

    def expect(self, directory: bytes, names: Sequence[bytes]) -> None:
        """See `Store.expect`."""

    def open(self, directory: bytes, name: bytes) -> OpenRow:
        """See `Store.open`."""
        content = self._content(directory, name)
        if content is None:
            raise GoneError("There is no such row.")
        return OpenRow(content, self._tables[directory].shape.stated(_row(content)))

    def erase(self, batch: Batch) -> list[Erased]:
        """See `Store.erase`."""
        results = self._each(batch, Erasure.erase)
        self._database.settle()
        return results

    def recover(self, batch: Batch) -> list[Erased]:
        """See `Store.recover`."""
        return self._each(batch, Erasure.recover)

    def protect(self, batch: Batch) -> set[int]:
        """See `Store.protect`. Nothing is kept from other deleters here."""
        _check_names(batch)
        self.check()
        return set()

    def unprotect(self, numbers: Iterable[int]) -> None:
        """See `Store.unprotect`."""

    def protected(self) -> Iterator[int]:
        """See `Store.protected`."""
        return iter(())

    def kept(self, number: int) -> Generation | None:  # noqa: ARG002 - nothing is kept
        """See `Store.kept`."""
        return None

    def restore(self, number: int, directory: bytes, name: bytes) -> bool:  # noqa: ARG002 - nothing is kept
        """See `Store.restore`."""
        return False

    def claim(self, state: int) -> None:  # noqa: ARG002 - a lock tells two agents apart
        """See `Store.claim`."""
        for table in self._tables.values():
            self._database.claim(table.name)
        self.check()

    def begin(self, epoch: int) -> None:
        """See `Store.begin`."""

    def reclaim(self) -> None:
        """See `Store.reclaim`."""
        self.check()

    def close(self) -> None:
        """See `Store.close`."""
        self._database.close()
        self._statements.clear()

    def _prepared(self, directory: bytes) -> Statements:
        if directory not in self._statements:
            self._statements[directory] = prepare(self._database, self._tables[directory])
        return self._statements[directory]

    def _listed(self, directory: bytes, unread: Unread) -> Iterator[Found]:
        statements = self._prepared(directory)
        if self._database.rows(statements.keyless):
            unread(directory, _KEYLESS)
        rows = self._database.rows(statements.first, (PAGE,))
        while rows:
            for row in rows:
                name = name_of(statements.key_of(row))
                yield self._found(directory, name, statements.content_of(row))
            after = statements.key_of(rows[-1])
            rows = self._database.rows(statements.page, (after, PAGE))

    def _found(self, directory: bytes, name: bytes, content: bytes) -> Found:
        part = self._tables[directory].shape.part(_row(content), name)
        return Found(name, generation_of(content), 1, part=part)

    def _content(self, directory: bytes, name: bytes) -> bytes | None:
        components(directory)
        must_be_component(name)
        self.check()
        key = key_named(name)
        try:
            statements = self._declared(directory)
            found = {} if key is None else rows_named(self._database, statements, [key])
        except (ConfigError, RejectedError) as error:
            raise UnreadableError(str(error)) from error
        return found.get(key) if key is not None else None

    def _declared(self, directory: bytes) -> Statements:
        if self._tables.get(directory) is None:
            raise UnreadableError(_UNDECLARED)
        return self._prepared(directory)

    def _each(
        self, batch: Batch, act: Callable[[Erasure, Sequence[Wanted]], list[Erased]]
    ) -> list[Erased]:
        _check_names(batch)
        self.check()
        results: list[Erased] = []
        for directory, wanted in batch.items():
            try:
                results += act(Erasure(self._database, self._declared(directory)), wanted)
            except (ConfigError, RejectedError, UnreadableError) as error:
                results += [Erased(want.number, Outcome.BLOCKED, str(error)) for want in wanted]
        return results


def enrol(database: Database, store: str) -> None:
    """Write who this store is into its database; done twice, it changes nothing.

    `RefusedError` when it already is another store, `ConfigError` when it cannot be written: then
    its sentence tells the statements that somebody else has to run.
    """
    table = database.quoted(IDENTITY)
    try:
        found = read_identity(database)
        if found is not None and found != store:
            raise RefusedError(f"This database is already enrolled as another store: {found!r}.")
        if found is None:
            made = bool(database.columns(IDENTITY))
            with database.change():
                if not made:  # "if not exists" takes the right to make one, whether or not it does
                    database.rows(f"CREATE TABLE {table} (store TEXT NOT NULL)")
                database.rows(f"INSERT INTO {table} (store) VALUES ({database.mark})", (store,))  # noqa: S608 - a constant
    except RejectedError as error:
        raise ConfigError(
            f"{error} Let its owner CREATE TABLE {IDENTITY} (store TEXT NOT NULL), and GRANT SELECT, "
            f"INSERT ON {IDENTITY} to the agent's role."
        ) from error
    except StoreUnreachableError as error:
        raise ConfigError(str(error)) from error


def read_identity(database: Database) -> str | None:
    """The id of the store that this database is; None if it was never enrolled."""
    if not database.columns(IDENTITY):
        return None
    rows = database.rows(f"SELECT store FROM {database.quoted(IDENTITY)}")  # noqa: S608 - a constant
    return rows[0][0] if rows else None


def _row(content: bytes) -> dict[str, str | None]:
    row: dict[str, str | None] = json.loads(content)
    return row


def _check_names(batch: Batch) -> None:
    for directory, wanted in batch.items():
        components(directory)
        for want in wanted:
            must_be_component(want.name)
