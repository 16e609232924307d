"""An observer who keeps an honest centre's books over an agent's log, and believes nothing else.

`Books.apply` contradicts, by AssertionError, any log that no honest agent could have written: an
item in two states (I14), a held one erased (I2), an intent with two outcomes (I5).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from retention import report
from retention.calendar import Instant, civil_date
from retention.numbers import Keyed
from retention.outcome import Outcome
from retention.policy import Chain
from retention.report import Runs


@dataclass
class Entry:
    """One item as the log tells it."""

    record_class: str
    source: str
    anchor: Instant | None
    seen: Instant
    state: str
    not_before: Instant
    how: str
    before: int
    holds: set[str] = field(default_factory=set)
    freed_until: int = 0
    numbers: set[Keyed] = field(default_factory=set)


@dataclass
class Ending:
    """How an item ended, by the agent's own word."""

    item: Entry
    at: Instant
    how: str  # why it was erased, or gone_elsewhere, or lost
    outcome: Outcome | None = None


@dataclass
class Books:
    live: dict[int, Entry] = field(default_factory=dict)
    ended: dict[int, Ending] = field(default_factory=dict)
    effective: set[str] = field(default_factory=set)
    gone: dict[str, Counter[int]] = field(
        default_factory=dict
    )  # by hold: what it came too late for
    refused: dict[int, Outcome] = field(default_factory=dict)
    acts: set[str] = field(default_factory=set)
    marked: dict[str, report.Marked] = field(default_factory=dict)
    beat: report.Heartbeat | None = None

    @classmethod
    def of(cls, entries: Iterable[report.AnyEntry]) -> "Books":
        books = cls()
        for entry in entries:
            books.apply(entry)
        return books

    def apply(self, entry: report.AnyEntry) -> None:
        assert report.decode(report.encode(entry)) == entry, "an entry that no centre can read"
        getattr(self, f"_{type(entry).__name__.lower()}")(entry)

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        return Counter(
            (item.record_class, "held" if item.holds else item.state) for item in self.live.values()
        )

    def erased(self) -> list[Ending]:
        return [ending for ending in self.ended.values() if ending.outcome is not None]

    def assert_nothing_early(self, chain: Chain, zone: object, ahead: int = 0) -> None:
        """I1: by the true time, `ahead` seconds before the agent's wall clock."""
        for ending in self.erased():
            item, at = ending.item, ending.at - ahead
            if ending.how in {"due", "late"}:
                assert item.anchor is not None
                day: date = civil_date(item.anchor, zone)  # type: ignore[arg-type]
                limits = chain.limits_of(item.record_class, day)
                assert limits is not None
                assert limits.due_at <= at, f"{ending} was erased {limits.due_at - at} s early"
            if ending.how in {"due", "late", "zombie"}:
                assert max(item.not_before, item.freed_until) <= at, f"{ending} in its day of grace"

    def _sighted(self, entry: report.Sighted) -> None:
        assert entry.item == len(self.live) + len(self.ended) + 1, "numbers grow by one"
        self.live[entry.item] = Entry(
            entry.record_class,
            entry.source,
            entry.anchor,
            entry.seen,
            entry.state,
            entry.not_before,
            entry.how,
            entry.before,
        )

    def _changed(self, entry: report.Changed) -> None:
        item = self.live[entry.item]
        item.record_class = entry.record_class
        item.anchor = entry.anchor
        item.seen = entry.seen
        item.state = entry.state
        item.not_before = entry.not_before
        item.how = entry.how
        item.before = entry.before

    def _held(self, entry: report.Held) -> None:
        for number in _numbers(entry.items):
            assert entry.hold not in self.live[number].holds
            self.live[number].holds.add(entry.hold)

    def _freed(self, entry: report.Freed) -> None:
        for number in _numbers(entry.items):
            self.live[number].holds.remove(entry.hold)
            self.live[number].freed_until = entry.not_before

    def _erased(self, entry: report.Erased) -> None:
        for number in _numbers(entry.items):
            item = self.live.pop(number)
            assert not item.holds, f"item {number} was erased while held by {item.holds}"
            self.ended[number] = Ending(item, entry.at, entry.why, entry.outcome)

    def _gone(self, entry: report.Gone) -> None:
        for number in _numbers(entry.items):
            item = self.live.pop(number)
            assert (entry.how == "lost") == bool(item.holds)
            self.ended[number] = Ending(item, entry.at, entry.how)

    def _refused(self, entry: report.Refused) -> None:
        for number in _numbers(entry.items):
            assert number in self.live
            self.refused[number] = entry.outcome

    def _acknowledged(self, entry: report.Acknowledged) -> None:
        self.effective |= set(entry.holds)
        self.acts |= set(entry.acts)
        for hold, civil, items in entry.gone:
            self.gone.setdefault(hold, Counter())[civil] += items

    def _marked(self, entry: report.Marked) -> None:
        assert entry.hold not in self.marked
        self.marked[entry.hold] = entry
        self.effective.add(entry.hold)

    def _numbered(self, entry: report.Numbered) -> None:
        item = self.live[entry.item]
        assert not item.numbers & set(entry.numbers), "a number is told once"
        item.numbers |= set(entry.numbers)

    def _scanned(self, entry: report.Scanned) -> None:
        pass

    def _heartbeat(self, entry: report.Heartbeat) -> None:
        told = Counter({(name, state): items for name, state, items in entry.counts})
        assert self.counts == told, "the agent counts otherwise than its own log"
        self.beat = entry


def _numbers(items: Runs) -> Iterable[int]:
    return (number for first, last in items for number in range(first, last + 1))
