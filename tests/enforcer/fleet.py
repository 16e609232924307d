"""Stores to test with, and logs as their agents keep them."""

from collections.abc import Iterable

from small_policy import begun
from sqlalchemy import Engine, insert, select, text

from enforcer.index.engine import reading, writing
from enforcer.index.scope import Scope
from enforcer.index.tables import hold_stores, holds, metadata, stores
from enforcer.intake import apply
from retention import codec, report
from retention.calendar import Instant
from retention.report import GENESIS, AnyEntry, Sighted
from retention.wire import Applied

STORE = "riga-001"
CHAIN = begun()
NOW = Instant(1_773_662_400)  # 2026-03-16 12:00 UTC
IMAGE = "terminal-image"


def add_store(engine: Engine, store: str = STORE, **changes: object) -> None:
    """An active store whose agent has greeted once."""
    facts = {
        "site": "Brivibas 12",
        "store_group": "terminals",
        "zone": "Europe/Riga",
        "region": "EEA",
        "processor": "controller",
        "kind": "terminal",
        "state": "active",
        "commissioned_at": 0,
        "digest": GENESIS,
        "epoch": 1,
    }
    with writing(engine) as connection:
        connection.execute(insert(stores).values(id=store, **(facts | changes)))


def place(engine: Engine, hold: str, *stores: str, **changes: object) -> None:
    """Write a hold into the index, as of `NOW`, which these stores have to hear of."""
    facts = {
        "id": hold,
        "ground": "crime",
        "owner": "edgars",
        "origin": "person",
        "scope": codec.encode(Scope()),
        "begins": 0,
        "ends": 1,
        "placed_at": NOW,
        "review_on": 1,
    }
    with writing(engine) as connection:
        connection.execute(insert(holds).values(facts | changes))
        for store in stores:
            connection.execute(insert(hold_stores).values(hold=hold, store=store))


def sight(item: int, **changes: object) -> Sighted:
    """A picture of the camera `front`, taken an hour ago."""
    facts = {
        "record_class": IMAGE,
        "source": "front",
        "anchor": Instant(NOW - 3600),
        "how": "exif",
        "span": 10,
        "before": 0,
        "after": 10,
        "seen": NOW,
        "size": 100,
        "fingerprint": item.to_bytes(4, "big") * 8,
    }
    return Sighted(item=item, **(facts | changes))


class Log:
    """A store's log, from its beginning: written once, sent as often as one likes."""

    def __init__(self, engine: Engine, store: str = STORE, epoch: int = 1) -> None:
        self.engine = engine
        self.store = store
        self.epoch = epoch
        self.lines: list[bytes] = []

    @property
    def digest(self) -> bytes:
        """The digest after the last entry."""
        digest = GENESIS
        for line in self.lines:
            digest = report.chained(digest, line)
        return digest

    def write(self, entries: Iterable[AnyEntry]) -> None:
        """Append entries without sending them."""
        self.lines += map(report.encode, entries)

    def send(self, first: int, last: int) -> Applied:
        """Send the entries of these numbers, both included."""
        return apply(
            self.engine,
            store=self.store,
            epoch=self.epoch,
            first=first,
            lines=self.lines[first - 1 : last],
            chain=CHAIN,
            now=NOW,
        )

    def say(self, *entries: AnyEntry) -> Applied:
        """Append entries and send them."""
        first = len(self.lines) + 1
        self.write(entries)
        return self.send(first, len(self.lines))


def table(engine: Engine, name: str, *columns: str) -> list[tuple]:
    """Some columns of a table, or all of them, in order."""
    which = metadata.tables[name]
    wanted = [which.c[column] for column in columns] if columns else list(which.c)
    with reading(engine) as connection:
        rows = connection.execute(select(*wanted).order_by(*wanted))
        return [tuple(row) for row in rows]


def column(engine: Engine, name: str, store: str = STORE) -> object:
    """One column of a store's row."""
    with reading(engine) as connection:
        return connection.execute(select(stores.c[name]).where(stores.c.id == store)).scalar_one()


def books(engine: Engine) -> dict[tuple[str, int, str], tuple[int, int]]:
    """The tallies: (items, bytes) by class, civil date and state."""
    rows = table(engine, "tallies", "record_class", "civil", "state", "items", "bytes")
    return {tuple(row[:3]): tuple(row[3:]) for row in rows}


def states(engine: Engine) -> dict[int, str]:
    """Every item's state by its number."""
    return dict(table(engine, "items", "number", "state"))


def wipe(engine: Engine) -> None:
    """Empty every table: a new index without making one."""
    with writing(engine) as connection:
        for each in reversed(metadata.sorted_tables):
            connection.execute(each.delete())


def asks_for_a_lock(engine: Engine) -> bool:
    """Whether anybody on this server waits for one; a test's server is its worker's own."""
    with engine.connect() as connection:
        waits = connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        return bool(waits.scalar_one())
