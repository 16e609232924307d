"""Where each row of each CSV stands, by its content: found once by reading, then kept up to date.

Reading a file anew for each row would take a day for a million. So the places of rows are kept in
a nameless temporary database, which the system removes with the process: it holds hashes and
offsets, no row. It is never believed: whoever goes to a row looks whether it still is the one.
A file that grew is read on from where it ended; one that changed otherwise is read anew.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import NamedTuple

from agents.stores.files.opening import OpenFile, open_file
from agents.stores.rows.parts import File, Parts, parts_in
from agents.stores.rows.records import Record, records
from agents.stores.rows.row import digest_of
from retention.errors import GoneError, UnreadableError

PAGE = 500
_END_BYTES = 4096  # before the place where reading ended: the same, where a file only grew

_SCHEMA = """
CREATE TABLE files (
    id INTEGER PRIMARY KEY, directory BLOB NOT NULL, name BLOB NOT NULL,
    inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    read_to INTEGER NOT NULL,           -- the end of the last whole record
    ending BLOB NOT NULL,               -- a hash of what stands before that
    tail INTEGER NOT NULL,              -- the size at which a record without its end was seen; 0: none
    UNIQUE (directory, inode)
) STRICT;
CREATE TABLE rows (
    file INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (file, offset)
) STRICT, WITHOUT ROWID;
CREATE INDEX rows_digest ON rows (digest);
"""
_PLACES = """
SELECT name, offset, length FROM rows JOIN files ON id = file
 WHERE digest = ? AND directory = ? ORDER BY file, offset
"""
_PAGE = """
SELECT file, offset, length, digest, name FROM rows JOIN files ON id = file
 WHERE directory = ?1 AND (file, offset) > (?2, ?3)
   AND NOT EXISTS (SELECT 1 FROM rows AS o JOIN files AS f ON f.id = o.file
                    WHERE o.digest = rows.digest AND f.directory = ?1
                      AND (o.file, o.offset) < (rows.file, rows.offset))
 ORDER BY file, offset LIMIT ?4
