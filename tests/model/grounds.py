"""The kinds of place in which a life can be lived: what lies there, as the world changes and sees it.

Each opens the real store, watched: intents are looked for before anything is erased (I5), and a
death can be planned for the middle of a batch. What is put has a title, by which its recorder calls
it, and a path, by which the agent does; a number goes with it that stays when it is moved.
"""

import os
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any, Protocol

from calls import parts
from fake_s3 import FakeS3
from row_worlds import COLUMNS, LIVE, OF_CALLS, SHAPE, insert, lines_of, make_table, written
from world import STORE, TrueTime

from agents.engine.finding.dating import Parts
from agents.engine.memory.catalogue import Catalogue
from agents.stores import Batch, Erased, Store
from agents.stores.bucket.bucket import Bucket
from agents.stores.bucket.identity import enrol as enrol_bucket
from agents.stores.bucket.keys import UPLOAD, directory_and_title, name_of, version_of
from agents.stores.bucket.trouble import S3Error
from agents.stores.bucket.wire import Wire
from agents.stores.files.private import enrol
from agents.stores.joined import MAIN, Joined
from agents.stores.rows.csv_rows import CsvRows
from agents.stores.rows.database import Database
from agents.stores.rows.declared import Declared
from agents.stores.rows.declared import name_of as name_of_row
from agents.stores.rows.sql_rows import SqlRows
from agents.stores.rows.sql_rows import enrol as enrol_database
from agents.stores.rows.sqlite import Sqlite
from agents.stores.rows.tables import Table
from agents.stores.rows.tables import name_of as name_of_key
from agents.stores.tree.tree import Tree

DIRECTORIES = ("front", "copies", "calls", "odd")
SECRET = b"\xff\xd8\xff nobody's business"
PRIVATE = ".retention"


class DiedError(BaseException):
    """The process is no more. Nothing in the product may catch it."""


class Watched:
    """Before a real store. `dies_after` files of the next batch are erased, and then the process dies."""

    catalogue: Catalogue
    dies_after: int | None = None
    unintended: int = 0  # files erased without a durable intent

    def erase(self, batch: Batch) -> list[Erased]:
        self._look_for_intents(batch)
        erase: Callable[[Batch], list[Erased]] = super().erase  # type: ignore[misc]
        if self.dies_after is None:
            return erase(batch)
        flat = [(place, want) for place, wanted in batch.items() for want in wanted]
        part: dict[bytes, list] = {}
        for place, want in islice(flat, self.dies_after):
            part.setdefault(place, []).append(want)
        erase(part)
        raise DiedError

    def _look_for_intents(self, batch: Batch) -> None:
        runs = self.catalogue.rows("SELECT first, last FROM intents")
        intended = {number for first, last in runs for number in range(first, last + 1)}
        wanted = {want.number for wanted in batch.values() for want in wanted}
        self.unintended += len(wanted - intended)


class WatchedTree(Watched, Tree): ...


class WatchedBucket(Watched, Bucket): ...


class WatchedCsv(Watched, CsvRows): ...


class WatchedSql(Watched, SqlRows): ...


class WatchedJoined(Watched, Joined): ...


class Ground(Protocol):
    """One place."""

    parts: Parts
    """What belongs together."""
    tells_mtimes: bool
    """Whether what is put there has a time of its own, which its recorder's clock wrote."""
    states_times: bool
    """Whether its start is stated beside the content, wherever it lies, and not in its name."""
    keeps_versions: bool
    """Whether what is put under a title that is taken is one more, and not another in its place."""

    def enrol(self) -> None: ...

    def open(self, epoch: int) -> Any:
        """The watched store."""

    def put(self, title: str, data: bytes) -> tuple[str, int]:
        """A recorder writes something; its path and number."""

    def remove(self, path: str) -> bool:
        """Somebody deletes it; False where the place does not let them."""

    def move(self, path: str, title: str) -> str:
        """Somebody gives it another name; its path then, the same where the place does not let them."""

    def mark(self, path: str) -> None:
        """The locker's software marks an incident beside it."""

    def walk(self) -> Iterator[tuple[str, int]]:
        """Path and number of everything that is there."""

    def is_contained(self) -> bool:
        """Whether what is no business of the agent's is as it was (I9)."""

    def close(self) -> None: ...


def nothing(_directory: bytes, _title: bytes) -> None:
    """Nothing belongs to anything else."""


