"""However a log arrives, and whatever it says, the books are those of a simple account of it.

I6: doubled, cut differently, late or with gaps, the same log gives the same state. I14: every item
seen is in exactly one state, as a model of one dictionary says.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fleet import IMAGE, NOW, Log, add_store, books, column, sight, states, table, wipe
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from enforcer.index import tally
from enforcer.index.engine import open_index, reading
from enforcer.index.tables import metadata
from enforcer.intake import GapError
from retention.calendar import DAY, Instant, civil_date
from retention.hold import RESTRICTION
from retention.outcome import Outcome
from retention.report import (
    Acknowledged,
    AnyEntry,
    Changed,
    Erased,
    Freed,
    Gone,
    Heartbeat,
    Held,
    Marked,
    Refused,
    Runs,
    Scanned,
    Sighted,
    runs,
)

RIGA = ZoneInfo("Europe/Riga")
KEPT = ("held", "restricted")

numbers = st.integers(1, 9)
several: st.SearchStrategy[Runs] = st.sets(numbers, min_size=1).map(lambda n: runs(sorted(n)))
hold_ids = st.sampled_from(["hold-1", "hold-2", f"{RESTRICTION}1"])
instants = st.integers(NOW - 3 * DAY, NOW).map(Instant)
anchors = st.none() | instants
sizes = st.integers(0, 1000)

sightings = st.builds(
    sight,
    item=numbers,
    anchor=anchors,
    size=sizes,
    state=st.sampled_from(["present", "undated", "late"]),
)
changes = st.builds(
    Changed,
    at=instants,
    item=numbers,
    record_class=st.sampled_from([IMAGE, "contact-centre-call"]),
    source=st.sampled_from(["front", "side"]),
    anchor=anchors,
    how=st.just("exif"),
    span=st.just(10),
    before=st.just(0),
    after=st.just(0),
    seen=instants,
    size=sizes,
    fingerprint=st.binary(max_size=8),
    state=st.sampled_from(["present", "undated", "late", "restricted"]),
)
endings = st.builds(
    Erased,
    instants,
    several,
    st.sampled_from(["due", "erasure", "zombie"]),
    st.sampled_from([Outcome.ERASED_VERIFIED, Outcome.ALREADY_ABSENT]),
)
facts = st.one_of(
    sightings,
    sightings,
    changes,
    endings,
    st.builds(Gone, instants, several, st.sampled_from(["gone_elsewhere", "lost"])),
    st.builds(Refused, instants, several, st.sampled_from(list(Outcome))),
    st.builds(Held, instants, hold_ids, several),
    st.builds(Freed, instants, hold_ids, several, instants),
)
rest = st.one_of(
    st.builds(Scanned, instants, instants, sizes, st.integers(0, 1)),
    st.builds(
        Heartbeat,
        instants,
        st.sampled_from(["boot-1", "boot-2"]),
        st.booleans(),
        st.integers(-9, 9),
        st.just(""),
        st.booleans(),
        st.lists(st.tuples(st.just(IMAGE), st.just("present"), sizes), max_size=1).map(tuple),
    ),
    st.builds(Marked, instants, hold_ids, instants, instants, st.just(()), st.just("event")),
    st.builds(Acknowledged, instants, st.integers(0, 9), st.lists(hold_ids).map(tuple)),
)


@dataclass
class Item:
    """One item as a person would keep account of it."""

    record_class: str
    civil: int
    size: int
    base: str
    holds: set[str] = field(default_factory=set)
    ended: str = ""

    @property
    def state(self) -> str:
        if self.ended:
            return self.ended
        if self.base == "restricted" or any(h.startswith(RESTRICTION) for h in self.holds):
            return "restricted"
        return "held" if self.holds else self.base


class Model:
    """The books as one dictionary."""

    def __init__(self, entries: list[AnyEntry]) -> None:
        self.items: dict[int, Item] = {}
        self.contradictions = 0
        for entry in entries:
            self.apply(entry)

    def apply(self, entry: AnyEntry) -> None:
        match entry:
            case Sighted():
                self.sighted(entry)
            case Changed():
                for item in self.there(((entry.item, entry.item),)):
                    item.record_class, item.size = entry.record_class, entry.size
                    item.civil, item.base = civil(entry.anchor, entry.seen), entry.state
            case Erased():
                for item in self.there(entry.items):
                    item.ended = "lost" if item.state in KEPT else "erased"
            case Gone():
                for item in self.there(entry.items):
                    item.ended = "lost" if item.state in KEPT else entry.how
            case Refused(outcome=Outcome.BLOCKED):
                for item in self.there(entry.items):
                    item.base = "blocked" if item.state == "present" else item.base
            case Refused():
                list(self.there(entry.items))
            case Held():
                for item in self.there(entry.items):
                    item.holds.add(entry.hold)
            case Freed():
                for item in self.there(entry.items):
                    self.contradictions += entry.hold not in item.holds
                    item.holds.discard(entry.hold)

    def sighted(self, entry: Sighted) -> None:
        if entry.item <= max(self.items, default=0):
            self.contradictions += 1
            return
        day = civil(entry.anchor, entry.seen)
        self.items[entry.item] = Item(entry.record_class, day, entry.size, entry.state)

    def there(self, named: Runs) -> Iterator[Item]:
        """The items of these numbers that have not ended; the others are contradictions."""
        for first, last in named:
            for number in range(first, last + 1):
                item = self.items.get(number)
                if item is None or item.ended:
                    self.contradictions += 1
                else:
                    yield item

    def books(self) -> dict[tuple[str, int, str], tuple[int, int]]:
        items: Counter[tuple[str, int, str]] = Counter()
        size: Counter[tuple[str, int, str]] = Counter()
        for item in self.items.values():
            for state in ("seen", item.state):
                items[item.record_class, item.civil, state] += 1
                size[item.record_class, item.civil, state] += item.size
        return {key: (items[key], size[key]) for key in items}

    def states(self) -> dict[int, str]:
        """Rows are kept of what is there, and of what waits for its certificate."""
        rows = self.items.items()
        return {n: i.state for n, i in rows if i.ended in {"", "erased"}}


def civil(anchor: Instant | None, seen: Instant) -> int:
    return civil_date(seen if anchor is None else anchor, RIGA).toordinal()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One index for all examples: making one takes longer than using it."""
    path: Path = tmp_path_factory.mktemp("index") / "index.db"
    engine = open_index(f"sqlite:///{path}")
    yield engine
    engine.dispose()


