"""What a terminal costs on the wire: a sighting in bulk, and a month of 300 files a day.

The real daemon, its words to the real enforcer relayed and counted, TLS and the headers of TCP and
IP included. A first scan shows what a sighting costs in bulk. Then words are counted one by one:
some while nothing comes, and some with one file each, as on an ordinary day, when every picture is
reported alone. To be done in a minute they follow each other faster than the product's own pace;
the connection stays open between them at either pace, and that is checked.

A day is a word a minute, one more for every sweep, a heartbeat every ten minutes, and 300 files. The
limit is a signed time and a signed directive, asked for every minute.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from agents.engine.clock import SystemClock
from agents.engine.daemon import HEARTBEAT_SECONDS, Pace
from bench.figures import Figure, conclude
from bench.recordings import MOTION_NAME, day
from bench.relay import Passed, Relay
from bench.terminal import Terminal, terminal
from enforcer.compose import KEEP_ALIVE_SECONDS
from retention import report
from retention.calendar import DAY, Instant
from retention.report import Heartbeat

BACKLOG = 20_000
FILES_A_DAY = 300
WORDS = 7  # of each kind
TALK_SECONDS = 4
#: As long as nothing passes for so long, a word is over.
SILENCE_SECONDS = 1.0
MEGABYTE = 1_000_000


def main() -> None:
    assert 2 * Pace().talk < KEEP_ALIVE_SECONDS
    with (
        Relay().running() as relay,
        tempfile.TemporaryDirectory(prefix="bench-", dir="/dev/shm") as root,
        terminal(Path(root), relay, f"talk_every = {TALK_SECONDS}") as enrolled,
    ):
        _record(enrolled, "front/backlog", BACKLOG)
        with enrolled.running():
            enrolled.scanned(1)
            while enrolled.ask("SELECT log_number - log_acknowledged FROM agent"):
                time.sleep(0.5)
            bulk = relay.passed().up / BACKLOG
            quiet = list(_words(enrolled, relay, 0))
            busy = list(_words(enrolled, relay, 1))
            assert enrolled.ask("SELECT count(*) FROM items") == BACKLOG + WORDS
        heartbeat = _heartbeat_bytes(enrolled)
    _conclude(bulk, quiet, busy, heartbeat)


def _conclude(bulk: float, quiet: list[Passed], busy: list[Passed], heartbeat: int) -> None:
    word = statistics.median(each.on_the_wire for each in quiet)
    sighting = statistics.median(each.on_the_wire for each in busy) - word
    connections = sum(each.connections for each in (*quiet, *busy))
    print(f"{len(quiet)} words with nothing to tell and {len(busy)} with a file each:")
    print(f"{connections} connections opened anew; a word {quiet[0]}, with a file {busy[0]}")
    per_day = {
        "words and sweeps": (DAY // Pace().talk + DAY // Pace().sweep) * word,
        "heartbeats": DAY // HEARTBEAT_SECONDS * (sighting + heartbeat),
        "files": FILES_A_DAY * sighting,
    }
    print(f"bytes of a word {word:.0f}, of a file in one {sighting:.0f}; in a month, MB:")
    for name, cost in per_day.items():
        print(f"  {30 * cost / MEGABYTE:6.1f}  {name}")
    month = 30 * sum(per_day.values()) / MEGABYTE
    conclude(
        Figure("wire, a month of 300 files a day", month, "MB", at_most=200),
        Figure("wire, in bulk", bulk, "bytes per sighting", at_most=60),
    )


def _words(it: Terminal, relay: Relay, files: int) -> Iterator[Passed]:
    """What passes in some words; before each of them so many files come."""
    before = _silent(relay)
    for number in range(WORDS):
        for file in range(files):
            _record(it, f"front/{number}-{file}", 1)
        while relay.passed() == before:
            time.sleep(0.05)
        after = _silent(relay)
        yield after.since(before)
        before = after


def _silent(relay: Relay) -> Passed:
    """What has passed, once nothing does."""
    passed, since = relay.passed(), time.monotonic()
    while time.monotonic() - since < SILENCE_SECONDS:
        time.sleep(0.05)
        now = relay.passed()
        if now != passed:
            passed, since = now, time.monotonic()
    return passed


def _record(it: Terminal, directory: str, count: int) -> None:
    noon = Instant(SystemClock().wall() - DAY // 4)
    for _ in day(it.root / directory, noon, count, size=64, pattern=MOTION_NAME):
        pass


def _heartbeat_bytes(it: Terminal) -> int:
    """By how much a heartbeat that travels alone is longer than a sighting that does."""
    lengths: dict[bool, int] = {}
    for packed in it.column("SELECT packed FROM log WHERE first = last"):
        [line] = report.unpack(packed)
        lengths[isinstance(report.decode(line), Heartbeat)] = len(packed)
    return lengths[True] - lengths[False]


if __name__ == "__main__":
    main()
