"""The one delete path: plan, intent, erase, verify, record. It only sequences them.

Whether an item may go is `retention.decide`'s to say, how it goes is the store's, what became of
it is written down by `receipts`. A sweep works in batches; between two of them a directive can be
installed, and what it holds is in no later batch (docs/rules.md, Erasing).
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from agents.engine.clock import CONFIRMED, Clock
from agents.engine.erasing.planning import ACTIVATED, COLUMNS, Part, Plan, Planner, Row
from agents.engine.erasing.receipts import Receipts
from agents.engine.holding import digests, holds
from agents.engine.memory import contents, wholes
from agents.engine.memory.catalogue import Catalogue, Words, forget_empty_directories
from agents.engine.memory.reserve import Reserve
from agents.engine.turns import Turns
from agents.stores import Erased as Result
from agents.stores import Mark, Store
from retention.anchor import UNDATED_SECONDS
from retention.brake import Braking, brake
from retention.calendar import DAY
from retention.decide import Rules, State
from retention.outcome import Outcome

BATCH_ITEMS = 5000
#: Days of arrivals the brake's idea of an ordinary day is made of.
ARRIVAL_DAYS = 28

_BY_DATE = (
    f"SELECT {COLUMNS} FROM items WHERE record_class = ? AND holds = 0"  # noqa: S608 - constants only
    " AND civil BETWEEN ? AND ? AND (civil, number) > (?, ?)"
    f" ORDER BY civil, number LIMIT {BATCH_ITEMS}"
)
# Named, because SQLite would go through all items of the class for these few.
_FROM_UNDATED = (
    f"FROM items INDEXED BY items_special WHERE state <> 0 AND state = {State.UNDATED:d}"
)
_FROM_GRANTED = "FROM items INDEXED BY items_granted WHERE granted <> 0"
_BY_NUMBER = f"AND {ACTIVATED} AND holds = 0 AND number > ? ORDER BY number LIMIT {BATCH_ITEMS}"
_UNDATED = f"SELECT {COLUMNS} {_FROM_UNDATED} {_BY_NUMBER}"
_GRANTED = f"SELECT {COLUMNS} {_FROM_GRANTED} {_BY_NUMBER}"
_MAY_GO = f"state IN ({State.PRESENT:d}, {State.LATE:d}) AND not_before <= ? AND {CONFIRMED}"
_COUNT_DUE = (
    "SELECT count(*) FROM items WHERE record_class = ? AND holds = 0"  # noqa: S608 - the same
    f" AND civil BETWEEN ? AND ? AND {_MAY_GO}"
)
_DAYS_DUE = (
    "SELECT civil, count(*) FROM items WHERE record_class = ? AND holds = 0"  # noqa: S608 - the same
    f" AND civil BETWEEN ? AND ? AND {_MAY_GO} GROUP BY civil"
)

_STAYS = frozenset({Outcome.BLOCKED, Outcome.FAILED})


@dataclass(slots=True)
class Swept:
    """What a sweep did, counted; `brake` says whether and why it did nothing.

    `stays` are the reasons of what is due and could not be erased, with how many items each has.
    """

    braking: Braking
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    stays: Counter[str] = field(default_factory=Counter)


class Sweeper:
    """Erases what is due on one store. It takes turns with who decides what is held."""

    def __init__(
        self,
        *,
        store: Store,
        catalogue: Catalogue,
        words: Words,
        receipts: Receipts,
        planner: Planner,
        clock: Clock,
        reserve: Reserve,
        turns: Turns,
        remembers: Callable[[], int],
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._words = words
        self._receipts = receipts
        self._planner = planner
        self._clock = clock
        self._reserve = reserve
        self._turns = turns
        self._remembers = remembers  # for how many seconds what was erased is to be known again
        self.changed: list[tuple[bytes, bytes]] = []  # to be looked at again by the scan
        self.marked: dict[tuple[bytes, bytes], Mark] = {}  # to be held, before the next batch

    def due(self, rules: Rules) -> int:
        """How many items these rules let go, holds and grace days respected."""
        total = 0
        for record_class, first, last in self._ranges(rules):
            total += self._catalogue.value(_COUNT_DUE, (record_class, first, last, rules.now))
        undated = self._catalogue.value(
            f"SELECT count(*) {_FROM_UNDATED} AND holds = 0 AND seen <= ? AND {ACTIVATED}"
            f" AND {CONFIRMED}",
            (rules.now - UNDATED_SECONDS,),
        )
        return total + int(undated)

    def braking(self, rules: Rules) -> Braking:
        """What the brake says of a sweep by these rules, a newly activated backlog apart."""
        today = rules.now // DAY
        swept_at = self._catalogue.value("SELECT swept_at FROM agent")
        # It watched since its last sweep at the latest, whenever something came.
        watched_from = self._catalogue.value(
            "SELECT min(day) FROM (SELECT day FROM arrivals UNION SELECT swept_at / ? FROM agent)",
            (DAY,),
        )
        return brake(
            due=max(self.due(rules) - self._activated_backlog(rules), 0),
            arrivals=self._catalogue.value(
                "SELECT coalesce(sum(items), 0) FROM arrivals WHERE day >= ?",
                (today - ARRIVAL_DAYS,),
            ),
            days=min(ARRIVAL_DAYS, today - watched_from + 1) if watched_from is not None else 1,
            days_since_sweep=1 if swept_at is None else (rules.now - swept_at) // DAY,
            granted=self._catalogue.value(
                "SELECT coalesce(sum(items), 0) FROM grants WHERE record_class = '' AND expires > ?",
                (rules.now,),
            ),
        )

    def run(self, rules: Rules, by_now: Callable[[], Rules | None]) -> Iterator[Swept]:
        """Sweep by these rules; yields after each batch the same `Swept`, brought up to date.

        `by_now` is asked before each batch what the rules have become: of what these let go only what
        those let go too goes still; None: nothing. Ends early then, and where the store was frozen or
        began anew meanwhile. Raises `StoreUnreachableError` before anything of a batch was touched; its
        intents are then for `recover`.
        """
        epoch = self._catalogue.value("SELECT epoch FROM agent")
        swept = Swept(self.braking(rules))
        if swept.braking.engaged:
            yield swept
            return
        for query, args, last in self._queries(rules):
            cursor: tuple[int, ...] = (0,) * last
            while True:
                with self._turns.erasing(), _uncollected():
                    if self._catalogue.one("SELECT frozen, epoch FROM agent") != ("", epoch):
                        return
                    if (now := by_now()) is None:
                        return
                    rows = list(map(Row.of, self._catalogue.rows(query, (*args, *cursor))))
                    if rows:
                        rows, parts = self._no_more(rows)
                        self._batch(now, rows, parts, swept)
                if not rows:
                    break
                cursor = (rows[-1].facts.civil, rows[-1].number)[-last:]
                yield swept
        self._reserve.spent_on(lambda: self._complete(rules, swept))
        yield swept

    def preview(self, rules: Rules) -> Iterator[tuple[str, int, int]]:
        """What a sweep would do, without doing it: (class, civil date, items)."""
        for record_class, first, last in self._ranges(rules):
            rows = self._catalogue.rows(
                _DAYS_DUE,
                (record_class, first, last, rules.now),
            )
            for civil, items in rows:
                yield self._words.word(record_class), civil, items

    def _no_more(self, rows: list[Row]) -> tuple[list[Row], list[Part]]:
        """The first of these items, with their parts, that make no more files than a batch has."""
        parts = self._planner.parts(rows)
        if not parts:
            return rows, parts
        of_item = Counter(part.item for part in parts)
        files = accumulate(1 + of_item[row.number] for row in rows)
        fitting = rows[: max(sum(n <= BATCH_ITEMS for n in files), 1)]
        numbers = {row.number for row in fitting}
        return fitting, [part for part in parts if part.item in numbers]

    def _batch(
        self, rules: Rules, rows: Sequence[Row], parts: Sequence[Part], swept: Swept
    ) -> None:
        """One batch under the lock: decide, intend, erase and verify, record."""
        linked = self._planner.linked(rows, parts)
        rows, parts = [*rows, *linked], [*parts, *self._planner.parts(linked)]
        if waiting := self._receipts.waiting:
            rows = [row for row in rows if row.number not in waiting]
            parts = [part for part in parts if part.item not in waiting]
        files = [*rows, *(part.row for part in parts)]
        paths = self._paths(files)
        plan = self._planner.plan(rules, rows, parts, paths)
        self.marked |= plan.marked
        results = plan.refused
        if plan.planned:
            self._receipts.intend(plan.planned.values())
            results += self._erase(plan)
        if not results:
            return
        changed = {r.number for r in results if r.outcome is Outcome.REFUSED_CHANGED}
        self.changed += [(paths[r.directory], r.name) for r in files if r.number in changed]
        swept.outcomes += self._receipts.record(plan.planned, results, self._clock.wall())
        swept.stays += _staying(plan, results)

    def _erase(self, plan: Plan) -> list[Result]:
        """Of a call its recording last, and only if nothing else of it stays behind.

        What a crash or a refusal leaves of it then is what everybody knows it by.
        """
        results: list[Result] = []
        for stage in (plan.companions, plan.legs, plan.wanted):
            batch = plan.narrowed(stage, results) if results else stage
            if batch:
                results += self._store.erase(batch)
        return results

    def _activated_backlog(self, rules: Rules) -> int:
        """How much of what is due two people let go at once, by class, date and count."""
        grants = self._catalogue.rows(
            "SELECT record_class, through, items FROM grants"
            " WHERE record_class <> '' AND expires > ?",
            (rules.now,),
        )
        return sum(min(items, self._due_of(rules, name, last)) for name, last, items in grants)

    def _due_of(self, rules: Rules, name: str, through: int) -> int:
        """How many items of one class are due whose civil date is at most `through`."""
        return sum(
            self._catalogue.value(
                _COUNT_DUE, (self._words.id(name), first, min(last, through), rules.now)
            )
            for first, last in rules.ranges.get(name, ())
        )

    def _complete(self, rules: Rules, swept: Swept) -> None:
        """A sweep went through all that was due: the brake counts from here, grants are used up."""
        remembered = self._remembers()
        with self._catalogue.transaction() as db:
            db.execute("UPDATE agent SET swept_at = ?", (rules.now,))
            if swept.outcomes[Outcome.ERASED_VERIFIED]:
                db.execute("DELETE FROM grants")
            wholes.drop_unwanted(db, rules.now, remembered)
            holds.forget_released(db, rules.now)
            digests.forget(db)
            forget_empty_directories(db)
        contents.drop_unwanted(self._catalogue, rules.now, remembered)
        # Names of what was erased leave the write-ahead log too (I8).
        self._catalogue.blank_log()

    def _ranges(self, rules: Rules) -> Iterator[tuple[int, int, int]]:
        for record_class, ranges in rules.ranges.items():
            for first, last in ranges:
                yield self._words.id(record_class), first, last

    def _queries(self, rules: Rules) -> Iterator[tuple[str, tuple[Any, ...], int]]:
        """Where due items are found: by index and in order, each with how long its cursor is."""
        for record_class, first, last in self._ranges(rules):
            yield _BY_DATE, (record_class, first, last), 2
        yield _UNDATED, (), 1
        yield _GRANTED, (), 1

    def _paths(self, rows: Sequence[Row]) -> dict[int, bytes]:
        return {
            place: self._catalogue.value("SELECT path FROM directories WHERE id = ?", (place,))
            for place in {row.directory for row in rows}
        }


def _staying(plan: Plan, results: Sequence[Result]) -> Counter[str]:
    """The reasons of what should have gone, and how many items each has."""
    reasons = {
        (known.item if (known := plan.planned.get(r.number)) else r.number, r.detail)
        for r in results
        if r.outcome in _STAYS and r.detail
    }
    return Counter(detail for _, detail in reasons)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cyclic collector, which would go through a batch's rows again and again.

    They refer to nothing that refers back to them: a tenth of a sweep's CPU time found no garbage.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
