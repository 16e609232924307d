"""The first scan of a backlog: memory that does not grow with it, and what the catalogue weighs.

The real daemon on the base install, reporting to the real enforcer all the while: once over
100 000 new pictures, and, started anew, over 200 000 more beside those.

The physical limit of the speed is opening and reading every file once; of the catalogue, what it
has to remember: name, generation, fingerprint and dates.
"""

import tempfile
import time
from pathlib import Path

from agents.engine.clock import SystemClock
from bench.figures import Figure, conclude
from bench.process import mebibytes
from bench.recordings import MOTION_NAME, day
from bench.terminal import Terminal, terminal
from retention.calendar import DAY, Instant

EACH = 1000  # files of a directory
FIRST, MORE = 100, 200  # directories
BYTES = 64  # of a file: how long it is matters to nobody here


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir="/dev/shm") as root,
        terminal(Path(root)) as enrolled,
    ):
        small = _peak(enrolled, 0, FIRST, scans=1)
        weight = _weight(enrolled)
        large = _peak(enrolled, FIRST, MORE, scans=2)
        assert enrolled.ask("SELECT count(*) FROM items") == (FIRST + MORE) * EACH
    conclude(
        Figure("catalogue", weight, "bytes per file, the log apart", at_most=250),
        Figure("first scan, memory", large, "MiB at its peak, 300 000 files", at_most=40, aim=36),
        Figure("first scan, growth", large / small, "x the peak of 100 000", at_most=1.1),
    )


def _weight(it: Terminal) -> float:
    """Bytes per file. Not of the second scan: old dates that come late are kept with evidence."""
    pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    log = it.ask("SELECT sum(length(packed)) FROM log")
    return (it.ask(pages) - log) / it.ask("SELECT count(*) FROM items")


def _peak(it: Terminal, first: int, directories: int, *, scans: int) -> float:
    """Write so many directories, have them scanned, and tell the most that the daemon took."""
    noon = Instant(SystemClock().wall() - 5 * DAY)
    for number in range(first, first + directories):
        for _ in day(it.root / f"front/{number:03}", noon, EACH, size=BYTES, pattern=MOTION_NAME):
            pass
    began = time.perf_counter()
    with it.running() as daemon:
        it.scanned(scans)
        took = time.perf_counter() - began
        peak = mebibytes(daemon, "VmHWM")
    new = directories * EACH
    print(f"{new} new files in {took:.0f} s ({new / took:.0f} files/s): at most {peak:.1f} MiB")
    return peak


if __name__ == "__main__":
    main()
