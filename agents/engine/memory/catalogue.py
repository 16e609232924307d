"""The agent's own memory: one SQLite file with everything it knows and still has to report.

Here, and nowhere else, paths are kept. Every fact is written in the transaction of its log entry
(docs/rules.md, The way of a file), so what was reported and what is known never differ. The file
is opened by one process; its threads share one connection and take turns.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.engine.memory import schema
from retention.errors import ConfigError, RefusedError, RetentionError
from retention.fingerprint import keyed

#: So long the write-ahead log is kept (`reserve`), and no longer once a greater need is over.
LOG_BYTES = 8 * 1024 * 1024
_LOG_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
_PIECE_BYTES = 64 * 1024

#: What SQLite calls a full disk, be it the file, its log, or the log's index that has no room.
_FULL = frozenset({"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"})
_DAMAGED = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})
_ENROL_AGAIN = "move its files away and enrol this agent again: what people decided comes back from the enforcer"


class CatalogueError(RetentionError):
    """The catalogue could not be read or written; nothing was half done."""


class CatalogueFullError(CatalogueError):
    """No room for the catalogue to grow."""


class Catalogue:
    """The open file. `transaction` writes, `rows` and `one` read; all threads may call all.

    `alone`: no other process may look at it meanwhile, and none finds its log's index on the disk.
    """

    def __init__(self, path: Path, *, alone: bool = False) -> None:
        self.path = path
        self.log = log_of(path)
        self._turn = threading.RLock()
        self.in_transaction = False
        self._claim: int | None = None
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise CatalogueError(f"cannot open the catalogue {path}: {error}") from error
        try:
            if alone:
                self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._prepare()
        except sqlite3.Error as error:
            self._db.close()
            raise _translated(error, f"cannot open the catalogue {path}") from error
        except ConfigError:
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        # FULL: an intent is on disk before its file is touched (I5).
        self._db.execute("PRAGMA synchronous = FULL")
        # What was erased leaves no name behind in free pages (I8).
        self._db.execute("PRAGMA secure_delete = ON")
        self._db.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        # The kernel caches the file: ours saves a call per page, and 3 MiB more of it no time.
        self._db.execute("PRAGMA cache_size = -1024")
        self._db.execute("PRAGMA busy_timeout = 10000")
        self.page_bytes: int = self._db.execute("PRAGMA page_size").fetchone()[0]
        self._db.create_function("keyed", 2, keyed, deterministic=True)
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > schema.VERSION:
            raise ConfigError(
                f"the catalogue {self.path} was written by a newer version; "
                f"this one knows schema {schema.VERSION}, the file has {version}"
            )
        if version == 0:
            self._become(schema.SCHEMA, schema.VERSION)
            return
        for before in range(version, schema.VERSION):
            self._become(schema.UPGRADES[before], before + 1)

    def _become(self, statements: str, version: int) -> None:
        """Run these, and be of this version, in one transaction."""
        self._db.executescript(
            f"BEGIN IMMEDIATE; {statements} PRAGMA user_version = {version}; COMMIT;"
        )

    @property
    def inode(self) -> int:
        """Of its file: a copy of it has another."""
        return self.path.stat().st_ino

    def claim(self) -> None:
        """Be the one process that erases by this catalogue, until it ends or closes it.

        Two would not see each other's batches, and a hold could come between (I2). `RefusedError`
        if another process was first.
        """
        if self._claim is not None:
            return
        path = self.path.with_name(self.path.name + "-claim")
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CatalogueError(f"cannot write beside the catalogue: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise RefusedError("another process of this agent is at work on the store") from error
        except OSError as error:
            os.close(descriptor)
            raise CatalogueError(
                f"no lock can be taken beside the catalogue: {error.strerror}"
            ) from error
        self._claim = descriptor

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction, durable when it ends; undone if an error leaves it. Not nested."""
        with self._turn:
            if self.in_transaction:
                raise AssertionError("transactions do not nest")
            self.in_transaction = True
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:  # a full disk has undone it already
                        self._db.execute("ROLLBACK")
                    raise
            except (sqlite3.Error, OverflowError) as error:
                raise _translated(error) from error
            finally:
                self.in_transaction = False

    def rows(self, sql: str, args: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._turn:
            try:
                return self._db.execute(sql, args).fetchall()
            except (sqlite3.Error, OverflowError) as error:
                raise _translated(error) from error

    def one(self, sql: str, args: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, if there is one."""
        found = self.rows(sql, args)
        return found[0] if found else None

    def value(self, sql: str, args: Sequence[Any] = ()) -> Any:
        """The first column of the first row; None if there is none."""
        found = self.one(sql, args)
        return None if found is None else found[0]

    def move_log(self) -> None:
        """Move what was committed out of the write-ahead log, unless a reader needs it there.

        `CatalogueFullError` where the file cannot grow as far as the log says.
        """
        self.rows("PRAGMA wal_checkpoint(PASSIVE)")

    def restart_log(self) -> None:
        """Move it out, and have the log begin anew with the next transaction; raises as `move_log`."""
        self.rows("PRAGMA wal_checkpoint(RESTART)")

    def blank_log(self) -> None:
        """Leave nothing of what was moved out of the log in it (I8). Its room stays ours.

        While somebody reads, it stays for the next time.
        """
        self.restart_log()
        with self.transaction() as db:  # with which it begins anew: all behind this is old
            db.execute("UPDATE agent SET one = one")
        with self.transaction():  # no process writes on meanwhile
            _blank_behind(self.log, self.page_bytes)

    def free_pages(self) -> int:
        """How many pages of the file are free: so much can be written without its growing."""
        pages: int = self.value("PRAGMA freelist_count")
        return pages

    def have_free_pages(self, count: int) -> None:
        """Have the file grow until so many of its pages are free."""
        with self.transaction() as db:
            db.execute("CREATE TABLE room (pages BLOB)")
            db.execute("INSERT INTO room VALUES (zeroblob(?))", (count * self.page_bytes,))
            db.execute("DROP TABLE room")  # secure_delete writes what became free: none is a hole

    def close(self) -> None:
        """Close the file; the catalogue is of no use afterwards."""
        with self._turn:
            self._db.close()
            if self._claim is not None:
                os.close(self._claim)
                self._claim = None


class Words:
    """Names of classes, sources and rules as small numbers, so that a million rows stay small."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._ids: dict[str, int] = {}
        self._words: dict[int, str] = {}
        for number, word in catalogue.rows("SELECT id, word FROM words"):
            self._remember(number, word)

    def id(self, word: str) -> int:
        """The number of a word; made, and durable, if it is new: not inside a transaction."""
        if word not in self._ids:
            query = "SELECT id FROM words WHERE word = ?"
            if (number := self._catalogue.value(query, (word,))) is None:
                with self._catalogue.transaction() as db:
                    db.execute("INSERT OR IGNORE INTO words (word) VALUES (?)", (word,))
                number = self._catalogue.value(query, (word,))
            self._remember(number, word)
        return self._ids[word]

    def word(self, number: int) -> str:
        """The word of a number that stands in the catalogue."""
        if number not in self._words:
            word: str = self._catalogue.value("SELECT word FROM words WHERE id = ?", (number,))
            if self._catalogue.in_transaction:
                return word  # it may be undone, and the number given to another word
            self._remember(number, word)
        return self._words[number]

    def _remember(self, number: int, word: str) -> None:
        self._ids[word] = number
        self._words[number] = word


def log_of(path: Path) -> Path:
    """Where SQLite keeps the write-ahead log of a file."""
    return path.with_name(path.name + "-wal")


def _blank_behind(log: Path, page_bytes: int) -> None:
    """Overwrite with zeros what a log has behind the frames of its present beginning.

    Each of these has the salt of the log's header (sqlite.org/walformat.html). What is zero already
    is left alone: that spares a flash disk.
    """
    with log.open("r+b", buffering=0) as file:
        salt, at = os.pread(file.fileno(), 8, 16), _LOG_HEADER_BYTES
        while os.pread(file.fileno(), 8, at + 8) == salt:
            at += _FRAME_HEADER_BYTES + page_bytes
        while piece := os.pread(file.fileno(), _PIECE_BYTES, at):
            if piece.strip(b"\0"):
                os.pwrite(file.fileno(), bytes(len(piece)), at)
            at += len(piece)
        os.fdatasync(file.fileno())


def forget_empty_directories(db: sqlite3.Connection) -> None:
    """Drop the paths of directories that nothing in the catalogue lies in any more (I8)."""
    db.execute(
        "DELETE FROM directories WHERE NOT EXISTS (SELECT 1 FROM items WHERE directory = id)"
        " AND NOT EXISTS (SELECT 1 FROM others WHERE directory = id)"
        " AND NOT EXISTS (SELECT 1 FROM remembered WHERE directory = id)"
    )


def _translated(
    error: sqlite3.Error | OverflowError, what: str = "the catalogue failed"
) -> CatalogueError:
    """Out of the driver's words into ours; OverflowError: a number beyond 64 bits, as liars send."""
    if _is_full(error):
        return CatalogueFullError(f"{what}: {error}")
    remedy = f"; {_ENROL_AGAIN}" if _is(error, _DAMAGED) else ""
    return CatalogueError(f"{what}: {error}{remedy}")


def _is_full(error: Exception) -> bool:
    return _is(error, _FULL)


def _is(error: Exception, names: Collection[str]) -> bool:
    return getattr(error, "sqlite_errorname", "") in names
