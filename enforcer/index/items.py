"""The items of one epoch of a store, in runs of numbers: a sweep ends thousands at once.

Whatever happens to a run is a handful of statements, however long it is. `Picked` answers what it
names and changes it; what that means for the books is for the caller to say.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    column,
    func,
    select,
    table,
)

from enforcer.index import partly
from enforcer.index.engine import bulk
from enforcer.index.histograms import AGE_BOUNDS
from enforcer.index.tables import held_items, items
from enforcer.index.tally import Amount
from retention.calendar import Instant
from retention.errors import MalformedError
from retention.hold import RESTRICTION
from retention.outcome import Outcome
from retention.report import Runs


class Group(NamedTuple):
    """Items that are booked alike."""

    record_class: str
    civil: int
    state: str
    amount: Amount


class Known(NamedTuple):
    """What is booked of one item. `base`: its state without any hold, None if nothing holds it."""

    record_class: str
    civil: int
    state: str
    size: int
    base: str | None
    restricted: bool  # by a hold


class Facts(NamedTuple):
    """What a correction or a new look changes about an item."""

    record_class: str
    source: str
    anchor: Instant | None
    civil: int
    how: str
    span: int
    before: int
    after: int
    seen: Instant
    size: int
    fingerprint: bytes
    not_before: Instant
    state: str
    base: str | None


_ENTER = """
    INSERT INTO items (store, epoch, number, record_class, source, anchor, civil, how, span,
        before, after, seen, size, fingerprint, not_before, state)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_CHANGE = """
    UPDATE items SET record_class = ?, source = ?, anchor = ?, civil = ?, how = ?, span = ?,
        before = ?, after = ?, seen = ?, size = ?, fingerprint = ?, not_before = ?, state = ?, base = ?
    WHERE store = ? AND epoch = ? AND number = ?
"""

# What follows is run once per run of numbers.

_ERASE = """
    UPDATE items SET state = 'erased', erased_at = ?, why = ?, outcome = ?
    WHERE store = ? AND epoch = ? AND number BETWEEN ? AND ?
        AND state NOT IN ('held', 'restricted', 'erased')
"""
_BLOCK = """
    UPDATE items SET state = 'blocked'
    WHERE store = ? AND epoch = ? AND number BETWEEN ? AND ? AND state = 'present'
"""
_REMOVE = """
    DELETE FROM items
    WHERE store = ? AND epoch = ? AND number BETWEEN ? AND ? AND state <> 'erased'
"""
_REMOVE_KEPT = """
    DELETE FROM items
    WHERE store = ? AND epoch = ? AND number BETWEEN ? AND ? AND state IN ('held', 'restricted')
"""
_REMOVE_HOLDS = """
    DELETE FROM held_items WHERE store = ? AND epoch = ? AND number BETWEEN ? AND ?
"""
_REMOVE_NUMBERS = """
    DELETE FROM item_numbers WHERE store = ? AND epoch = ? AND number BETWEEN ? AND ?
"""
_HOLD = """
    INSERT INTO held_items (hold, store, epoch, number)
    SELECT ?, store, epoch, number FROM items
    WHERE store = ? AND epoch = ? AND number BETWEEN ? AND ? AND state <> 'erased'
    ON CONFLICT DO NOTHING
"""
_KEEP = """
    UPDATE items SET base = coalesce(base, state),
        state = CASE WHEN state = 'restricted' THEN state ELSE ? END
    WHERE store = ? AND epoch = ? AND number BETWEEN ? AND ? AND state <> 'erased'
"""
_POSTPONE = """
    UPDATE items SET not_before = CASE WHEN not_before < ? THEN ? ELSE not_before END
    WHERE store = ? AND epoch = ? AND number BETWEEN ? AND ? AND EXISTS (
        SELECT 1 FROM held_items AS h WHERE h.store = items.store AND h.epoch = items.epoch
            AND h.number = items.number AND h.hold = ?
    )
"""
_FREE = """
    DELETE FROM held_items WHERE hold = ? AND store = ? AND epoch = ? AND number BETWEEN ? AND ?
"""
_RETURN = """
    UPDATE items SET
        state = CASE
            WHEN base = 'restricted' OR EXISTS (
                SELECT 1 FROM held_items AS h WHERE h.store = items.store
                    AND h.epoch = items.epoch AND h.number = items.number AND h.hold LIKE ?
            ) THEN 'restricted'
            WHEN EXISTS (
                SELECT 1 FROM held_items AS h WHERE h.store = items.store
                    AND h.epoch = items.epoch AND h.number = items.number
            ) THEN 'held'
            ELSE base
        END,
        base = CASE
            WHEN EXISTS (
                SELECT 1 FROM held_items AS h WHERE h.store = items.store
                    AND h.epoch = items.epoch AND h.number = items.number
            ) THEN base
        END
    WHERE store = ? AND epoch = ? AND number BETWEEN ? AND ? AND base IS NOT NULL
"""

_MAKE_PICKED = "CREATE TEMPORARY TABLE IF NOT EXISTS picked (first BIGINT, last BIGINT)"
_picked = table("picked", column("first", BigInteger), column("last", BigInteger))
_PICKED = and_(
    items.c.store == bindparam("store"),
    items.c.epoch == bindparam("epoch"),
    items.c.number.between(_picked.c.first, _picked.c.last),
    items.c.state != "erased",
)
_HOLDS_IT = and_(
    held_items.c.store == items.c.store,
    held_items.c.epoch == items.c.epoch,
    held_items.c.number == items.c.number,
)
_BOOKED = (items.c.record_class, items.c.civil, items.c.state)
_age = bindparam("at", type_=BigInteger) - items.c.anchor


