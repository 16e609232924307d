"""What became of intents, written down: rows go, counts and a log entry stay.

One transaction takes the outcomes, the log entries that report them and the intents together, so
every intent has exactly one outcome, whatever happens in between (I5). On a full disk it is several
transactions, each with a share of the intents.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from agents.engine.holding.holds import Holds
from agents.engine.memory import contents, numbering, wholes
from agents.engine.memory.catalogue import Catalogue, CatalogueFullError
from agents.engine.memory.outbox import Outbox
from agents.engine.memory.reserve import Reserve
from agents.stores import Erased as Result
from retention.calendar import Instant
from retention.classes import CANARY
from retention.outcome import Outcome
from retention.report import AnyEntry, Erased, Refused, Runs, runs

GONE = frozenset({Outcome.ERASED_VERIFIED, Outcome.ALREADY_ABSENT})
#: Of several parts that stay, the call is told the one of most weight: somebody has to act, first.
_WORST = (Outcome.BLOCKED, Outcome.FAILED, Outcome.REFUSED_HELD, Outcome.REFUSED_CHANGED)


class Planned(NamedTuple):
    """An item of a batch: what the receipt needs to know when its row is gone."""

    number: int
    why: str
    source: int
    civil: int
    record_class: int
    fingerprint: bytes
    item: int  # that it is, or is a part of; source, civil date and class are the item's


class _Batch:
    """What was planned and what became of it, item by item, a call with all its parts."""

    def __init__(self, planned: Mapping[int, Planned], results: Sequence[Result]) -> None:
        self.planned = dict(planned)
        self.results = results
        self.items = sorted(
            {p.item for p in planned.values()} | {_item_of(planned, r) for r in results}
        )

    def split(self, size: int) -> tuple["_Batch", "_Batch"]:
        """The first so many of its items, and the others."""
        if size >= len(self.items):
            return self, _Batch({}, ())
        return self._with(self.items[:size]), self._with(self.items[size:])

    def _with(self, items: Iterable[int]) -> "_Batch":
        some = set(items)
        return _Batch(
            {number: each for number, each in self.planned.items() if each.item in some},
            [result for result in self.results if _item_of(self.planned, result) in some],
        )


class Receipts:
    """Writes intents down, and their outcomes. `touch` has the store keep what came to be held."""

    def __init__(
        self,
        catalogue: Catalogue,
        outbox: Outbox,
        reserve: Reserve,
        *,
        holds: Holds,
        touch: Callable[[Iterable[int]], None],
    ) -> None:
        self._catalogue = catalogue
        self._outbox = outbox
        self._reserve = reserve
        self._holds = holds
        self._touch = touch
        self._told: dict[
            tuple[int, bool], Outcome
        ] = {}  # what was last reported of items that stay
        self._unsettled: dict[int, Planned] = {}  # of which no store can tell yet what became

    def begin(self) -> None:
        """A new epoch begins: its items are others."""
        self._told, self._unsettled = {}, {}

    @property
    def waiting(self) -> set[int]:
        """Items of which an intent is open: nothing is decided of them before it has its outcome."""
        return {planned.item for planned in self._unsettled.values()}

    def intend(self, planned: Collection[Planned]) -> None:
        """Make a batch's intents durable. Nothing is touched before this returns (I5)."""

        def intend() -> None:
            with self._catalogue.transaction() as db:
                _write_intents(db, planned)

        self._reserve.spent_on(intend)

    def record(
        self, planned: Mapping[int, Planned], results: Sequence[Result], now: Instant
    ) -> Counter[Outcome]:
        """Write the outcomes of these intents down. Those without a result are cancelled.

        Those that are not settled stay open. As many are written at once as there is room for;
        `CatalogueFullError` where there is none for a single one: then the rest stays open too.
        """
        unsettled = {
            number: each for number, each in self._unsettled.items() if number not in planned
        }
        unsettled |= {r.number: planned[r.number] for r in results if not r.settled}
        outcomes: Counter[Outcome] = Counter()
        rest = _Batch(planned, results)
        size = len(rest.items)
        while rest.items:
            part, left = rest.split(size)
            still_open = unsettled | left.planned
            try:
                outcomes += self._reserve.spent_on(partial(self._settle, part, still_open, now))
            except CatalogueFullError:
                if size == 1:
                    raise
                size = (size + 1) // 2
                continue
            rest = left
        self._unsettled = unsettled
        return outcomes

    def _settle(
        self, batch: _Batch, still_open: Mapping[int, Planned], now: Instant
    ) -> Counter[Outcome]:
        """Write the outcomes of some items down, in one transaction."""
        planned = batch.planned
        with self._catalogue.transaction() as db:
            settled = _of_items(db, planned, batch.results, now)
            gone = [planned[r.number] for r in settled if r.outcome in GONE]
            news = [r for r in settled if r.outcome not in GONE and self._is_news(r)]
            entries = [*_erased(planned, settled, now), *_refused(news, now)]
            for run in runs(sorted(item.number for item in gone)):
                db.execute("DELETE FROM items WHERE number BETWEEN ? AND ?", run)
                db.execute("DELETE FROM item_holds WHERE number BETWEEN ? AND ?", run)
                db.execute("DELETE FROM evidence WHERE number BETWEEN ? AND ?", run)
                numbering.forget(db, *run)
            contents.bury(db, (item.number for item in gone), now)
            wholes.end(db, [item.number for item in gone], now)
            _count_erased(db, gone)
            if db.execute("SELECT 1 FROM prior LIMIT 1").fetchone():  # empty but for a lost state
                known = [(item.fingerprint,) for item in gone]
                db.executemany("DELETE FROM prior WHERE fingerprint = ?", known)
            db.execute("DELETE FROM intents")
            _write_intents(db, still_open.values())
            self._outbox.append(db, now, entries)
            held = self._holds.settle_doubts(db, now)
        self._touch(held)
        self._told |= {_key(result): result.outcome for result in news}
        return Counter(result.outcome for result in settled)

    def open_intents(self) -> list[tuple[int, int, str]]:
        """Intents that a crash left without an outcome: (first, last, why)."""
        return [
            (first, last, why)
            for first, last, why in self._catalogue.rows("SELECT first, last, why FROM intents")
        ]

    def _is_news(self, result: Result) -> bool:
        """What stays is reported once per item and outcome, and not again at every sweep."""
        return self._told.get(_key(result)) != result.outcome


