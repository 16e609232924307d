"""The index's disk is full, or its database hangs up: a sentence, nothing half done, nothing lost."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fleet import Log, add_store, books, sight
from sqlalchemy import Engine, text

from enforcer.index.engine import open_index
from enforcer.web.problems import status_of
from retention.errors import UnreachableError

MANY = 2000


@pytest.fixture
def small_disk(tmp_path: Path, need: Callable[[str], str]) -> Iterator[Path]:
    """A file system of 4 MiB."""
    if os.geteuid():
        pytest.skip("only root can mount a file system")
    image, place = tmp_path / "image", tmp_path / "disk"
    image.write_bytes(bytes(4 << 20))
    place.mkdir()
    subprocess.run([need("mkfs.ext4"), "-q", image], check=True)
    mounted = subprocess.run(["mount", "-o", "loop", image, place], check=False)
    if mounted.returncode:
        pytest.skip("no loop device can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def test_a_full_disk_takes_nothing_in_says_so_and_takes_all_of_it_when_there_is_room(small_disk):
    engine = open_index(f"sqlite:///{small_disk / 'index.db'}")
    add_store(engine)
    log = Log(engine)
    log.say(sight(1))
    before = books(engine)
    filler = small_disk / "filler"
    fill(filler)
    log.write([sight(number) for number in range(2, MANY)])

    with pytest.raises(UnreachableError, match="no room") as refused:
        log.send(2, len(log.lines))

    assert 503 == status_of(refused.value)
    assert before == books(engine)
    filler.unlink()
    assert MANY - 1 == log.send(2, len(log.lines)).applied
    engine.dispose()


def fill(path: Path) -> None:
    """Write until nothing more goes."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def test_a_database_that_hung_up_meanwhile_is_asked_again(postgres: Engine):
    """As one that was restarted: the connection that waits in the pool is dead."""
    engine = open_index(postgres.url)
    add_store(engine)
    log = Log(engine)
    log.say(sight(1))
    with engine.connect() as connection:
        waiting = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with postgres.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": waiting})

    assert 2 == log.say(sight(2)).applied

    engine.dispose()
