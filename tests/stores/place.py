"""What the contract suite needs of a kind of store, besides the store itself.

A new kind of store writes one `Place` (about thirty lines) and adds it to the fixture of
`conftest.py`; the whole of test_store_contract.py then runs on it.
"""

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from rgw import Gateway

from agents.stores import Batch, Found, Store, Unread, Wanted
from agents.stores.bucket.bucket import Bucket
from agents.stores.bucket.identity import enrol as enrol_bucket
from agents.stores.bucket.keys import name_of, prefix_of, version_of
from agents.stores.bucket.wire import Wire
from agents.stores.files.private import enrol
from agents.stores.joined import Joined
from agents.stores.rows.csv_rows import CsvRows
from agents.stores.rows.database import Database
from agents.stores.rows.declared import Declared
from agents.stores.rows.declared import name_of as name_of_row
from agents.stores.rows.shape import shape
from agents.stores.rows.sql_rows import SqlRows
from agents.stores.rows.sql_rows import enrol as enrol_database
from agents.stores.rows.tables import Table, key_named
from agents.stores.rows.tables import name_of as name_of_key
from agents.stores.tree.tree import Tree
from retention.errors import MalformedError
from retention.outcome import Outcome

STORE = "t-0001"
#: Bytes; S3 allows 1024, and the gateway keeps some of them for itself.
LONGEST_KEY = 1000


class Place(Protocol):
    """Where a store's media lies, seen by everybody else who uses it."""

    store: Store
    keeps_versions: bool
    """Whether what is written over, or removed by a name alone, still is there as a version."""
    overwritten: Outcome
    """What erasing finds of a content when another was written under its title."""

    def name(self, directory: bytes, title: bytes) -> bytes:
        """What the store calls the newest file of this title; something fit where there is none."""

    def title(self, directory: bytes, found: Found) -> bytes:
        """What its recorder called it."""

    def put(self, directory: bytes, name: bytes, data: bytes) -> None:
        """Write a file, as a recorder does; a second time gives another generation."""

    def get(self, directory: bytes, name: bytes) -> bytes | None:
        """Read a file; None if there is none."""

    def stored(self, directory: bytes, name: bytes) -> bytes:
        """All bytes that the store has of a file: of a row, what stands beside the datum too."""

    def remove(self, directory: bytes, name: bytes) -> None:
        """Remove a file for good, its versions with it, as somebody else's clean-up does."""

    def again(self, epoch: int = 1) -> Store:
        """The same store, as an agent started anew opens it."""

    def lose(self) -> None:
        """Make the whole place unreachable, so that it looks empty."""

    def close(self) -> None:
        """Remove all of it."""


