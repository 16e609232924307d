"""SQLite as a `Database`: a file that another program keeps call records in."""

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from agents.stores.rows.database import ANOTHER, Column, RejectedError, Row
from retention.checkup import Fact, amiss, fine
from retention.errors import StoreUnreachableError

BUSY_SECONDS = 10

_READ_ONLY = frozenset({"SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH"})
_REFUSED = frozenset({"SQLITE_ERROR", "SQLITE_MISMATCH", "SQLITE_TOOBIG", "SQLITE_RANGE"})


class Sqlite:
    """A `Database`. `path` is the file's; it is never made here."""

    mark = "?"
    locking = ""  # the whole file is locked by then

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._claims: set[str] = set()
        self._claimed: dict[str, int] = {}  # descriptors of the locks, while it is open

    def quoted(self, identifier: str) -> str:
        """See `Database.quoted`."""
        return '"' + identifier.replace('"', '""') + '"'

    def quoted_table(self, table: str) -> str:
        """See `Database.quoted_table`."""
        return ".".join(map(self.quoted, table.split(".", 1)))

    def text(self, column: str) -> str:
        """See `Database.text`."""
        return f"CAST({column} AS TEXT)"

    def among(self, column: str, kind: str) -> str:  # noqa: ARG002 - its affinity makes it fit
        """See `Database.among`."""
        return f"{column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - a quoted column

    def listed(self, values: Sequence[str]) -> str:
        """See `Database.listed`."""
        return json.dumps(list(values))

    def after(self, column: str, kind: str) -> str:  # noqa: ARG002 - its affinity makes it fit
        """See `Database.after`."""
        return f"{column} > ?"

    def columns(self, table: str) -> list[Column]:
        """See `Database.columns`."""
        *schemas, name = table.split(".", 1)
        schema = schemas[0] if schemas else "main"
        described = self.rows(
            'SELECT name, type, "notnull", pk FROM pragma_table_info(?, ?)', (name, schema)
        )
        unique = self._unique(name, schema)
        keys = [row for row in described if str(row[3]) != "0"]
        if len(keys) == 1:
            unique.add(str(keys[0][0]))
        return [
            Column(str(name), _affine(str(kind)), str(notnull) == "0", name in unique)
            for name, kind, notnull, _ in described
        ]

    def rows(self, statement: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """See `Database.rows`."""
        db = self._connected()
        with self._translated():
            return db.execute(statement, arguments).fetchall()

    @contextmanager
    def change(self) -> Iterator[None]:
        """See `Database.change`."""
        db = self._connected()
        with self._translated():
            db.execute("BEGIN IMMEDIATE")
            try:
                yield
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def claim(self, table: str) -> None:
        """See `Database.claim`: by a lock on a file beside this one. SQLite's own are this one's."""
        self._claims.add(table)
        self._connected()

    def settle(self) -> None:
        """See `Database.settle`. What was deleted is overwritten, and leaves the log if nobody reads."""
        with suppress(RejectedError, StoreUnreachableError):
            self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def survey(self, table: str, *, blanking: bool) -> Iterator[Fact]:
        """See `Database.survey`."""
        writable = os.access(self._path, os.W_OK) and os.access(self._path.parent, os.W_OK)
        if writable:
            yield fine("rights", "The agent may change this file.")
        else:
            yield amiss(
                "rights",
                _NOT_WRITABLE,
                why="What is due in it will not go.",
                remedy="Give its user the right to write both.",
            )
        yield fine("held rows", _UNPROTECTED)
        what = "blanked" if blanking else "deleted"
        yield fine(
            "residuals",
            f"What is {what} is overwritten in the file (secure_delete); in a log that another "
            f"program keeps open, and in copies of the file, it stays for as long as they do.",
        )
        triggers = self.rows(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?", (table,)
        )
        if triggers:
            yield amiss(
                "triggers",
                f"{table} has triggers ({len(triggers)}).",
                why="They may copy a row before it goes, and the copy stays.",
                remedy="Look at what they do; a table that they write to is one to declare as well.",
            )

    def close(self) -> None:
        """See `Database.close`."""
        if self._db is not None:
            self._db.close()
            self._db = None
        while self._claimed:
            os.close(self._claimed.popitem()[1])

    def _unique(self, table: str, schema: str) -> set[str]:
        """Columns that have a unique index to themselves, one over all rows."""
        indexes = self.rows(
            'SELECT name FROM pragma_index_list(?, ?) WHERE "unique" = 1 AND partial = 0',
            (table, schema),
        )
        found: set[str] = set()
        for (index,) in indexes:
            columns = self.rows("SELECT name FROM pragma_index_info(?, ?)", (index, schema))
            if len(columns) == 1 and columns[0][0] is not None:
                found.add(columns[0][0])
        return found

    def _connected(self) -> sqlite3.Connection:
        """Open the file, or see that its name still leads to the one that is open."""
        try:
            state = self._path.stat()
        except OSError as error:
            self.close()
            raise StoreUnreachableError(
                f"The database cannot be opened: {error.strerror}."
            ) from error
        if self._db is not None and self._inode != (state.st_dev, state.st_ino):
            self.close()
        if self._db is None:
            with self._translated():
                self._db = self._opened()
            self._inode = (state.st_dev, state.st_ino)
        for table in self._claims - self._claimed.keys():
            self._lock(table)
        return self._db

    def _lock(self, table: str) -> None:
        """Where nothing may be written no lock can be made, and nothing is erased either."""
        path = Path(f"{self._path.resolve()}-{quote(table, safe='')}.lock")
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if not os.access(path.parent, os.W_OK):
                return
            self.close()
            raise StoreUnreachableError(_UNLOCKED.format(error.strerror)) from error
        self._claimed[table] = fd
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            taken = isinstance(error, BlockingIOError)
            raise StoreUnreachableError(
                ANOTHER if taken else _UNLOCKED.format(error.strerror)
            ) from error

    def _opened(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            f"file:{quote(os.fsencode(self._path))}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=BUSY_SECONDS,
        )
        db.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        db.execute("PRAGMA secure_delete = ON")
        # FULL leaves the end of a rollback journal to the next sync: after a power cut all was there again.
        db.execute("PRAGMA synchronous = EXTRA")
        return db

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Out of the driver's words into ours."""
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise RejectedError(
                "Other rows refer to it, or a rule of the table forbids it.", blocked=True
            ) from error
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "") or type(error).__name__
            family = "_".join(name.split("_")[:2])
            if family in _READ_ONLY:
                raise RejectedError(_NOT_WRITABLE, blocked=True) from error
            if family in _REFUSED or not name.startswith("SQLITE"):
                raise RejectedError(f"The database refused it ({name}).", blocked=False) from error
            self.close()
            raise StoreUnreachableError(
                f"The database did not answer as it should ({name})."
            ) from error


_UNPROTECTED = (
    "A held row is kept from no other program that writes to this file: one that is removed is told "
    "as lost."
)
_UNLOCKED = "No lock can be taken beside the database ({}), so nobody knows whether another agent is at work."
_NOT_WRITABLE = "The agent may not change this file, or its directory, where its log is."


def _affine(kind: str) -> str:
    """A declared type; none where values of several kinds would be ordered among each other."""
    known = kind.upper()
    has_affinity = "INT" in known or any(t in known for t in ("CHAR", "CLOB", "TEXT"))
    return "" if not known or ("BLOB" in known and not has_affinity) else kind