def fresh(engine: Engine) -> Log:
    wipe(engine)
    add_store(engine)
    return Log(engine)


@pytest.mark.slow
@given(st.lists(facts, max_size=25), st.integers(1, 25))
def test_the_books_balance_and_are_those_of_the_model(
    shared: Engine, entries: list[AnyEntry], portion: int
):
    log = fresh(shared)
    for at in range(0, len(entries), portion):
        log.say(*entries[at : at + portion])
    model = Model(entries)
    assert model.books() == books(shared)
    assert model.states() == states(shared)
    assert model.contradictions == column(shared, "contradictions")
    held = {
        (number, hold)
        for number, item in model.items.items()
        for hold in item.holds
        if not item.ended
    }
    assert held == set(table(shared, "held_items", "number", "hold"))
    with reading(shared) as connection:
        assert [] == tally.unbalanced(connection)
        sums = {(t.record_class, t.state): t.items for t in tally.sums(connection) if t.items}
    expected: Counter[tuple[str, str]] = Counter()
    for (name, _, state), (items, _) in model.books().items():
        expected[name, state] += items
    assert expected == sums


slices = st.tuples(st.integers(1, 30), st.integers(1, 30))


@pytest.mark.slow
@given(st.lists(facts | rest, min_size=1, max_size=25), st.lists(slices, max_size=8))
def test_a_log_gives_the_same_state_however_it_arrives(
    shared: Engine, entries: list[AnyEntry], deliveries: list[tuple[int, int]]
):
    log = fresh(shared)
    log.write(entries)
    log.send(1, len(entries))
    expected = everything(shared)
    again = fresh(shared)
    again.write(entries)
    for first, length in deliveries:
        with suppress(GapError):
            again.send(min(first, len(entries)), first + length)
    applied = again.send(1, len(entries))
    assert (len(entries), log.digest) == (applied.applied, applied.digest)
    assert expected == everything(shared)


def everything(engine: Engine) -> dict[str, list[tuple]]:
    """All that the index says; marks tell how the log was cut, and nothing else."""
    return {name: table(engine, name) for name in metadata.tables if name != "log_marks"}
