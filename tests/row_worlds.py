"""The small world of tests with rows instead of files, or calls of which rows are a part.

A row is written as if it were a picture: `front/20260105-120000.jpg` is what it is called, and its
time column says the moment in its name. So whatever is told of a terminal's pictures can be told of
the rows of a CSV, of SQLite and of PostgreSQL.
"""

import csv
import io
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from calls import parts, sound
from world import GROUP, RIGA, STORE, World, first_policy

from agents.stores import Store
from agents.stores.files.private import enrol
from agents.stores.joined import MAIN, Joined
from agents.stores.rows.csv_rows import CsvRows
from agents.stores.rows.database import Database
from agents.stores.rows.declared import Declared
from agents.stores.rows.declared import name_of as name_of_row
from agents.stores.rows.shape import Shape, shape
from agents.stores.rows.sql_rows import SqlRows
from agents.stores.rows.sql_rows import enrol as enrol_database
from agents.stores.rows.sqlite import Sqlite
from agents.stores.rows.tables import Table
from agents.stores.rows.tables import name_of as name_of_key
from agents.stores.tree.tree import Tree
from retention.calendar import Instant
from retention.policy import Policy, Source

LIVE = b"Master.csv"
COLUMNS = ("called", "start", "said", "call")
SHAPE = shape(time="start", zone="Europe/Riga")
OF_CALLS = shape(time="start", zone="Europe/Riga", call="call")
DIRECTORIES = ("front", "copies")
MOMENT = "%Y%m%d-%H%M%S"
ONLY = "-9999"
"""The number of a call that is not told apart from others of its second."""


@dataclass
class Row:
    """A row that a recorder wrote."""

    world: "RowWorld"
    called: str

    def exists(self) -> bool:
        return self.called in self.world.files()


@dataclass
class RowWorld(World):
    """One agent whose items are rows; each kind says how they are written, read and removed."""

    def put(self, directory: str, called: str, start: str, said: str) -> None:
        raise NotImplementedError

    def rows(self) -> Iterator[tuple[str, str, bytes]]:
        """Directory, what it is called, and what the store calls it, of every row there is."""
        raise NotImplementedError

    def write(  # type: ignore[override] # a row is no path
        self, name: str, data: bytes | None = None, *, mtime: Instant | None = None
    ) -> Row:
        directory, _, called = name.rpartition("/")
        moment = datetime.strptime(called[:15], MOMENT) if called[:8].isdigit() else None
        start = f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""
        self.put(directory, called, start, called if data is None else data.hex())
        return Row(self, name)

    def files(self) -> set[str]:
        return {f"{directory}/{called}" for directory, called, _ in self.rows()}

    def pictures(self) -> set[bytes]:
        return {f"{directory}/".encode() + name for directory, _, name in self.rows()}


def written(*fields: str) -> bytes:
    """A row of a CSV, without its end."""
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow(fields)
    return out.getvalue().removesuffix("\r\n").encode()


def lines_of(directory: Path) -> list[bytes]:
    """All rows of all parts of a CSV."""
    files = sorted(directory.glob("Master.csv*"))
    return [line for file in files for line in file.read_bytes().split(b"\n") if line]


@dataclass
class CsvWorld(RowWorld):
    """Rows of a live CSV in each directory."""

    @classmethod
    def found(cls, path: Path, now: Instant, **options: object) -> "CsvWorld":
        def opened(root: Path, epoch: int) -> Store:
            declared = Declared(LIVE, COLUMNS, SHAPE)
            return CsvRows(os.fsencode(root), STORE, declared, epoch=epoch)

        world = cls.make(path, now, open_store=opened, **options)
        assert isinstance(world, CsvWorld)
        return world

    def put(self, directory: str, called: str, start: str, said: str) -> None:
        with (self.root / directory / "Master.csv").open("ab") as file:
            file.write(written(called, start, said, "") + b"\n")

    def rows(self) -> Iterator[tuple[str, str, bytes]]:
        for directory in DIRECTORIES:
            for line in lines_of(self.root / directory):
                [fields] = csv.reader([line.decode()])
                yield directory, fields[0], name_of_row(line)


