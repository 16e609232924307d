"""The places on which the contract of a store is tested."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fake_s3 import FakeS3
from rgw import Gateway
from stores.place import BucketPlace, CsvPlace, JoinedPlace, Place, SqlPlace, TreePlace

from agents.stores.rows.database import Database
from agents.stores.rows.postgres import Postgres
from agents.stores.rows.sqlite import Sqlite


def _tree(*, shared: bool) -> TreePlace:
    # Not below tmp_path: that belongs to one user alone, and these trees have several.
    outer = Path(tempfile.mkdtemp())
    outer.chmod(0o755)
    return TreePlace(outer / "root", shared=shared)


PLACES: dict[str, Callable[[], TreePlace]] = {
    "tree": partial(_tree, shared=False),
    "tree in which others write": partial(_tree, shared=True),
}


@pytest.fixture(params=[False, True], ids=["ours", "shared"])
def tree(request: pytest.FixtureRequest) -> Iterator[TreePlace]:
    """A tree in which only we write, and one in which everybody does."""
    place = _tree(shared=request.param)
    yield place
    place.close()


@pytest.fixture
def shared_tree() -> Iterator[TreePlace]:
    """A tree in which everybody writes."""
    place = _tree(shared=True)
    yield place
    place.close()


#: Each is tried in memory, where it takes no time, and on a real server.
BUCKETS: dict[str, dict[str, Any]] = {
    "bucket": {},
    "bucket with versions": {"versioning": "Enabled"},
    "bucket with versions no more": {"versioning": "Suspended"},
    "bucket with locks": {"lock": True, "prefix": "calls/"},
}


def _csv(*, rotated: bool) -> CsvPlace:
    return CsvPlace(Path(tempfile.mkdtemp()) / "root", rotated=rotated)


ROWS: dict[str, Callable[[], Place]] = {
    "rows of a live CSV": partial(_csv, rotated=False),
    "rows of a rotated CSV": partial(_csv, rotated=True),
}
LOCAL = {**PLACES, **ROWS}


LOCAL_PAIR = (PLACES["tree"], ROWS["rows of a live CSV"])


def _joined(one: Callable[[], Place], other: Callable[[], Place], called: bytes) -> JoinedPlace:
    return JoinedPlace(one(), other(), called=called)


JOINED: dict[str, Callable[[], Place]] = {
    "tree joined with rows": partial(_joined, *LOCAL_PAIR, b"calls"),
    "main tree joined with rows": partial(_joined, *LOCAL_PAIR, b""),
    "rows joined with a tree": partial(_joined, *reversed(LOCAL_PAIR), b"cdr"),
}
LOCAL |= JOINED


def sqlite_place() -> SqlPlace:
    """A new SQLite file, in which a recorder keeps its rows."""
    path = Path(tempfile.mkdtemp()) / "calls.db"
    sqlite3.connect(path).close()

    def lose(database: Database) -> None:
        database.close()
        path.rename(path.with_name("elsewhere"))
        sqlite3.connect(path).close()

    return SqlPlace(lambda: Sqlite(path), lose, lambda: shutil.rmtree(path.parent))


LOCAL["rows of SQLite"] = sqlite_place


@pytest.fixture(scope="session")
def postgres_place(new_schema: Callable[[], str]) -> Callable[[], SqlPlace]:
    """Makes a place in a schema of its own, which stands for a database, of a PostgreSQL server."""

    def lose(database: Database) -> None:
        [(name,)] = database.rows("SELECT current_schema()")
        database.rows(f"DROP SCHEMA {name} CASCADE")
        database.rows(f"CREATE SCHEMA {name}")

    def make() -> SqlPlace:
        dsn = new_schema()
        return SqlPlace(lambda: Postgres(dsn), lose, lambda: None)

    return make


def _in_memory(**kind: Any) -> BucketPlace:
    return BucketPlace(FakeS3(lambda: 1_773_655_200), **kind)  # type: ignore[arg-type]


MEMORY = {f"{name} in memory": partial(_in_memory, **kind) for name, kind in BUCKETS.items()}
LOCAL |= MEMORY


#: In AWS's dialect. moto forgets older versions when it is to keep none any more, and makes no markers then:
#: what a suspended bucket has beyond a plain one, Ceph shows.
MOCKED = {f"{name} as AWS has it": kind for name, kind in BUCKETS.items()}


@pytest.fixture(params=[*LOCAL, *BUCKETS, *MOCKED, "rows of PostgreSQL"])
def new_place(request: pytest.FixtureRequest) -> Callable[[], Place]:
    """Make an empty place; whoever asks for it closes it."""
    if request.param in MOCKED:
        return partial(BucketPlace, request.getfixturevalue("moto"), **MOCKED[request.param])
    if request.param in LOCAL:
        return LOCAL[request.param]
    if request.param not in BUCKETS:
        return request.getfixturevalue("postgres_place")
    gateway: Gateway = request.getfixturevalue("gateway")
    return partial(BucketPlace, gateway, **BUCKETS[request.param])


KEEPERS = PLACES | ROWS | JOINED


@pytest.fixture(params=KEEPERS)
def keeper(request: pytest.FixtureRequest) -> Iterator[Place]:
    """An empty place of each kind that keeps held files from other deleters."""
    place = KEEPERS[request.param]()
    yield place
    place.close()


@pytest.fixture
def place(new_place: Callable[[], TreePlace]) -> Iterator[Place]:
    """An empty place of each kind."""
    place = new_place()
    yield place
    place.close()


@pytest.fixture(params=[*PLACES, *MEMORY, *BUCKETS, *MOCKED])
def marking(request: pytest.FixtureRequest) -> Iterator[Place]:
    """An empty place of each kind in which a recorder can leave a marker beside a recording."""
    if request.param in LOCAL:
        place: Place = LOCAL[request.param]()
    elif request.param in MOCKED:
        place = BucketPlace(request.getfixturevalue("moto"), **MOCKED[request.param])
    else:
        place = BucketPlace(request.getfixturevalue("gateway"), **BUCKETS[request.param])
    yield place
    place.close()


@pytest.fixture
def sqlite_rows() -> SqlPlace:
    """A new SQLite file, as its own fixture."""
    return sqlite_place()