class TreePlace:
    """A tree of directories. `shared`: others may write in all of them."""

    keeps_versions = False
    overwritten = Outcome.REFUSED_CHANGED

    def __init__(self, path: Path, *, shared: bool) -> None:
        self.shared = shared
        self._mode = 0o777 if shared else 0o755
        self.path = path
        path.mkdir()
        path.chmod(self._mode)
        enrol(os.fsencode(path), STORE)
        self._opened: list[Tree] = []
        self.store = self.again()

    def name(self, directory: bytes, title: bytes) -> bytes:
        return title

    def title(self, directory: bytes, found: Found) -> bytes:
        return found.called

    def put(self, directory: bytes, name: bytes, data: bytes) -> None:
        here = self.path
        for part in filter(None, directory.split(b"/")):
            here /= os.fsdecode(part)
            here.mkdir(exist_ok=True)
            here.chmod(self._mode)
        self._file(directory, name).write_bytes(data)

    def get(self, directory: bytes, name: bytes) -> bytes | None:
        try:
            return self._file(directory, name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def stored(self, directory: bytes, name: bytes) -> bytes:
        return self.get(directory, name) or b""

    def remove(self, directory: bytes, name: bytes) -> None:
        self._file(directory, name).unlink()

    def again(self, epoch: int = 1) -> Tree:
        self._opened.append(Tree(os.fsencode(self.path), STORE, epoch=epoch))
        return self._opened[-1]

    def lose(self) -> None:
        self.path.rename(self.path.with_name("elsewhere"))
        self.path.mkdir()

    def close(self) -> None:
        for store in self._opened:
            store.close()
        shutil.rmtree(self.path.parent)

    def _file(self, directory: bytes, name: bytes) -> Path:
        return self.path / os.fsdecode(directory) / os.fsdecode(name)


class BucketPlace:
    """A bucket of a real server, with a store in it that has a prefix, or all of it."""

    def __init__(
        self, gateway: Gateway, *, versioning: str = "", lock: bool = False, prefix: str = ""
    ) -> None:
        self.keeps_versions = lock or versioning == "Enabled"
        self.overwritten = (
            Outcome.ERASED_VERIFIED if self.keeps_versions else Outcome.REFUSED_CHANGED
        )
        self.gateway = gateway
        self.bucket = gateway.bucket(versioning=versioning, lock=lock)
        self.prefix = prefix
        self.client = gateway.shared
        self.endpoint = gateway.endpoint
        with self.wire() as wire:
            enrol_bucket(wire, STORE, prefix=prefix)
        self._opened: list[Bucket] = []
        self.store = self.again()

    def name(self, directory: bytes, title: bytes) -> bytes:
        key = self._key(directory, title)
        versions = self._versions("Versions", key)
        newest = max(versions, key=lambda v: (v["IsLatest"], v["LastModified"]), default=None)
        return name_of(title, "null" if newest is None else newest["VersionId"])

    def title(self, directory: bytes, found: Found) -> bytes:
        return found.called

    def put(self, directory: bytes, name: bytes, data: bytes) -> None:
        try:
            key = self._key(directory, name)
        except (UnicodeDecodeError, MalformedError) as error:
            raise NotADirectoryError from error
        if len(key.encode()) > LONGEST_KEY or not all(map(self._is_kept, key)):
            raise NotADirectoryError
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def get(self, directory: bytes, name: bytes) -> bytes | None:
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=self._key(directory, name))
        except self.client.exceptions.NoSuchKey:
            return None
        return answer["Body"].read()

    def stored(self, directory: bytes, name: bytes) -> bytes:
        return self.get(directory, name) or b""

    def remove(self, directory: bytes, name: bytes) -> None:
        self._remove(self._key(directory, name), only=True)

    def again(self, epoch: int = 1) -> Bucket:
        store = Bucket(self.wire, STORE, epoch=epoch, prefix=self.prefix)
        self._opened.append(store)
        return store

    def wire(self) -> Wire:
        return self.gateway.wire(self.bucket, endpoint=self.endpoint)

    def lose(self) -> None:
        self._remove("", only=False)

    def close(self) -> None:
        for store in self._opened:
            store.close()

    def left(self, kind: str) -> list[str]:
        """The keys of `Versions` or `DeleteMarkers`, the store's own apart."""
        keys = [each["Key"] for each in self._versions(kind, "", only=False)]
        return [key for key in keys if ".retention/" not in key]

    def _is_kept(self, sign: str) -> bool:
        return _is_listed(sign) and sign not in self.gateway.refuses

    def _key(self, directory: bytes, title: bytes) -> str:
        begins = prefix_of(directory)
        return self.prefix + begins + version_of(b"", name_of(title, "null")).key

    def _versions(self, kind: str, prefix: str, *, only: bool = True) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=prefix
        )
        found = [each for page in pages for each in page.get(kind, ())]
        return [each for each in found if not only or each["Key"] == prefix]

    def _remove(self, prefix: str, *, only: bool) -> None:
        for kind in ("Versions", "DeleteMarkers"):
            for each in self._versions(kind, prefix, only=only):
                self.client.delete_object(
                    Bucket=self.bucket, Key=each["Key"], VersionId=each["VersionId"]
                )


LIVE = b"Master.csv"
CALLS = Declared(LIVE, ("called", "start", "said"), shape(time="start", zone="Europe/Riga"))