def _count_erased(db: sqlite3.Connection, gone: Iterable[Planned]) -> None:
    """Count what a new hold comes too late for: recordings, and no canary of ours."""
    canary = db.execute("SELECT id FROM words WHERE word = ?", (CANARY,)).fetchone()
    counts = Counter((i.source, i.civil) for i in gone if (i.record_class,) != canary)
    db.executemany(
        "INSERT INTO erased (source, civil, items) VALUES (?, ?, ?)"
        " ON CONFLICT (source, civil) DO UPDATE SET items = items + excluded.items",
        [(*key, items) for key, items in counts.items()],
    )


def _write_intents(db: sqlite3.Connection, planned: Iterable[Planned]) -> None:
    by_why = defaultdict(list)
    for item in planned:
        by_why[item.why].append(item.number)
    rows = [(*run, why) for why, numbers in by_why.items() for run in runs(sorted(numbers))]
    db.executemany("INSERT INTO intents (first, last, why) VALUES (?, ?, ?)", rows)


def _key(result: Result) -> tuple[int, bool]:
    """What was told of an item is why it stays; of a call, beside it, that it is partly gone."""
    return result.number, result.outcome is Outcome.PARTIAL


def _item_of(planned: Mapping[int, Planned], result: Result) -> int:
    """The item that a result is of; what was refused beforehand was not planned."""
    known = planned.get(result.number)
    return result.number if known is None else known.item


def _of_items(
    db: sqlite3.Connection,
    planned: Mapping[int, Planned],
    results: Sequence[Result],
    now: Instant,
) -> list[Result]:
    """The same results, those of a call's parts together as one or two of the call."""
    calls = wholes.among(db, {each.item for each in planned.values()})
    if not calls:
        return list(results)
    settled: list[Result] = []
    of_calls: dict[int, list[Result]] = defaultdict(list)
    for result in results:
        item = _item_of(planned, result)
        (of_calls[item] if item in calls else settled).append(result)
    for item, of_call in of_calls.items():
        settled += _of_call(db, item, of_call, now)
    return settled


def _of_call(
    db: sqlite3.Connection, item: int, results: Sequence[Result], now: Instant
) -> list[Result]:
    """What became of a call: it is gone when nothing of it is left, and until then it is `partial`.

    Takes away the rows of its parts that are gone, and where the lead is gone puts another in its place.
    """
    gone = {result.number for result in results if result.outcome in GONE}
    partly = wholes.was_partly_erased(db, item) or bool(gone)
    wholes.bury(db, [number for number in gone if wholes.is_part(number)], now)
    if item in gone and not wholes.promote(db, item):
        outcomes = {result.outcome for result in results}
        verified = Outcome.ERASED_VERIFIED in outcomes or gone != {item}
        return [Result(item, Outcome.ERASED_VERIFIED if verified else Outcome.ALREADY_ABSENT, "")]
    stays = [Result(item, r.outcome, r.detail) for r in results if r.number not in gone]
    worst = sorted(stays, key=lambda result: _WORST.index(result.outcome))[:1]
    if not partly:
        return worst
    wholes.mark_partly_erased(db, item)
    told = [result for result in worst if result.outcome is Outcome.BLOCKED]
    return [*told, Result(item, Outcome.PARTIAL, "")]


def _refused(results: Iterable[Result], now: Instant) -> list[AnyEntry]:
    grouped: dict[Outcome, list[int]] = defaultdict(list)
    for result in results:
        grouped[result.outcome].append(result.number)
    return [Refused(now, runs(sorted(numbers)), outcome) for outcome, numbers in grouped.items()]


def _erased(
    planned: Mapping[int, Planned], results: Iterable[Result], now: Instant
) -> list[AnyEntry]:
    grouped: dict[tuple[str, Outcome], list[int]] = defaultdict(list)
    for result in results:
        if result.outcome in GONE:
            grouped[planned[result.number].why, result.outcome].append(result.number)
    return [_entry(now, runs(sorted(n)), why, outcome) for (why, outcome), n in grouped.items()]


def _entry(now: Instant, items: Runs, why: str, outcome: Outcome) -> Erased:
    return Erased(now, items, why, outcome)  # type: ignore[arg-type] # one of Decision's words