"""


class Place(NamedTuple):
    """Where one copy of a row stands."""

    file: bytes
    offset: int
    length: int


class Seen:
    """The places of all rows. `live` is the name of the file that is appended to.

    A first line that names the declared `columns` is a heading and no row.
    """

    def __init__(self, live: bytes, columns: Sequence[str], delimiter: str) -> None:
        self._live = live
        self._columns = tuple(column.encode() for column in columns)
        self._delimiter = delimiter
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.executescript(f"PRAGMA cache_size = -2048; PRAGMA journal_mode = OFF; {_SCHEMA}")

    def refresh(self, directory: bytes, fd: int) -> Parts:
        """Read what is new in a directory. `OSError` if it cannot be listed.

        A part that cannot be read joins those that are shut.
        """
        parts = parts_in(fd, self._live)
        known = {each.inode: each for each in self._known(directory)}
        for file in list(parts.files):
            before = known.pop(file.inode, None)
            if before is not None and before.is_unchanged(file):
                continue
            try:
                self._read(directory, fd, file, before)
            except UnreadableError as error:
                parts.files.remove(file)
                if not isinstance(error, GoneError):
                    parts.shut.append((file.name, str(error)))
        for gone in known.values():
            self._forget(gone.id)
        return parts

    def places(self, directory: bytes, digest: bytes) -> list[Place]:
        """Where all copies of a row stand."""
        return [Place(*row) for row in self._db.execute(_PLACES, (digest, directory))]

    def directories_with(self, digest: bytes) -> list[bytes]:
        """In which directories a row stood when they were last read."""
        query = "SELECT DISTINCT directory FROM rows JOIN files ON id = file WHERE digest = ?"
        return [directory for (directory,) in self._db.execute(query, (digest,))]

    def content(self, directory: bytes, fd: int, digest: bytes | None) -> bytes | None:
        """The row itself, where it stands as it was last seen; None where it does not."""
        for place in self.places(directory, digest) if digest else ():
            content = content_at(fd, place)
            if content is not None and digest_of(content) == digest:
                return content
        return None

    def each(self, directory: bytes, fd: int) -> Iterator[bytes | None]:
        """Every row of a directory once, in the order of the files; None where it stands no more."""
        after = (0, -1)
        with ExitStack() as opened:
            name, source = b"", None
            while rows := self._db.execute(_PAGE, (directory, *after, PAGE)).fetchall():
                after = rows[-1][:2]
                for _, offset, length, digest, file in rows:
                    if source is None or file != name:
                        opened.close()
                        name, source = file, opened.enter_context(open_file(file, fd))
                    content = source.read(offset, length).rstrip(b"\r\n")
                    yield content if digest_of(content) == digest else None

    def forget(self, directory: bytes) -> None:
        """The directory is gone."""
        for known in self._known(directory):
            self._forget(known.id)

    def close(self) -> None:
        """Let go of everything; what was kept goes with it."""
        self._db.close()

    def _known(self, directory: bytes) -> list["_Known"]:
        rows = self._db.execute(f"SELECT {_KNOWN} FROM files WHERE directory = ?", (directory,))  # noqa: S608 - a constant
        return [_Known(*row) for row in rows]

    def _forget(self, file: int) -> None:
        self._db.execute("DELETE FROM rows WHERE file = ?", (file,))
        self._db.execute("DELETE FROM files WHERE id = ?", (file,))

    def _read(self, directory: bytes, fd: int, file: File, before: "_Known | None") -> None:
        """Read a file on, or anew. Nothing is known of one that could not be read to its end."""
        self._db.execute("BEGIN")
        try:
            with open_file(file.name, fd) as source:
                if before is not None and not _only_grew(source, before):
                    self._forget(before.id)
                    before = None
                self._read_on(directory, file.name, source, before)
        except BaseException:
            self._db.execute("ROLLBACK")
            if before is not None:
                self._forget(before.id)
            raise
        self._db.execute("COMMIT")

    def _read_on(
        self, directory: bytes, name: bytes, source: OpenFile, before: "_Known | None"
    ) -> None:
        begin = 0 if before is None else before.read_to
        number = self._number(directory, source) if before is None else before.id
        self._db.execute("DELETE FROM rows WHERE file = ? AND offset >= ?", (number, begin))
        read_to, tail = begin, 0
        for batch in _batches(records(source, begin, delimiter=self._delimiter)):
            rows = []
            for record in batch:
                if record.ended:
                    read_to = record.offset + len(record.data)
                elif name == self._live and (before is None or before.tail != source.size):
                    tail = source.size  # perhaps it is being written just now
                    continue
                if record.offset or not self._is_header(record):
                    place = (number, record.offset, len(record.data))
                    rows.append((*place, digest_of(record.content)))
            self._db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", rows)
        self._db.execute(
            "UPDATE files SET name = ?, size = ?, mtime_ns = ?, read_to = ?, ending = ?, tail = ?"
            " WHERE id = ?",
            (name, *source.generation[1:], read_to, _ending(source, read_to), tail, number),
        )

    def _number(self, directory: bytes, source: OpenFile) -> int:
        """A new file, of which nothing is known yet."""
        inserted = self._db.execute(
            "INSERT INTO files (directory, name, inode, size, mtime_ns, read_to, ending, tail)"
            " VALUES (?, x'', ?, 0, 0, 0, x'', 0) RETURNING id",
            (directory, source.generation.inode),
        )
        return int(inserted.fetchone()[0])

    def _is_header(self, record: Record) -> bool:
        return record.fields == self._columns


def content_at(fd: int, place: Place) -> bytes | None:
    """What stands there now; None if there is no such file."""
    try:
        with open_file(place.file, fd) as source:
            return source.read(place.offset, place.length).rstrip(b"\r\n")
    except GoneError:
        return None


_KNOWN = "id, name, inode, size, mtime_ns, read_to, ending, tail"


class _Known(NamedTuple):
    """A file as it was when it was last read."""

    id: int
    name: bytes
    inode: int
    size: int
    mtime_ns: int
    read_to: int
    ending: bytes
    tail: int

    def is_unchanged(self, file: File) -> bool:
        """Whether there is nothing in it that has not been read."""
        there = (file.name, file.inode, file.size, file.mtime_ns, 0)
        return there == (*self[1:5], self.tail)


def _only_grew(source: OpenFile, before: _Known) -> bool:
    return (
        source.generation.inode == before.inode
        and source.size >= before.read_to
        and _ending(source, before.read_to) == before.ending
    )


def _ending(source: OpenFile, end: int) -> bytes:
    begin = max(end - _END_BYTES, 0)
    return digest_of(source.read(begin, end - begin))


def _batches(found: Iterator[Record]) -> Iterator[list[Record]]:
    while batch := list(islice(found, PAGE)):
        yield batch