class CsvPlace:
    """A tree in which each directory has a CSV; a file is a row of it. `rotated`: none is live."""

    keeps_versions = False
    overwritten = Outcome.ALREADY_ABSENT  # a row is named by its content

    def __init__(self, path: Path, *, rotated: bool = False) -> None:
        self.path = path
        self._file = LIVE + b".1" if rotated else LIVE
        path.mkdir(parents=True)
        path.chmod(0o755)
        enrol(os.fsencode(path), STORE)
        self._opened: list[CsvRows] = []
        self.store = self.again()

    def name(self, directory: bytes, title: bytes) -> bytes:
        if b"/" in title or title in (b"", b".", b"..") or b"\0" in title:
            return title
        return name_of_row(self._row(directory, title) or title)

    def title(self, directory: bytes, found: Found) -> bytes:
        rows = [row for file in self._files(directory) for row in _rows_of(file.read_bytes())]
        return next(_called(row) for row in rows if name_of_row(row) == found.name)

    def put(self, directory: bytes, name: bytes, data: bytes) -> None:
        here = self.path / os.fsdecode(directory)
        here.mkdir(parents=True, exist_ok=True)
        if self._row(directory, name) is not None:
            self.remove(directory, name)
        with (here / os.fsdecode(self._file)).open("ab") as file:
            file.write(row_of(name, data) + b"\n")

    def get(self, directory: bytes, name: bytes) -> bytes | None:
        row = self._row(directory, name)
        if row is None:
            return None
        (fields,) = csv.reader(io.StringIO(row.decode("latin-1"), newline=""))
        return fields[2].encode("latin-1")

    def stored(self, directory: bytes, name: bytes) -> bytes:
        return self._row(directory, name) or b""

    def remove(self, directory: bytes, name: bytes) -> None:
        for file in self._files(directory):
            rows = [r for r in _rows_of(file.read_bytes()) if _called(r) != name]
            file.write_bytes(b"".join(row + b"\n" for row in rows))

    def again(self, epoch: int = 1) -> CsvRows:
        self._opened.append(CsvRows(os.fsencode(self.path), STORE, CALLS, epoch=epoch))
        return self._opened[-1]

    def lose(self) -> None:
        self.path.rename(self.path.with_name("elsewhere"))
        self.path.mkdir()

    def close(self) -> None:
        for store in self._opened:
            store.close()
        shutil.rmtree(self.path.parent)

    def _files(self, directory: bytes) -> list[Path]:
        here = self.path / os.fsdecode(directory)
        return [f for f in here.glob("Master.csv*") if f.is_file()] if here.is_dir() else []

    def _row(self, directory: bytes, name: bytes) -> bytes | None:
        rows = [row for file in self._files(directory) for row in _rows_of(file.read_bytes())]
        return next((row for row in rows if _called(row) == name), None)


_SAID = shape(time="start", zone="Europe/Riga")


