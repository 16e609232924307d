"""What the daemon occupies on a terminal that holds a million files, and what it does when idle.

Once as it is installed, and once with metrics that Prometheus scrapes every half minute.

The real daemon with its watcher and its TLS connection to the real enforcer, on the base install
(without rich, which would take 5 MiB more), after a complete scan that met all of them.

The physical limit is Python itself with the libraries of TLS, SQLite and Ed25519 in memory: the
first line says how much that is here.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from urllib.request import urlopen

from agents.engine.clock import SystemClock
from bench import million
from bench.disk import MEMORY, new_disk
from bench.figures import Figure, conclude
from bench.process import cpu_seconds, mebibytes
from bench.terminal import Terminal, terminal
from demo.stage import free_port

IDLE_SECONDS = 60  # one consultation among them
SCRAPE_SECONDS = 30

_BARE = "import sqlite3, ssl, nacl.signing, time; print(flush=True); time.sleep(60)"


def main() -> None:
    _tell_the_limit()
    files = million.FILES + 10_000
    with (
        new_disk(megabytes=million.MEGABYTES, files=files, where=MEMORY) as disk,
        disk.mounted() as root,
        terminal(root) as enrolled,
    ):
        _measure(enrolled)


def _measure(it: Terminal) -> None:
    with it.running() as daemon:
        it.scanned(1)
        time.sleep(5)
        print(f"no files: VmRSS {mebibytes(daemon, 'VmRSS'):.1f} MiB")
    million.invent(it.root, it.catalogue, SystemClock().wall(), days=million.DAYS)
    print(f"{it.ask('SELECT count(*) FROM items')} files, a complete scan behind it:")
    idle, occupied = _at_rest(it, 2, lambda: None)
    port = free_port()
    with it.station.config.open("a") as settings:
        settings.write(f"metrics_port = {port}\n")
    watched_idle, watched = _at_rest(it, 3, lambda: _scrape(port))
    conclude(
        Figure("idle CPU", idle, "% of a core", at_most=0.5),
        Figure("memory, a million files", occupied, "MiB VmRSS", at_most=40, aim=36),
        Figure("idle CPU, with metrics", watched_idle, "% of a core", at_most=0.5),
        Figure("memory, with metrics", watched, "MiB VmRSS", at_most=40),
    )


def _at_rest(it: Terminal, scans: int, each: Callable[[], None]) -> tuple[float, float]:
    """Its share of a core when idle, and the MiB it occupies; `each` is done every half minute."""
    with it.running() as daemon:
        it.scanned(scans)
        time.sleep(10)
        before = cpu_seconds(daemon)
        for _ in range(IDLE_SECONDS // SCRAPE_SECONDS):
            each()
            time.sleep(SCRAPE_SECONDS)
        idle = 100 * (cpu_seconds(daemon) - before) / IDLE_SECONDS
        occupied = mebibytes(daemon, "VmRSS")
        print(f"VmRSS {occupied:.1f} MiB, never more than {mebibytes(daemon, 'VmHWM'):.1f} MiB")
    return idle, occupied


def _scrape(port: int) -> None:
    began = time.monotonic()
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        size = len(answer.read())
    print(f"a scrape: {size} bytes in {time.monotonic() - began:.2f} s")


def _tell_the_limit() -> None:
    with subprocess.Popen([sys.executable, "-c", _BARE], stdout=subprocess.PIPE) as bare:
        assert bare.stdout is not None
        bare.stdout.readline()
        print(f"Python with sqlite3, ssl and nacl: VmRSS {mebibytes(bare, 'VmRSS'):.1f} MiB")
        bare.kill()


if __name__ == "__main__":
    main()
