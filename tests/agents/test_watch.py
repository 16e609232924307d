"""What is hinted at: also what lay in a new directory before anybody could watch it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import NEVER_SECONDS

from agents.engine.finding.watch import Watch


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    watch = Watch(tmp_path)
    watch.start()
    yield watch
    watch.stop()


def names(watch: Watch, wanted: set[bytes]) -> dict[bytes, bool]:
    """What was hinted at until all of the wanted were, and whether as closed."""
    end = time.monotonic() + NEVER_SECONDS
    found: dict[bytes, bool] = {}
    while not wanted <= found.keys() and time.monotonic() < end:
        for hint in watch.hints(0.2):
            found[hint.name] = found.get(hint.name, False) or hint.closed
    return found


def test_a_file_that_is_closed_is_hinted_at_as_closed(watch: Watch, tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(b"picture")
    assert {b"a.jpg": True} == names(watch, {b"a.jpg"})


def test_the_first_file_of_every_new_directory_is_hinted_at(watch: Watch, tmp_path: Path):
    wanted = set()
    for day in range(200):
        directory = tmp_path / f"front/{day}"
        directory.mkdir(parents=True)
        (directory / f"{day}.jpg").write_bytes(b"the first of the day")
        wanted.add(b"%d.jpg" % day)
    assert wanted == names(watch, wanted).keys()