class _Declared(dict[bytes, Table]):
    """Tables that are made when they are first asked about, as any directory may be."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    def get(self, directory: bytes, default: Any = None) -> Any:
        if directory not in self:
            table = f'made {len(self)} "here" %s ?'
            self._database.rows(
                f"CREATE TABLE {self._database.quoted_table(table)}"
                " (called TEXT NOT NULL UNIQUE, start TEXT, said TEXT)"
            )
            self[directory] = Table(table, "called", _SAID)
        return self[directory]


class SqlPlace:
    """A database with a table for each directory. `connect` opens it, `lose_it` exchanges it."""

    keeps_versions = False
    overwritten = Outcome.REFUSED_CHANGED

    def __init__(
        self,
        connect: Callable[[], Database],
        lose_it: Callable[[Database], None],
        remove_it: Callable[[], None],
    ) -> None:
        self._connect = connect
        self._lose = lose_it
        self._remove = remove_it
        self.database = connect()
        enrol_database(self.database, STORE)
        self.tables = _Declared(self.database)
        self._opened: list[SqlRows] = []
        self.store = self.again()

    def name(self, directory: bytes, title: bytes) -> bytes:
        if b"/" in title or title in (b"", b".", b"..") or b"\0" in title:
            return title
        return name_of_key(title.decode())

    def title(self, directory: bytes, found: Found) -> bytes:
        return (key_named(found.name) or "").encode()

    def put(self, directory: bytes, name: bytes, data: bytes) -> None:
        try:
            key = name.decode()
        except UnicodeDecodeError as error:
            raise NotADirectoryError from error
        self._run(
            directory,
            "INSERT INTO {} VALUES (?, '2026-03-16 12:00:00', ?)"
            " ON CONFLICT (called) DO UPDATE SET said = excluded.said",
            (key, data.decode("latin-1")),
        )

    def get(self, directory: bytes, name: bytes) -> bytes | None:
        rows = self._run(directory, "SELECT said FROM {} WHERE called = ?", (name.decode(),))
        return rows[0][0].encode("latin-1") if rows else None

    def stored(self, directory: bytes, name: bytes) -> bytes:
        columns = self._run(directory, "SELECT * FROM {} WHERE called = ?", (name.decode(),))[0]
        return json.dumps(dict(zip(("called", "start", "said"), columns, strict=True))).encode()

    def remove(self, directory: bytes, name: bytes) -> None:
        self._run(directory, "DELETE FROM {} WHERE called = ?", (name.decode(),))

    def again(self, epoch: int = 1) -> SqlRows:
        self._opened.append(SqlRows(self._connect(), STORE, self.tables))
        return self._opened[-1]

    def lose(self) -> None:
        self._lose(self.database)

    def close(self) -> None:
        for store in self._opened:
            store.close()
        self.database.close()
        self._remove()

    def _run(self, directory: bytes, statement: str, arguments: Sequence[str]) -> list[Any]:
        table = self.database.quoted_table(self.tables.get(directory).name)
        written = statement.replace("?", self.database.mark).format(table)
        return self.database.rows(written, arguments)


class _Below:
    """One place of a joined store as if it were all of it: the contract says nothing of places."""

    def __init__(self, store: Joined, place: bytes) -> None:
        self._store = store
        self._place = place

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def directories(self, unread: Unread) -> Iterator[bytes]:
        for directory in self._store.directories(unread):
            first = directory.split(b"/")[0]
            if self._place and first == self._place:
                yield directory[len(self._place) + 1 :]
            elif not self._place and first != b"other":
                yield directory

    def listing(self, directory: bytes, unread: Unread) -> Iterator[Found]:
        return self._store.listing(self._in(directory), unread)

    def find(self, directory: bytes, name: bytes) -> Found | None:
        return self._store.find(self._in(directory), name)

    def missing(self, directory: bytes, names: Sequence[bytes]) -> set[bytes]:
        return self._store.missing(self._in(directory), names)

    def marked(self, directory: bytes, names: Sequence[bytes]) -> Mapping[bytes, Any]:
        return self._store.marked(self._in(directory), names)

    def open(self, directory: bytes, name: bytes) -> Any:
        return self._store.open(self._in(directory), name)

    def erase(self, batch: Batch) -> Any:
        return self._store.erase({self._in(d): wanted for d, wanted in batch.items()})

    def recover(self, batch: Batch) -> Any:
        return self._store.recover({self._in(d): wanted for d, wanted in batch.items()})

    def protect(self, batch: Batch) -> Any:
        return self._store.protect({self._in(d): wanted for d, wanted in batch.items()})

    def restore(self, number: int, directory: bytes, name: bytes) -> bool:
        return self._store.restore(number, self._in(directory), name)

    def _in(self, directory: bytes) -> bytes:
        if not self._place:
            return directory
        return self._place + b"/" + directory if directory else self._place


class JoinedPlace:
    """One of two places that are joined to one store, seen by whoever uses that one."""

    def __init__(self, one: Place, other: Place, *, called: bytes) -> None:
        self._one = one
        self._other = other
        self._called = called
        self.store = self.again()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._one, name)

    def again(self, epoch: int = 1) -> Store:
        both = {self._called: self._one.again(epoch), b"other": self._other.again(epoch)}
        return _Below(Joined(both), self._called)  # type: ignore[return-value]

    def lose(self) -> None:
        self._one.lose()
        self._other.lose()

    def close(self) -> None:
        self._one.close()
        self._other.close()


def row_of(name: bytes, data: bytes, start: str = "2026-03-16 12:00:00") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerow([name.decode("latin-1"), start, data.decode("latin-1")])
    return out.getvalue().encode("latin-1").removesuffix(b"\r\n")


def _rows_of(data: bytes) -> list[bytes]:
    rows = csv.reader(io.StringIO(data.decode("latin-1"), newline=""))
    return [row_of(r[0].encode("latin-1"), r[2].encode("latin-1"), r[1]) for r in rows]


def _called(row: bytes) -> bytes:
    (fields,) = csv.reader(io.StringIO(row.decode("latin-1"), newline=""))
    return fields[0].encode("latin-1")


def _is_listed(sign: str) -> bool:
    """Whether XML can say it: this gateway takes a key that it cannot, and lists nothing any more."""
    return sign.isprintable() or sign in "\n\t \u202e"


def wanted(number: int, found: Found | None) -> Wanted:
    """What an intent says of a file just found."""
    assert found is not None
    return Wanted(number, found.name, found.generation, found.links)


def look(place: Place, directory: bytes, title: bytes) -> Found | None:
    """What the store knows of the newest file of this title."""
    return place.store.find(directory, place.name(directory, title))


def want(place: Place, number: int, directory: bytes, title: bytes) -> Wanted:
    return wanted(number, look(place, directory, title))


def quarantine(place: TreePlace) -> set[str]:
    return {path.name for path in (place.path / ".retention/quarantine").iterdir()}


def begin(place: TreePlace, due: Wanted, directory: str) -> Path:
    """Leave a file where a crash leaves it that comes after the rename."""
    aside = place.path / ".retention/quarantine" / f"1.{due.number}"
    (place.path / directory / os.fsdecode(due.name)).rename(aside)
    return aside