class TreeGround:
    """Directories on a disk."""

    parts: Parts = staticmethod(nothing)
    tells_mtimes = True
    states_times = False
    keeps_versions = False

    def __init__(self, directory: Path, _true: TrueTime) -> None:
        self.root, self.outside = directory / "root", directory / "outside"
        for name in DIRECTORIES:
            (self.root / name).mkdir(parents=True)
        (self.root / "copies").chmod(0o777)  # where others write, files are taken aside first
        self.outside.mkdir()
        (self.outside / "secret.jpg").write_bytes(SECRET)

    def enrol(self) -> None:
        enrol(os.fsencode(self.root), STORE)

    def open(self, epoch: int) -> Any:
        return WatchedTree(os.fsencode(self.root), STORE, epoch=epoch)

    def put(self, title: str, data: bytes) -> tuple[str, int]:
        (self.root / title).write_bytes(data)
        return title, (self.root / title).stat().st_ino

    def remove(self, path: str) -> bool:
        (self.root / path).unlink()
        return True

    def move(self, path: str, title: str) -> str:
        (self.root / path).rename(self.root / title)
        return title

    def mark(self, path: str) -> None:
        (self.root / f"{path}.incident").touch()

    def walk(self) -> Iterator[tuple[str, int]]:
        for directory, below, names in os.walk(self.root):
            if PRIVATE in below:
                below.remove(PRIVATE)
            for name in names:
                path = Path(directory, name)
                if not path.is_symlink() and not name.endswith(".incident"):
                    yield str(path.relative_to(self.root)), path.stat().st_ino

    def is_contained(self) -> bool:
        return (self.outside / "secret.jpg").read_bytes() == SECRET

    def close(self) -> None:
        """Nothing is open."""


class BucketGround:
    """A part of a bucket that keeps versions and can lock, on a server in memory."""

    parts: Parts = staticmethod(nothing)
    tells_mtimes = False
    states_times = False
    keeps_versions = True
    prefix = "store/"

    def __init__(self, _directory: Path, true: TrueTime) -> None:
        self._server = FakeS3(lambda: true.now)
        self._name = self._server.bucket(lock=True)
        self._bucket = self._server.buckets[self._name]
        self._bucket.put("stores.jpg", SECRET)
        self._numbers = count(1)
        self._known: dict[str, int] = {}

    def wire(self) -> Wire:
        """The agent's own way to it."""
        return self._server.wire(self._name)

    def enrol(self) -> None:
        with self.wire() as wire:
            enrol_bucket(wire, STORE, prefix=self.prefix)

    def open(self, epoch: int) -> Any:
        return WatchedBucket(self.wire, STORE, epoch=epoch, prefix=self.prefix)

    def put(self, title: str, data: bytes) -> tuple[str, int]:
        version = self._bucket.put(self.prefix + title, data)
        path = self._path(title, version.id)
        self._known[path] = next(self._numbers)
        return path, self._known[path]

    def begin(self, title: str) -> tuple[str, int]:
        """A recorder begins an upload; its path and number."""
        path = self._path(title, UPLOAD + self._bucket.begin(self.prefix + title).id)
        self._known[path] = next(self._numbers)
        return path, self._known[path]

    def remove(self, path: str) -> bool:
        key, version = self._of(path)
        if version.startswith(UPLOAD):
            left = [each for each in self._bucket.uploads if UPLOAD + each.id != version]
            self._bucket.uploads[:] = left
            return True
        try:
            self._bucket.delete(self.prefix + key, version)
        except S3Error:
            return False  # a legal hold is on it
        return True

    def move(self, path: str, title: str) -> str:
        key, version = self._of(path)
        if version.startswith(UPLOAD):
            return path
        body = self._bucket.find(self.prefix + key, version).body or b""
        if not self.remove(path):
            return path
        moved, _ = self.put(title, body)
        self._known[moved] = self._known.pop(path)
        return moved

    def mark(self, path: str) -> None:
        self._bucket.put(f"{self.prefix}{self._of(path)[0]}.incident", b"")

    def walk(self) -> Iterator[tuple[str, int]]:
        for key, version in self._bucket.all(self.prefix):
            title = key.removeprefix(self.prefix)
            is_ours = title.startswith(PRIVATE) or title.endswith(".incident")
            if version.body is not None and not is_ours:
                path = self._path(title, version.id)
                yield path, self._known[path]
        for begun in self._bucket.uploads:
            path = self._path(begun.key.removeprefix(self.prefix), UPLOAD + begun.id)
            yield path, self._known[path]

    def is_contained(self) -> bool:
        return self._bucket.find("stores.jpg").body == SECRET

    def close(self) -> None:
        """Nothing is open."""

    @staticmethod
    def _path(title: str, version: str) -> str:
        directory, name = directory_and_title(title)
        return os.fsdecode(directory + b"/" + name_of(name, version))

    @staticmethod
    def _of(path: str) -> tuple[str, str]:
        directory, _, name = os.fsencode(path).rpartition(b"/")
        return version_of(directory, name)


