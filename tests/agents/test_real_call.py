"""A real call over loopback: indexed whole a moment after its end, found by its number, gone in time.

baresip calls baresip through Kamailio, and rtpengine in between records, straight into a directory that
the agent watches (`tests/media/calls.sh`). The row about the call is written as an exchange would do.
"""

import os
import random
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from storage_world import storage_world
from waiting import NEVER_SECONDS, wait_until
from world import GROUP, World

from agents.engine.daemon import Daemon, Pace, Uncounted
from agents.engine.finding.watch import Watch
from agents.service.log import logger
from enforcer.clock import wall_clock
from retention.calendar import Instant
from retention.numbers import NumberKey, keyed
from retention.policy import Source
from retention.report import Numbered

SCRIPT = Path(__file__).parents[1] / "media" / "calls.sh"
NUMBER, KEY = "+37120000001", NumberKey("2026-11", b"1" * 32)
#: What the recorders leave of one call: packets and their metadata; what either telephone heard and said.
FILES = {(".pcap", ".txt"), ("-dec.wav", "-enc.wav")}
BLOCK = 256  # ports: more than the script has use for


def source(directory: str) -> Source:
    return Source(
        id=directory,
        group=GROUP,
        directory=directory,
        record_class="terminal-image",  # that of the small world with a period of 60 days
        purpose="calls",
        name_pattern="dump-%Y-%m-%d-%H-%M-%S-*.wav" if directory == "baresip" else None,
    )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    columns = {"time": "start", "zone": "UTC", "call": "uniqueid"}
    world = storage_world(
        tmp_path,
        Instant(wall_clock()),
        recorders=["rtpengine", "baresip"],
        csv={**columns, "columns": ["start", "uniqueid"]},
        keys=[KEY],
        sources=[source("rtpengine"), source("baresip"), source("cdr")],
    )
    yield world
    world.stop()


@pytest.fixture
def stop(world: World) -> Iterator[Callable[[], None]]:
    """The agent runs as a daemon, and watches, until this is called."""
    daemon = Daemon(
        world.agent,
        watch=Watch(world.root),
        metrics=Uncounted(),
        pace=Pace(scan=3600, sweep=3600, talk=1),
        log=logger(),
    )
    thread = threading.Thread(target=daemon.run)
    thread.start()

    def _stop() -> None:
        daemon.stop()
        thread.join()

    yield _stop
    _stop()


@pytest.fixture
def calling(need: Callable[[str], str], world: World) -> Iterator[subprocess.Popen[str]]:
    """A call of some seconds; `over` is said at its end."""
    for program in ("kamailio", "rtpengine", "baresip", "ffmpeg"):
        need(program)
    with subprocess.Popen(
        ["sh", SCRIPT, world.root, "6"],
        env={**os.environ, "PORTS": str(free_block())},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)


def free_block() -> int:
    """The first of some hundred ports below those that the kernel gives to whoever asks for any."""
    while True:
        first = random.randrange(10_000, 30_000, BLOCK)
        with ExitStack() as probes, suppress(OSError):
            for port in range(first, first + BLOCK):
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    probes.enter_context(socket.socket(type=kind)).bind(("127.0.0.1", port))
            return first


def known(world: World) -> dict[int, list[str]]:
    """The files of each item, as the catalogue has them now."""
    query = (
        "SELECT coalesce(item, items.number), name FROM items LEFT JOIN parts"
        " ON parts.number = items.number ORDER BY name"
    )
    found: dict[int, list[str]] = {}
    with closing(sqlite3.connect(f"file:{world.state}/catalogue.sqlite?mode=ro", uri=True)) as db:
        for item, name in db.execute(query):
            found.setdefault(item, []).append(name.decode())
    return found


def whole(world: World) -> bool:
    """Whether both recorders' files of a call are there, each call with all of its own."""
    found = list(known(world).values())
    return len(found) == len(FILES) and all(
        any(len(names) == len(ends) and all(map(str.endswith, names, ends)) for ends in FILES)
        for names in found
    )


@pytest.mark.slow
def test_a_real_call_is_indexed_at_its_end_and_goes_with_its_row(
    world: World, stop: Callable[[], None], calling: subprocess.Popen[str]
):
    assert calling.stdout is not None
    assert "over\n" == calling.stdout.readline()

    def found() -> bool:
        world.true.now = Instant(wall_clock())
        return whole(world)

    wait_until(found, "what the recorders left is known, and the next scan is an hour away")

    # Its number, out of the proxy's metadata, has reached the centre as what the key makes of it.
    wait_until(lambda: of_kind(world, Numbered), "it is told")
    told = of_kind(world, Numbered)
    assert set(keyed(NUMBER, [KEY])) < set(told[0].numbers)
    (call,) = {n.rpartition("-")[0] for n in known(world)[told[0].item] if n.endswith(".pcap")}

    # The row joins it at the next scan: nobody watches a CSV.
    stop()
    calling.wait(NEVER_SECONDS)
    began = world.true.now - 5
    rows = world.root.parent / "cdr" / "Master.csv"
    rows.write_text(f'"{time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(began))}","{call}"\n')
    world.rest()
    assert [2, 3] == sorted(map(len, known(world).values()))

    world.true.now = Instant(world.due_at(began) - 60)
    world.rest()
    assert [2, 3] == sorted(map(len, known(world).values()))
    world.true.pass_(120)
    world.rest()
    assert {} == known(world)
    assert set() == world.files()
    assert "" == "".join(part.read_text() for part in rows.parent.glob("Master.csv*"))
    assert ["due", "due"] == [ending.how for ending in world.books().ended.values()]


def of_kind(world: World, kind: type) -> list:
    return [entry for entry in world.centre.entries() if isinstance(entry, kind)]
