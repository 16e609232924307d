"""The places on which the contract of a store is tested."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from stores.place import Place, TreePlace


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


@pytest.fixture(params=PLACES)
def new_place(request: pytest.FixtureRequest) -> Callable[[], TreePlace]:
    """Make an empty place; whoever asks for it closes it."""
    return PLACES[request.param]


@pytest.fixture
def place(new_place: Callable[[], TreePlace]) -> Iterator[Place]:
    """An empty place of each kind."""
    place = new_place()
    yield place
    place.close()