@dataclass
class SqlWorld(RowWorld):
    """Rows of a table for each directory."""

    database: Database | None = None

    @classmethod
    def found(
        cls, path: Path, now: Instant, connect: Callable[[], Database], **options: object
    ) -> "SqlWorld":
        database = connect()
        enrol_database(database, STORE)
        for directory in DIRECTORIES:
            make_table(database, directory)
        tables = {name.encode(): Table(name, "called", SHAPE) for name in DIRECTORIES}
        store = lambda _root, _epoch: SqlRows(connect(), STORE, tables)  # noqa: E731
        world = cls.make(path, now, open_store=store, **options)
        assert isinstance(world, SqlWorld)
        world.database = database
        return world

    def put(self, directory: str, called: str, start: str, said: str) -> None:
        insert(self._database, directory, called, start, said, "")

    def rows(self) -> Iterator[tuple[str, str, bytes]]:
        for directory in DIRECTORIES:
            for (called,) in self._database.rows(f"SELECT called FROM {directory}"):
                assert called is not None
                yield directory, called, name_of_key(called)

    def stop(self) -> None:
        super().stop()
        self._database.close()

    @property
    def _database(self) -> Database:
        assert self.database is not None
        return self.database


@dataclass
class BlankedWorld(RowWorld):
    """Rows of an SQLite file beside the root: they stay when they are due, and say nothing more."""

    @classmethod
    def found(cls, path: Path, now: Instant, **options: object) -> "BlankedWorld":
        with closing(sqlite_file(path / "rows.db")()) as database:
            enrol_database(database, STORE)
            make_table(database, "front")
        world = cls.make(path, now, open_store=_blanking, **options)
        assert isinstance(world, BlankedWorld)
        return world

    def put(self, directory: str, called: str, start: str, said: str) -> None:
        with self._opened() as database:
            insert(database, directory, called, start, said, "")

    def rows(self) -> Iterator[tuple[str, str, bytes]]:
        for called in self._called("said IS NOT NULL"):
            yield "front", called, name_of_key(called)

    def blanks(self) -> set[str]:
        """What the rows are called that say nothing more."""
        return set(self._called("said IS NULL AND call IS NULL"))

    def _called(self, condition: str) -> list[str]:
        with self._opened() as database:
            rows = database.rows(f"SELECT called FROM front WHERE {condition}")
        return [called for (called,) in rows if called is not None]

    def _opened(self) -> closing[Sqlite]:
        return closing(Sqlite(self.root.parent / "rows.db"))


def _blanking(root: Path, _epoch: int) -> Store:
    table = Table("front", "called", SHAPE, blank=("said", "call"))
    return SqlRows(Sqlite(root.parent / "rows.db"), STORE, {b"front": table})