class CsvGround:
    """A live CSV in each directory."""

    parts: Parts = staticmethod(nothing)
    tells_mtimes = False
    states_times = True
    keeps_versions = False

    def __init__(self, directory: Path, _true: TrueTime) -> None:
        self.root = directory / "rows"
        self._numbers: dict[str, int] = {}
        for name in DIRECTORIES:
            (self.root / name).mkdir(parents=True)
        (directory / "Master.csv").write_bytes(SECRET)
        (self.root / "notes.csv").write_bytes(SECRET)

    def enrol(self) -> None:
        enrol(os.fsencode(self.root), STORE)

    def open(self, epoch: int) -> Any:
        declared = Declared(LIVE, COLUMNS, SHAPE)
        return WatchedCsv(os.fsencode(self.root), STORE, declared, epoch=epoch)

    def put(self, title: str, data: bytes) -> tuple[str, int]:
        directory, _, called = title.rpartition("/")
        row = written(called, start_of(called), data.hex(), "")
        with (self.root / directory / "Master.csv").open("ab") as file:
            file.write(row + b"\n")
        name = name_of_row(row).decode()
        return f"{directory}/{name}", self._numbers.setdefault(name, len(self._numbers) + 1)

    def remove(self, path: str) -> bool:
        directory, _, name = path.rpartition("/")
        for file in (self.root / directory).glob("Master.csv*"):
            lines = file.read_bytes().split(b"\n")
            left = [line for line in lines if line and name_of_row(line) != name.encode()]
            file.write_bytes(b"".join(line + b"\n" for line in left))
        return True

    def move(self, path: str, title: str) -> str:
        raise NotImplementedError

    def mark(self, path: str) -> None:
        raise NotImplementedError

    def walk(self) -> Iterator[tuple[str, int]]:
        for directory in ("", *DIRECTORIES):  # in the root is what an earlier epoch kept
            for line in lines_of(self.root / directory):
                name = name_of_row(line).decode()
                yield str(Path(directory, name)), self._numbers[name]

    def is_contained(self) -> bool:
        files = (self.root.parent / "Master.csv", self.root / "notes.csv")
        return all(file.read_bytes() == SECRET for file in files)

    def close(self) -> None:
        """Nothing is open."""


class SqlGround:
    """A table for each directory, in SQLite unless another database is given."""

    parts: Parts = staticmethod(nothing)
    tells_mtimes = False
    states_times = True
    keeps_versions = False
    blank: tuple[str, ...] = ()

    def __init__(
        self, directory: Path, _true: TrueTime, connect: Callable[[], Database] | None = None
    ) -> None:
        if connect is None:
            (directory / "rows.db").touch()
            connect = lambda: Sqlite(directory / "rows.db")  # noqa: E731
        self._connect = connect
        self.database = connect()
        self._numbers: dict[str, int] = {}
        for name in (*DIRECTORIES, "secret"):
            make_table(self.database, name)
        insert(self.database, "secret", "nobody's business", "", "", "")

    def enrol(self) -> None:
        enrol_database(self.database, STORE)

    def open(self, epoch: int) -> Any:
        del epoch
        tables = {name.encode(): Table(name, "called", SHAPE, self.blank) for name in DIRECTORIES}
        return WatchedSql(self._connect(), STORE, tables)

    def put(self, title: str, data: bytes) -> tuple[str, int]:
        directory, _, called = title.rpartition("/")
        insert(self.database, directory, called, start_of(called), data.hex(), "")
        path = f"{directory}/{name_of_key(called).decode()}"
        return path, self._numbers.setdefault(path, len(self._numbers) + 1)

    def remove(self, path: str) -> bool:
        directory, _, called = path.rpartition("/")
        mark = self.database.mark
        self.database.rows(f"DELETE FROM {directory} WHERE called = {mark}", (called,))
        return True

    def move(self, path: str, title: str) -> str:
        raise NotImplementedError

    def mark(self, path: str) -> None:
        raise NotImplementedError

    def walk(self) -> Iterator[tuple[str, int]]:
        for directory in DIRECTORIES:
            for (called,) in self.database.rows(f"SELECT called FROM {directory}"):
                path = f"{directory}/{name_of_key(called or '').decode()}"
                yield path, self._numbers[path]

    def is_contained(self) -> bool:
        return len(self.database.rows("SELECT * FROM secret")) == 1

    def close(self) -> None:
        self.database.close()