def _of_picked(*columns: Any) -> Select[*tuple[Any, ...]]:
    return select(*columns).join_from(_picked, items, _PICKED)


_GROUPS = _of_picked(*_BOOKED, func.count(), func.sum(items.c.size)).group_by(*_BOOKED)
_HOLDING = (
    _of_picked(func.count())
    .join(held_items, _HOLDS_IT)
    .where(held_items.c.hold == bindparam("hold"))
)
_KNOWN = _of_picked(
    items.c.number,
    *_BOOKED,
    items.c.size,
    items.c.base,
    select(held_items.c.hold)
    .where(_HOLDS_IT, held_items.c.hold.startswith(RESTRICTION))
    .correlate(items)
    .exists(),
)
_AGES = (
    _of_picked(
        case(*((_age <= bound, bound) for bound in AGE_BOUNDS)).label("bound"),
        func.count(),
        func.sum(case((_age > 0, _age), else_=0)),
    )
    .where(items.c.anchor.is_not(None))
    .group_by("bound")
)


class Items:
    """The items of one epoch of a store."""

    def __init__(self, connection: Connection, store: str, epoch: int) -> None:
        self._connection = connection
        self._key = (store, epoch)

    def enter(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Enter new items: tuples of the table's columns from `store` to `state`."""
        bulk(self._connection, _ENTER, rows)

    def change(self, changed: Sequence[tuple[int, Facts]]) -> None:
        """Write new facts of items, by number."""
        bulk(self._connection, _CHANGE, [(*facts, *self._key, number) for number, facts in changed])

    def pick(self, runs: Runs) -> "Picked":
        """Name items by their numbers; `MalformedError` unless the runs ascend without overlap."""
        end = 0
        for first, last in runs:
            if first <= end or last < first:
                raise MalformedError("runs of item numbers must ascend and may not overlap")
            end = last
        return Picked(self._connection, self._key, runs)

    def any_held_by(self, hold: str) -> bool:
        """Whether this hold still holds an item."""
        c, (store, epoch) = held_items.c, self._key
        of_hold = select(c.number).where(c.store == store, c.epoch == epoch, c.hold == hold)
        return self._connection.execute(of_hold.limit(1)).first() is not None


class Picked:
    """Items named by runs of numbers. A number that no item has, or an erased one, names nothing.

    Good until the next `pick` on the same connection.
    """

    def __init__(self, connection: Connection, key: tuple[str, int], runs: Runs) -> None:
        self._connection = connection
        self._key = {"store": key[0], "epoch": key[1]}
        self._runs = [(*key, *run) for run in runs]
        self.named = sum(last - first + 1 for first, last in runs)
        connection.exec_driver_sql(_MAKE_PICKED)
        connection.exec_driver_sql("DELETE FROM picked")
        bulk(connection, "INSERT INTO picked (first, last) VALUES (?, ?)", runs)

    def groups(self) -> list[Group]:
        """How many there are, by what they are booked under."""
        # PostgreSQL sums big integers as decimals.
        return [
            Group(record_class, civil, state, Amount(number, int(size)))
            for record_class, civil, state, number, size in self._connection.execute(
                _GROUPS, self._key
            )
        ]

    def known(self) -> dict[int, Known]:
        """Each by its number."""
        rows = self._connection.execute(_KNOWN, self._key)
        return {number: Known(*facts) for number, *facts in rows}

    def ages(self, at: Instant) -> list[tuple[int, int, int]]:
        """How old they were: (upper bound of the bucket, items, seconds), undated ones left out."""
        rows = self._connection.execute(_AGES, {**self._key, "at": at})
        return [(bound, number, int(seconds)) for bound, number, seconds in rows]

    def holding(self, hold: str) -> int:
        """How many of them this hold holds."""
        number: int = self._connection.execute(_HOLDING, {**self._key, "hold": hold}).scalar_one()
        return number

    def erase(self, at: Instant, why: str, outcome: Outcome) -> None:
        """Note how those that nothing keeps ended."""
        self._run(_ERASE, (at, why, str(outcome)))
        self._run(_REMOVE_NUMBERS)
        self._run(partly.UNMARK)

    def part(self) -> None:
        """Note that some parts of them are erased; their state stays what it is."""
        self._run(partly.MARK)

    def block(self) -> None:
        """Note that something keeps those that are merely present from being erased."""
        self._run(_BLOCK)

    def remove(self, *, kept_only: bool = False) -> None:
        """Drop them, or with `kept_only` those that are held or restricted."""
        self._run(_REMOVE_KEPT if kept_only else _REMOVE)
        self._run(_REMOVE_HOLDS)
        self._run(_REMOVE_NUMBERS)
        self._run(partly.UNMARK)

    def hold(self, hold: str) -> None:
        """Have a hold hold them."""
        self._run(_HOLD, (hold,))
        self._run(_KEEP, ("restricted" if hold.startswith(RESTRICTION) else "held",))

    def free(self, hold: str, not_before: Instant) -> None:
        """Take a hold off those it holds; they may not go before `not_before`."""
        self._run(_POSTPONE, (not_before, not_before), (hold,))
        self._run(_FREE, (hold,))
        self._run(_RETURN, (f"{RESTRICTION}%",))

    def _run(
        self, statement: str, before: tuple[Any, ...] = (), after: tuple[Any, ...] = ()
    ) -> None:
        bulk(self._connection, statement, [(*before, *run, *after) for run in self._runs])