def sqlite_file(path: Path) -> Callable[[], Database]:
    """A new SQLite file, and how to open it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sqlite3.connect(path).close()
    return lambda: Sqlite(path)


def make_table(database: Database, name: str) -> None:
    database.rows(
        f"CREATE TABLE {name} (called TEXT PRIMARY KEY, start TEXT, said TEXT, call TEXT)"
    )


def insert(database: Database, table: str, *fields: str) -> None:
    marks = ", ".join([database.mark] * len(fields))
    database.rows(f"INSERT INTO {table} VALUES ({marks})", fields)


def call_policy() -> Policy:
    """A period of 60 days for recordings, and for the rows that belong to them."""
    sources = [
        Source(
            id=directory,
            group=GROUP,
            directory=directory,
            record_class="terminal-image",
            purpose="calls",
            name_pattern="%Y%m%d-%H%M%S*" if directory in DIRECTORIES else None,
            imports=directory == "copies",
        )
        for directory in (*DIRECTORIES, "cdr", "ratings")
    ]
    return first_policy(sources=sources)


@dataclass
class CallWorld(World):
    """Calls with all that belongs to them: two legs, a sidecar, a row of a CSV and one of SQLite."""

    shape: Shape = field(default=OF_CALLS)

    @classmethod
    def found(cls, path: Path, now: Instant, **options: object) -> "CallWorld":
        (path / "cdr").mkdir(parents=True)
        enrol(os.fsencode(path / "cdr"), STORE)
        with closing(sqlite_file(path / "ratings.db")()) as database:
            enrol_database(database, STORE)
            make_table(database, "ratings")
        world = cls.make(path, now, call_policy(), open_store=call_store, parts=parts, **options)
        assert isinstance(world, CallWorld)
        return world

    def record(self, moment: Instant, *, tag: str = "", directory: str = "front") -> Row:  # type: ignore[override]
        """All of a call of this moment; its tag is its number on that second."""
        call = f"{datetime.fromtimestamp(moment, RIGA):{MOMENT}}{tag or ONLY}"
        for prefix in ("", "rx-"):
            name = f"{directory}/{prefix}{call}.wav"
            self.write(name, sound(name), mtime=Instant(moment + 9))
        self.write(f"{directory}/{call}.json", b'{"of": "%s"}' % call.encode())
        self.write_row(call)
        self.rate(call)
        return Row(self, f"{directory}/{call}")  # type: ignore[arg-type]

    def write_row(self, call: str) -> None:
        with (self.root.parent / "cdr/Master.csv").open("ab") as file:
            file.write(written(call, _start(call), "20000001", call) + b"\n")

    def rate(self, call: str, stars: str = "5") -> None:
        with closing(Sqlite(self.root.parent / "ratings.db")) as database:
            insert(database, "ratings", f"rating of {call}", _start(call), stars, call)

    def all_parts(self) -> set[str]:
        """What is there, rows too, as the catalogue would have it."""
        return super().files() | {name for name, _ in self._rows()}

    def calls(self) -> dict[str, set[str]]:
        """What is there of each call."""
        found: dict[str, set[str]] = {}
        named = [(name, _call_in(name)) for name in super().files()]
        for name, call in [*named, *self._rows()]:
            found.setdefault(call, set()).add(name)
        return found

    def files(self) -> set[str]:
        """One name for each call, as if it were a picture of its first moment."""
        return {f"front/{call.removesuffix(ONLY)}.jpg" for call in self.calls()}

    def pictures(self) -> set[bytes]:
        return {os.fsencode(name) for name in self.all_parts()}

    def _rows(self) -> Iterator[tuple[str, str]]:
        for line in lines_of(self.root.parent / "cdr"):
            [fields] = csv.reader([line.decode()])
            yield "cdr/" + name_of_row(line).decode(), fields[3]
        with closing(Sqlite(self.root.parent / "ratings.db")) as database:
            for called, call in database.rows("SELECT called, call FROM ratings"):
                yield "ratings/" + name_of_key(called or "").decode(), call or ""


def call_store(root: Path, epoch: int) -> Store:
    """The three places of `CallWorld` as one store; they lie beside its root."""
    cdr = CsvRows(
        os.fsencode(root.parent / "cdr"), STORE, Declared(LIVE, COLUMNS, OF_CALLS), epoch=epoch
    )
    table = Table("ratings", "called", OF_CALLS)
    ratings = SqlRows(Sqlite(root.parent / "ratings.db"), STORE, {b"": table})
    main = Tree(os.fsencode(root), STORE, epoch=epoch)
    return Joined({MAIN: main, b"cdr": cdr, b"ratings": ratings})


def _start(call: str) -> str:
    return f"{datetime.strptime(call[:15], MOMENT):%Y-%m-%d %H:%M:%S}"


def _call_in(path: str) -> str:
    found = re.search(r"\d{8}-\d{6}-\d+", path.rpartition("/")[2])
    assert found is not None, path
    return found[0]
