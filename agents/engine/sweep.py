"""The one delete path: plan, intent, erase, verify, record. It only sequences them.

Whether an item may go is `retention.decide`'s to say, how it goes is the store's, what became of
it is written down by `receipts`. A sweep works in batches; between two of them a directive can be
installed, and what it holds is in no later batch (docs/rules.md, Erasing).
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from agents.engine.catalogue import Catalogue, CatalogueFullError, Words
from agents.engine.clock import Clock
from agents.engine.receipts import Planned, Receipts
from agents.engine.reserve import Reserve
from agents.stores import Erased as Result
from agents.stores import Generation, Store, Wanted
from retention.anchor import UNDATED_SECONDS
from retention.brake import Braking, brake
from retention.calendar import DAY, Instant
from retention.decide import Grant, Item, Rules, State
from retention.outcome import Outcome

BATCH_ITEMS = 5000
#: Days of arrivals the brake's idea of an ordinary day is made of.
ARRIVAL_DAYS = 28

_ROW = (
    "number, directory, name, inode, size, mtime_ns, links, fingerprint, record_class, source,"
    " civil, state, seen, not_before, granted"
)

_BY_DATE = (
    f"SELECT {_ROW} FROM items WHERE record_class = ? AND holds = 0"  # noqa: S608 - constants only
    " AND civil BETWEEN ? AND ? AND (civil, number) > (?, ?)"
    f" ORDER BY civil, number LIMIT {BATCH_ITEMS}"
)
_BY_NUMBER = f"AND holds = 0 AND number > ? ORDER BY number LIMIT {BATCH_ITEMS}"
_UNDATED = f"SELECT {_ROW} FROM items WHERE state = 1 {_BY_NUMBER}"  # noqa: S608 - constants only
_GRANTED = f"SELECT {_ROW} FROM items WHERE granted <> 0 {_BY_NUMBER}"  # noqa: S608 - constants only


class _Facts(NamedTuple):
    """What decides about an item. Thousands of one day have the same: they are asked about once."""

    record_class: int
    civil: int
    state: int
    seen: Instant
    not_before: Instant
    granted: int


class _Row(NamedTuple):
    number: int
    directory: int
    name: bytes
    inode: int
    size: int
    mtime_ns: int
    links: int
    fingerprint: bytes
    record_class: int
    source: int
    civil: int
    state: int
    seen: Instant
    not_before: Instant
    granted: int

    @property
    def facts(self) -> _Facts:
        """What the decision asks; when it was first seen matters only while it has no date."""
        seen = self.seen if self.state == State.UNDATED else Instant(0)
        return _Facts(
            self.record_class, self.civil, self.state, seen, self.not_before, self.granted
        )


@dataclass(slots=True)
class Swept:
    """What a sweep did, counted; `brake` says whether and why it did nothing."""

    braking: Braking
    outcomes: Counter[Outcome] = field(default_factory=Counter)


class Sweeper:
    """Erases what is due on one store. `erasing` is held while a batch is on its way."""

    def __init__(
        self,
        *,
        store: Store,
        catalogue: Catalogue,
        words: Words,
        receipts: Receipts,
        clock: Clock,
        reserve: Reserve,
        erasing: threading.Lock,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._words = words
        self._receipts = receipts
        self._clock = clock
        self._reserve = reserve
        self._erasing = erasing
        self.changed: list[tuple[bytes, bytes]] = []  # to be looked at again by the scan

    def due(self, rules: Rules) -> int:
        """How many items these rules let go, holds and grace days respected."""
        total = 0
        for record_class, first, last in self._ranges(rules):
            total += self._catalogue.value(
                "SELECT count(*) FROM items WHERE record_class = ? AND holds = 0"
                " AND civil BETWEEN ? AND ? AND state IN (0, 2) AND not_before <= ?",
                (record_class, first, last, rules.now),
            )
        undated = self._catalogue.value(
            "SELECT count(*) FROM items WHERE state = 1 AND holds = 0 AND seen <= ?",
            (rules.now - UNDATED_SECONDS,),
        )
        return total + int(undated)

    def braking(self, rules: Rules) -> Braking:
        """What the brake says of a sweep by these rules."""
        today = rules.now // DAY
        swept_at = self._catalogue.value("SELECT swept_at FROM agent")
        first_day = self._catalogue.value("SELECT min(day) FROM arrivals")
        return brake(
            due=self.due(rules),
            arrivals=self._catalogue.value(
                "SELECT coalesce(sum(items), 0) FROM arrivals WHERE day >= ?",
                (today - ARRIVAL_DAYS,),
            ),
            days=min(ARRIVAL_DAYS, today - first_day + 1) if first_day is not None else 1,
            days_since_sweep=1 if swept_at is None else (rules.now - swept_at) // DAY,
            granted=self._catalogue.value(
                "SELECT coalesce(sum(items), 0) FROM grants WHERE expires > ?", (rules.now,)
            ),
        )

    def run(self, rules: Rules) -> Iterator[Swept]:
        """Sweep by these rules; yields after each batch the same `Swept`, brought up to date.

        Raises `StoreUnreachableError` before anything of a batch was touched.
        """
        swept = Swept(self.braking(rules))
        if swept.braking.engaged:
            yield swept
            return
        for query, args, last in self._queries(rules):
            cursor: tuple[int, ...] = (0,) * last
            while True:
                with self._erasing:
                    rows = list(map(_Row._make, self._catalogue.rows(query, (*args, *cursor))))
                    if rows:
                        swept.outcomes += self._batch(rules, rows)
                if not rows:
                    break
                cursor = (rows[-1].civil, rows[-1].number)[-last:]
                yield swept
        self._complete(rules, swept)
        yield swept

    def preview(self, rules: Rules) -> Iterator[tuple[str, int, int]]:
        """What a sweep would do, without doing it: (class, civil date, items)."""
        for record_class, first, last in self._ranges(rules):
            rows = self._catalogue.rows(
                "SELECT civil, count(*) FROM items WHERE record_class = ? AND holds = 0"
                " AND civil BETWEEN ? AND ? AND state IN (0, 2) AND not_before <= ? GROUP BY civil",
                (record_class, first, last, rules.now),
            )
            for civil, items in rows:
                yield self._words.word(record_class), civil, items

    def _batch(self, rules: Rules, rows: Sequence[_Row]) -> Counter[Outcome]:
        """One batch under the lock: decide, intend, erase and verify, record."""
        wanted, planned, results = self._plan(rules, rows)
        if planned:
            self._intend(planned)
            results += self._store.erase(wanted)
        if not results:
            return Counter()
        self._notice_changed(rows, results)
        return self._receipts.record(planned, results, self._clock.wall())

    def _plan(
        self, rules: Rules, rows: Sequence[_Row]
    ) -> tuple[dict[bytes, list[Wanted]], dict[int, Planned], list[Result]]:
        wanted: dict[bytes, list[Wanted]] = defaultdict(list)
        planned: dict[int, Planned] = {}
        refused: list[Result] = []
        paths = self._paths(rows)
        why_of = self._reasons(rules)
        for row in rows:
            why = why_of(row.facts)
            if why is None:
                continue
            names = 1 if row.links == 1 else self._names(rules, row)
            if names == 0:
                detail = "another name of the same content may not go yet"
                refused.append(Result(row.number, Outcome.REFUSED_HELD, detail))
                continue
            generation = Generation(row.inode, row.size, row.mtime_ns)
            wanted[paths[row.directory]].append(Wanted(row.number, row.name, generation, names))
            planned[row.number] = Planned(row.number, why, row.source, row.civil, row.fingerprint)
        return wanted, planned, refused

    def _names(self, rules: Rules, row: _Row) -> int:
        """How many names of this content the catalogue knows; 0 if one of them may not go."""
        others = self._catalogue.rows(
            "SELECT record_class, civil, state, seen, not_before, holds, granted FROM items"
            " WHERE inode = ? AND links > 1",
            (row.inode,),
        )
        items = [
            Item(self._words.word(c), civil, State(state), seen, not_before, holds, Grant(granted))
            for c, civil, state, seen, not_before, holds, granted in others
        ]
        return len(items) if all(rules.decide(item).why for item in items) else 0

    def _intend(self, planned: Mapping[int, Planned]) -> None:
        """Write the intents; on a full disk, into the room kept free for just this."""
        try:
            self._receipts.intend(planned.values())
        except CatalogueFullError:
            self._reserve.free()
            self._receipts.intend(planned.values())

    def _notice_changed(self, rows: Sequence[_Row], results: Sequence[Result]) -> None:
        changed = {r.number for r in results if r.outcome is Outcome.REFUSED_CHANGED}
        if changed:
            paths = self._paths(rows)
            self.changed += [(paths[r.directory], r.name) for r in rows if r.number in changed]

    def _complete(self, rules: Rules, swept: Swept) -> None:
        """A sweep went through all that was due: the brake counts from here, grants are used up."""
        with self._catalogue.transaction() as db:
            db.execute("UPDATE agent SET swept_at = ?", (rules.now,))
            if swept.outcomes[Outcome.ERASED_VERIFIED]:
                db.execute("DELETE FROM grants")
            db.execute("DELETE FROM tombstones WHERE until < ?", (rules.now,))
        # Names of what was erased leave the write-ahead log too (I8).
        self._catalogue.truncate_log()

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

    def _paths(self, rows: Sequence[_Row]) -> dict[int, bytes]:
        return {
            place: self._catalogue.value("SELECT path FROM directories WHERE id = ?", (place,))
            for place in {row.directory for row in rows}
        }

    def _reasons(self, rules: Rules) -> Callable[[_Facts], str | None]:
        """Asked why an item of these facts goes; None if it stays."""

        @cache
        def why_of(facts: _Facts) -> str | None:
            item = Item(
                record_class=self._words.word(facts.record_class),
                civil=facts.civil,
                state=State(facts.state),
                seen=facts.seen,
                not_before=facts.not_before,
                holds=0,  # the query chose it so, under this very lock
                granted=Grant(facts.granted),
            )
            return rules.decide(item).why

        return why_of
