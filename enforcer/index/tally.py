"""Double entry (I14): every item seen is on the other side of the books in exactly one state.

What a transaction changes is added up in memory and written once, with the facts themselves.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, case, false, func, not_, or_, select, text

from enforcer.index.engine import bulk
from enforcer.index.tables import LIVE_TALLIES, tallies, totals

SEEN = "seen"
#: States of items that are still there.
LIVE = ("present", "held", "restricted", "undated", "late", "blocked")
#: Held back for a person; nothing unheld may be old.
KEPT = ("held", "restricted")
#: How an item ended.
ENDED = ("erased", "gone_elsewhere", "lost", "unproven", "superseded")


class Amount(NamedTuple):
    """So many items and bytes."""

    items: int
    bytes: int


class Line(NamedTuple):
    """One line of the tallies."""

    store: str
    record_class: str
    civil: int
    state: str
    items: int
    bytes: int


class Young(NamedTuple):
    """What of a store and class is too young to be due, in one line: `civil` is the oldest of it.

    `kept` is the oldest that is held back for a person. None where there is none.
    """

    store: str
    record_class: str
    civil: int | None
    kept: int | None
    counts: Mapping[str, int]


class Total(NamedTuple):
    """One line of the totals."""

    store: str
    record_class: str
    state: str
    items: int
    bytes: int


_NEVER = 2**31 - 1  # later than every civil date
_UPSERT_TALLY = """
    INSERT INTO tallies (store, record_class, civil, state, items, bytes)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (store, record_class, civil, state)
    DO UPDATE SET items = tallies.items + excluded.items, bytes = tallies.bytes + excluded.bytes
"""
_UPSERT_TOTAL = """
    INSERT INTO totals (store, record_class, state, items, bytes)
    VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (store, record_class, state)
    DO UPDATE SET items = totals.items + excluded.items, bytes = totals.bytes + excluded.bytes
"""
_DROP_EMPTY_TALLY = """
    DELETE FROM tallies
    WHERE store = ? AND record_class = ? AND civil = ? AND state = ? AND items = 0
"""
_DROP_EMPTY_TOTAL = """
    DELETE FROM totals WHERE store = ? AND record_class = ? AND state = ? AND items = 0
"""


class Changes:
    """What a transaction does to one store's books."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, int, str], list[int]] = {}

    def add(self, record_class: str, civil: int, state: str, items: int, size: int) -> None:
        """Add items of `size` bytes together to one side; negative numbers take away."""
        line = self._lines.get((record_class, civil, state))
        if line is None:
            self._lines[record_class, civil, state] = [items, size]
        else:
            line[0] += items
            line[1] += size

    def enter(self, record_class: str, civil: int, state: str, items: int, size: int) -> None:
        """Book in, on both sides; negative numbers book out."""
        self.add(record_class, civil, SEEN, items, size)
        self.add(record_class, civil, state, items, size)

    def move(self, record_class: str, civil: int, states: tuple[str, str], amount: Amount) -> None:
        """Move from the first to the second state; what was seen stays what it was."""
        before, after = states
        if before != after:
            self.add(record_class, civil, before, -amount.items, -amount.bytes)
            self.add(record_class, civil, after, amount.items, amount.bytes)

    def write(self, connection: Connection, store: str) -> None:
        """Bring the books up to date, and begin a new page."""
        lines = sorted((key, Amount(*line)) for key, line in self._lines.items() if any(line))
        sums = _summed(lines)
        self._lines = {}
        bulk(connection, _UPSERT_TALLY, [(store, *key, *amount) for key, amount in lines])
        bulk(connection, _UPSERT_TOTAL, [(store, *key, *amount) for key, amount in sums])
        bulk(connection, _DROP_EMPTY_TALLY, [(store, *key) for key, n in lines if n.items < 0])
        bulk(connection, _DROP_EMPTY_TOTAL, [(store, *key) for key, n in sums if n.items < 0])


def _summed(
    lines: list[tuple[tuple[str, int, str], Amount]],
) -> list[tuple[tuple[str, str], Amount]]:
    sums: dict[tuple[str, str], Amount] = {}
    for (record_class, _, state), (items, size) in lines:
        known = sums.get((record_class, state), Amount(0, 0))
        sums[record_class, state] = Amount(known.items + items, known.bytes + size)
    return sorted(sums.items())


def live(connection: Connection, store: str | None = None) -> list[Line]:
    """What is there, by store, class, civil date and state; of one store, or of all."""
    query = select(tallies).where(text(LIVE_TALLIES)).order_by(*tallies.primary_key)
    if store is not None:
        query = query.where(tallies.c.store == store)
    return [Line(*row) for row in connection.execute(query).all()]


def young(connection: Connection, since: Mapping[str, int]) -> Iterator[Young]:
    """What is there and recorded from a class's civil date in `since` on; undated items left out.

    Summed by the database: of a fleet there are hundreds of lines for one that is old.
    """
    c = tallies.c
    wanted = (text(LIVE_TALLIES), _from(since), c.state != "undated")
    kept = c.state.in_(KEPT)
    states = [state for state in LIVE if state != "undated"]
    counted = (func.sum(c["items"]).filter(c.state == state) for state in states)
    oldest = (func.min(c.civil).filter(not_(kept)), func.min(c.civil).filter(kept))
    key = (c.store, c.record_class)
    rows = connection.execute(select(*key, *oldest, *counted).where(*wanted).group_by(*key))
    for store, name, civil, of_kept, *found in rows:
        counts = {state: int(count) for state, count in zip(states, found, strict=True) if count}
        yield Young(store, name, civil, of_kept, counts)


def old(connection: Connection, since: Mapping[str, int]) -> Iterator[Line]:
    """The lines of what is there that `young` leaves out."""
    wanted = (text(LIVE_TALLIES), or_(not_(_from(since)), tallies.c.state == "undated"))
    for row in connection.execute(select(tallies).where(*wanted)):
        yield Line(*row)


def _from(since: Mapping[str, int]) -> ColumnElement[bool]:
    """Whether a line's civil date is reached by its class's; a class that is not named never is."""
    c = tallies.c
    if not since:
        return false()
    return c.civil >= case(dict(since), value=c.record_class, else_=_NEVER)


def sums(connection: Connection, store: str | None = None) -> list[Total]:
    """All states by store and class, over all civil dates; of one store, or of all."""
    query = select(totals).order_by(*totals.primary_key)
    if store is not None:
        query = query.where(totals.c.store == store)
    return [Total(*row) for row in connection.execute(query).all()]


def unbalanced(connection: Connection) -> list[Line]:
    """Lines where the two sides differ, `items` and `bytes` by how much: empty, or a bug (I14)."""
    sign = case((tallies.c.state == SEEN, 1), else_=-1)
    items, size = func.sum(sign * tallies.c["items"]), func.sum(sign * tallies.c.bytes)
    key = (tallies.c.store, tallies.c.record_class, tallies.c.civil)
    query = select(*key, items, size).group_by(*key).having(or_(items != 0, size != 0))
    return [
        Line(store, record_class, civil, SEEN, int(items), int(size))
        for store, record_class, civil, items, size in connection.execute(query)
    ]
