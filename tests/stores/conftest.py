"""The places on which the contract of a store is tested."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rgw import Gateway
from stores.place import BucketPlace, CsvPlace, JoinedPlace, Place, TreePlace


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
    "rows joined with a tree": partial(_joined, *reversed(LOCAL_PAIR), b"cdr"),
}
LOCAL |= JOINED


@pytest.fixture(params=[*LOCAL, *BUCKETS])
def new_place(request: pytest.FixtureRequest) -> Callable[[], Place]:
    """Make an empty place; whoever asks for it closes it."""
    if request.param in LOCAL:
        return LOCAL[request.param]
    gateway: Gateway = request.getfixturevalue("gateway")
    return partial(BucketPlace, gateway, **BUCKETS[request.param])


KEEPERS = {**PLACES, "tree joined with rows": JOINED["tree joined with rows"]}


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


@pytest.fixture(params=[*PLACES, *BUCKETS])
def marking(request: pytest.FixtureRequest) -> Iterator[Place]:
    """An empty place of each kind in which a recorder can leave a marker beside a recording."""
    if request.param in PLACES:
        place: Place = PLACES[request.param]()
    else:
        place = BucketPlace(request.getfixturevalue("gateway"), **BUCKETS[request.param])
    yield place
    place.close()
