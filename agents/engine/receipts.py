"""What became of intents, written down: rows go, counts and a log entry stay.

One transaction takes the outcomes, the log entries that report them and the intents together, so
every intent has exactly one outcome, whatever happens in between (I5).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from agents.engine import contents
from agents.engine.catalogue import Catalogue
from agents.engine.outbox import Outbox
from agents.stores import Erased as Result
from retention.calendar import Instant
from retention.outcome import Outcome
from retention.report import AnyEntry, Erased, Refused, Runs, runs

_GONE = frozenset({Outcome.ERASED_VERIFIED, Outcome.ALREADY_ABSENT})


class Planned(NamedTuple):
    """An item of a batch: what the receipt needs to know when its row is gone."""

    number: int
    why: str
    source: int
    civil: int
    fingerprint: bytes


class Receipts:
    """Writes intents down, and their outcomes."""

    def __init__(self, catalogue: Catalogue, outbox: Outbox) -> None:
        self._catalogue = catalogue
        self._outbox = outbox
        self._told: dict[int, Outcome] = {}  # what was last reported of items that stay

    def begin(self) -> None:
        """A new epoch begins: its items are others."""
        self._told = {}

    def intend(self, planned: Iterable[Planned]) -> None:
        """Make a batch's intents durable. Nothing is touched before this returns (I5)."""
        by_why = defaultdict(list)
        for item in planned:
            by_why[item.why].append(item.number)
        rows = [(*run, why) for why, numbers in by_why.items() for run in runs(sorted(numbers))]
        with self._catalogue.transaction() as db:
            db.executemany("INSERT INTO intents (first, last, why) VALUES (?, ?, ?)", rows)

    def record(
        self, planned: Mapping[int, Planned], results: Sequence[Result], now: Instant
    ) -> Counter[Outcome]:
        """Write the outcomes of all open intents down. Those without a result are cancelled."""
        gone = [planned[r.number] for r in results if r.outcome in _GONE]
        news = [r for r in results if r.outcome not in _GONE and self._is_news(r)]
        entries = [*_erased(planned, results, now), *_refused(news, now)]
        with self._catalogue.transaction() as db:
            for run in runs(sorted(item.number for item in gone)):
                db.execute("DELETE FROM items WHERE number BETWEEN ? AND ?", run)
                db.execute("DELETE FROM item_holds WHERE number BETWEEN ? AND ?", run)
                db.execute("DELETE FROM evidence WHERE number BETWEEN ? AND ?", run)
            contents.bury(db, (item.number for item in gone), now)
            db.executemany(
                "INSERT INTO erased (source, civil, items) VALUES (?, ?, ?)"
                " ON CONFLICT (source, civil) DO UPDATE SET items = items + excluded.items",
                [(*key, n) for key, n in Counter((i.source, i.civil) for i in gone).items()],
            )
            if db.execute("SELECT 1 FROM prior LIMIT 1").fetchone():  # empty but for a lost state
                known = [(item.fingerprint,) for item in gone]
                db.executemany("DELETE FROM prior WHERE fingerprint = ?", known)
            db.execute("DELETE FROM intents")
            self._outbox.append(db, now, entries)
        self._told |= {result.number: result.outcome for result in news}
        return Counter(result.outcome for result in results)

    def open_intents(self) -> list[tuple[int, int, str]]:
        """Intents that a crash left without an outcome: (first, last, why)."""
        return [
            (first, last, why)
            for first, last, why in self._catalogue.rows("SELECT first, last, why FROM intents")
        ]

    def _is_news(self, result: Result) -> bool:
        """What stays is reported once per item and outcome, and not again at every sweep."""
        return self._told.get(result.number) != result.outcome


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
        if result.outcome in _GONE:
            grouped[planned[result.number].why, result.outcome].append(result.number)
    return [_entry(now, runs(sorted(n)), why, outcome) for (why, outcome), n in grouped.items()]


def _entry(now: Instant, items: Runs, why: str, outcome: Outcome) -> Erased:
    return Erased(now, items, why, outcome)  # type: ignore[arg-type] # one of Decision's words
