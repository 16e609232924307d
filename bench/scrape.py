"""What a scrape costs with ten million items on five thousand stores, and how many series it makes.

The index is filled by SQL, as it stands after a year; the scrape is the real enforcer's collector and
the exposition of its text, in a process that has done nothing else. Intake goes on meanwhile.

The physical limit is SQLite going through the lines of the books that a question needs.
"""

import multiprocessing
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fleet import CHAIN, IMAGE, NOW, Log, add_store, sight
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Engine

from bench.disk import DISK
from bench.figures import Figure, conclude
from enforcer.index.engine import open_index
from enforcer.metrics import Facts
from retention.calendar import DAY

STORES = 5_000
ITEMS = 2_000  # of each store
DAYS = 58  # that something lies there of
PAST = 365  # days whose items are gone
GROUPS = 4
SCRAPES = 5
CALLER = "riga-bench"

_STORES = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :stores)
INSERT INTO stores (id, site, store_group, zone, region, processor, kind, state, commissioned_at,
    digest, epoch, last_seen_at, scan_complete_at, clock_trusted, clock_offset, frozen, applied, last_item,
    refused, contradictions, unregistered, imbalance, directive_version, acknowledged_version, restored,
    brake, paused, notes, counts, unreadable)
SELECT printf('store-%06d', i), 'Brivibas ' || i, 'group-' || (i % :groups), 'Europe/Riga', 'EEA',
    'controller', 'terminal', 'active', 0, zeroblob(32), 1, :now, :now, 1, 0, '', 0, 0, '', 0, 0, 0, 0, 0, 0,
    '', 0, '[]', '[["terminal-image", "present", ' || :items || ']]', 0 FROM n
"""
_ITEMS = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :items)
INSERT INTO items (store, epoch, number, record_class, source, anchor, civil, how, span, before, after,
    seen, size, fingerprint, not_before, state)
SELECT id, 1, i + 1, :image, 'front', :now - 86400 * (i % :days), :today - (i % :days), 'exif', 10, 0, 10,
    :now - 86400 * (i % :days), 250000, randomblob(32), 0, 'present' FROM stores, n ORDER BY 1, 2, 3
"""
_TALLIES = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :days + :past),
    s(state) AS (VALUES ('present'), ('seen'), ('erased'))
INSERT INTO tallies (store, record_class, civil, state, items, bytes)
SELECT id, :image, :today - i, s.state, :each, 250000 * :each FROM stores, n, s
WHERE s.state = 'seen' OR (s.state = 'present') = (i < :days) ORDER BY 1, 2, 3, 4
"""
_TOTALS = """
INSERT INTO totals (store, record_class, state, items, bytes)
SELECT store, record_class, state, sum(items), sum(bytes) FROM tallies GROUP BY 1, 2, 3
"""


class _Chains:
    def read(self, _connection: object) -> object:
        return CHAIN


def filled(path: Path, stores: int, items: int) -> None:
    """An index of so many stores with so many items each."""
    engine = open_index(f"sqlite:///{path}")
    values = {
        "stores": stores,
        "items": items,
        "each": ITEMS // DAYS,
        "groups": GROUPS,
        "days": DAYS,
        "past": PAST,
        "now": NOW,
        "image": IMAGE,
        "today": date(1970, 1, 1).toordinal() + NOW // DAY,
    }
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = OFF")
        cursor.execute("BEGIN")
        for statement in (_STORES, _ITEMS if items else "SELECT 1", _TALLIES, _TOTALS):
            cursor.execute(statement, {n: v for n, v in values.items() if f":{n}" in statement})
        cursor.execute("COMMIT")
    engine.dispose()


def in_a_process(do: Callable[..., Any], *words: Any) -> Any:
    """What a function gives in a process that did nothing before."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(do, words)


def scraped(path: Path) -> tuple[float, float, int]:
    """Seconds of the slowest scrape, MiB over idle at most, and how many series.

    An enforcer that has been at work has its database's page cache, which is bounded by itself, full.
    """
    engine, registry = _registered(path)
    fresh = _mebibytes("VmRSS")
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT sum(items) FROM tallies").all()
    idle = _mebibytes("VmRSS")
    seconds, text = [], b""
    for _ in range(SCRAPES):
        began = time.perf_counter()
        text = generate_latest(registry)
        seconds.append(time.perf_counter() - began)
    series = sum(not line.startswith(b"#") for line in text.splitlines())
    engine.dispose()
    print(f"{fresh:.0f} MiB when it had started, {idle:.0f} at work", flush=True)
    return max(seconds), _mebibytes("VmHWM") - idle, series


def intake_beside(path: Path) -> tuple[float, float]:
    """The slowest upload of one sighting in seconds, alone and while somebody scrapes without pause."""
    engine, registry = _registered(path)
    add_store(engine, CALLER, last_seen_at=NOW, scan_complete_at=NOW)
    log = Log(engine, CALLER)
    alone = max(_upload(log, number) for number in range(1, 51))
    stop = threading.Event()

    def scrape() -> None:
        while not stop.is_set():
            generate_latest(registry)

    thread = threading.Thread(target=scrape)
    thread.start()
    beside = max(_upload(log, number) for number in range(51, 101))
    stop.set()
    thread.join()
    engine.dispose()
    return alone, beside


def _upload(log: Log, number: int) -> float:
    began = time.perf_counter()
    log.say(sight(number))
    return time.perf_counter() - began


def _registered(path: Path) -> tuple[Engine, CollectorRegistry]:
    engine = open_index(f"sqlite:///{path}")
    registry = CollectorRegistry()
    registry.register(Facts(engine, _Chains(), lambda: NOW))  # type: ignore[arg-type]
    return engine, registry


def _mebibytes(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def main() -> None:
    few = "--few" in sys.argv  # for trying: without the items themselves
    with TemporaryDirectory(dir=DISK) as directory:
        for stores in () if few else (1_000, 100_000):
            filled_series(Path(directory) / f"{stores}.db", stores)
        path = Path(directory) / "index.db"
        began = time.perf_counter()
        filled(path, STORES, 0 if few else ITEMS)
        print(f"{STORES} stores with {ITEMS} items each in {time.perf_counter() - began:.0f} s")
        seconds, mebibytes, series = in_a_process(scraped, path)
        alone, beside = in_a_process(intake_beside, path)
    print(
        f"{series} series; the slowest upload took {alone:.3f} s alone, {beside:.3f} s beside scrapes"
    )
    conclude(
        Figure("a scrape, 10 000 000 items", seconds, "s", at_most=1),
        Figure("memory of scrapes", mebibytes, "MiB over idle", at_most=64),
        Figure("an upload beside scrapes", beside, "s at the slowest", at_most=1),
    )


def filled_series(path: Path, stores: int) -> None:
    """Tell how many series so many stores make."""
    engine = open_index(f"sqlite:///{path}")
    values = {"stores": stores, "items": 0, "groups": GROUPS, "now": NOW}
    with closing(engine.raw_connection()) as connection:
        connection.cursor().execute(_STORES, values)
        connection.cursor().execute(
            "INSERT INTO totals SELECT id, ?, 'seen', 1, 1 FROM stores UNION ALL"
            " SELECT id, ?, 'erased', 1, 1 FROM stores",
            (IMAGE, IMAGE),
        )
    engine.dispose()
    seconds, mebibytes, series = in_a_process(scraped, path)
    print(
        f"{stores} stores in {GROUPS} groups: {series} series ({seconds:.1f} s, {mebibytes:.0f} MiB)"
    )


if __name__ == "__main__":
    main()