class BlankedGround(SqlGround):
    """A table whose rows stay when what they say goes."""

    blank = ("said", "call")

    def __init__(self, directory: Path, true: TrueTime) -> None:
        super().__init__(directory, true)
        self._stays: set[str] = set()

    def put(self, title: str, data: bytes) -> tuple[str, int]:
        """A row of which only its key is left may be filled again."""
        directory, _, called = title.rpartition("/")
        self.database.rows(f"DELETE FROM {directory} WHERE called = ? AND said IS NULL", (called,))
        path, number = super().put(title, data)
        self._stays.add(path)
        return path, number

    def remove(self, path: str) -> bool:
        self._stays.discard(path)
        return super().remove(path)

    def walk(self) -> Iterator[tuple[str, int]]:
        blanks = self._blanks()
        return ((path, number) for path, number in super().walk() if path not in blanks)

    def is_contained(self) -> bool:
        return super().is_contained() and {path for path, _ in super().walk()} == self._stays

    def _blanks(self) -> set[str]:
        return {
            f"{directory}/{name_of_key(called or '').decode()}"
            for directory in DIRECTORIES
            for (called,) in self.database.rows(
                f"SELECT called FROM {directory} WHERE said IS NULL AND call IS NULL"
            )
        }


class BucketCallGround(BucketGround):
    """Calls of which everything lies in a bucket."""

    parts: Parts = staticmethod(parts)


class CallGround(TreeGround):
    """Calls: their files on a disk, and rows of a CSV that say of which call they are."""

    parts: Parts = staticmethod(parts)
    places = ("cdr",)

    def __init__(self, directory: Path, true: TrueTime) -> None:
        super().__init__(directory, true)
        self._rows = directory / "cdr"
        self._rows.mkdir()
        self._numbers: dict[str, int] = {}

    def enrol(self) -> None:
        super().enrol()
        enrol(os.fsencode(self._rows), STORE)

    def open(self, epoch: int) -> Any:
        declared = Declared(LIVE, COLUMNS, OF_CALLS)
        places: dict[bytes, Store] = {
            MAIN: Tree(os.fsencode(self.root), STORE, epoch=epoch),
            b"cdr": CsvRows(os.fsencode(self._rows), STORE, declared, epoch=epoch),
        }
        return WatchedJoined(places)

    def put(self, title: str, data: bytes) -> tuple[str, int]:
        directory, _, called = title.rpartition("/")
        if directory != "cdr":
            return super().put(title, data)
        row = written(called, start_of(called), data.hex(), called)
        with (self._rows / "Master.csv").open("ab") as file:
            file.write(row + b"\n")
        path = f"cdr/{name_of_row(row).decode()}"
        return path, self._numbers.setdefault(path, -len(self._numbers) - 1)  # no inode is below 0

    def remove(self, path: str) -> bool:
        if not path.startswith("cdr/"):
            return super().remove(path)
        for file in self._rows.glob("Master.csv*"):
            lines = [line for line in file.read_bytes().split(b"\n") if line]
            left = [line for line in lines if f"cdr/{name_of_row(line).decode()}" != path]
            file.write_bytes(b"".join(line + b"\n" for line in left))
        return True

    def walk(self) -> Iterator[tuple[str, int]]:
        yield from super().walk()
        for line in lines_of(self._rows):
            path = f"cdr/{name_of_row(line).decode()}"
            yield path, self._numbers[path]


def start_of(called: str) -> str:
    """The time column of a row: what its title says, if it says anything."""
    if not called[:8].isdigit():
        return ""
    d, t = called[:8], called[9:15]
    return f"{d[:4]}-{d[4:6]}-{d[6:]} {t[:2]}:{t[2:4]}:{t[4:]}"


GROUNDS: dict[str, Callable[[Path, TrueTime], Ground]] = {
    "tree": TreeGround,
    "bucket": BucketGround,
    "CSV": CsvGround,
    "SQLite": SqlGround,
    "blanked": BlankedGround,
    "calls": CallGround,
    "calls in a bucket": BucketCallGround,
}
