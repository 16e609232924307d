"""How many sightings per second one process takes into SQLite on disk, every upload synced.

The yardstick is the same rows in the same table by bare `executemany`, in the same transactions of
the same run: what is left of its rate after decoding, chaining, dating, filing and booking. Beside
it, how long the erasure of a hundred thousand items takes to book.
"""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from sqlalchemy import Engine, insert

from bench.figures import Figure, conclude
from enforcer.index.engine import open_index, writing
from enforcer.index.tables import stores
from enforcer.intake import apply
from retention import report
from retention.calendar import Instant
from retention.classes import RecordClass
from retention.outcome import Outcome
from retention.policy import Chain, Policy, Source
from retention.report import GENESIS, Erased, Sighted

SIGHTINGS = 200_000
BATCH = 5_000
ERASED = 100_000
NOW = Instant(1_773_662_400)  # 2026-03-16
FIELD_COUNT = 16


def chain() -> Chain:
    image = RecordClass("image", "P60D", "start", "6(1)(f)", "security", "3", "anna")
    front = Source("front", "terminals", "front", "image", "people at the terminal")
    policy = Policy(
        version=1,
        previous=None,
        effective_from=date(2025, 1, 1),
        issued_at=Instant(0),
        classes=(image,),
        sources=(front,),
        people=(),
        directive_keys=(),
        ledger_origin="",
        ledger_keys=(),
    )
    return Chain((policy,), b"")


def sightings() -> list[Sighted]:
    """A store that keeps sixty days of recordings."""
    step = 60 * 86_400 // SIGHTINGS
    return [
        Sighted(
            item=number,
            record_class="image",
            source="front",
            anchor=Instant(NOW - (SIGHTINGS - number) * step),
            how="exif",
            span=20,
            before=0,
            after=20,
            seen=Instant(NOW - (SIGHTINGS - number) * step + 30),
            size=250_000 + number,
            fingerprint=number.to_bytes(4, "big") * 8,
        )
        for number in range(1, SIGHTINGS + 1)
    ]


def batches(lines: list[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    for at in range(0, len(lines), BATCH):
        yield at + 1, lines[at : at + BATCH]


def prepared(path: Path) -> Engine:
    engine = open_index(f"sqlite:///{path}")
    with writing(engine) as connection:
        connection.execute(
            insert(stores).values(
                id="riga-001",
                site="Brivibas 12",
                store_group="terminals",
                zone="Europe/Riga",
                region="EEA",
                processor="controller",
                kind="terminal",
                state="active",
                commissioned_at=0,
                epoch=1,
                digest=GENESIS,
            )
        )
    return engine


def seconds(action: Callable[[], None]) -> float:
    began = perf_counter()
    action()
    return perf_counter() - began


def take_in(engine: Engine, first: int, lines: list[bytes]) -> None:
    for number, batch in batches(lines):
        apply(
            engine,
            store="riga-001",
            epoch=1,
            first=first + number - 1,
            lines=batch,
            chain=chain(),
            now=NOW,
        )


def bare(path: Path, rows: list[tuple[object, ...]]) -> None:
    """The yardstick: the same table and indexes, and nothing but rows."""
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("synchronous = FULL", "secure_delete = ON", "foreign_keys = ON"):
        database.execute(f"PRAGMA {pragma}")
    names = "store, epoch, number, record_class, source, anchor, civil, how, span, before, after, seen, size, fingerprint, not_before, state"
    insertion = f"INSERT INTO items ({names}) VALUES ({', '.join('?' * FIELD_COUNT)})"
    for at in range(0, len(rows), BATCH):
        database.execute("BEGIN IMMEDIATE")
        database.executemany(insertion, rows[at : at + BATCH])
        database.execute("COMMIT")
    database.close()


def main() -> None:
    entries = sightings()
    lines = [report.encode(entry) for entry in entries]
    with TemporaryDirectory() as directory:
        ours, theirs = Path(directory) / "ours.db", Path(directory) / "bare.db"
        engine = prepared(ours)
        taken = seconds(lambda: take_in(engine, 1, lines))
        with sqlite3.connect(ours) as database:
            columns = "store, epoch, number, record_class, source, anchor, civil, how, span, before, after, seen, size, fingerprint, not_before, state"
            rows = database.execute(f"SELECT {columns} FROM items ORDER BY number").fetchall()
        prepared(theirs).dispose()
        yardstick = seconds(lambda: bare(theirs, rows))
        erased = report.encode(Erased(NOW, ((1, ERASED),), "due", Outcome.ERASED_VERIFIED))
        ended = seconds(lambda: take_in(engine, SIGHTINGS + 1, [erased]))
        engine.dispose()
    print(f"bare executemany, same rows: {SIGHTINGS / yardstick:,.0f} / s")
    print(f"{ERASED} erasures booked in {ended:.2f} s")
    print(f"intake is {yardstick / taken:.2f} of the bare rows' rate")
    conclude(
        Figure("intake", SIGHTINGS / taken, "sightings/s in one process, synced", at_least=50_000)
    )


if __name__ == "__main__":
    main()
