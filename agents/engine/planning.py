"""Planning one batch of a sweep: which of these items go, and as what. Touches nothing.

Whether an item may go is `retention.decide`'s to say; whether all names of its content may, and
whether an incident marker lies beside it, is found out here, in the turn of erasing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from agents.engine.catalogue import Catalogue, Words
from agents.engine.clock import CONFIRMED
from agents.engine.markers import Markers
from agents.engine.receipts import Planned
from agents.stores import Erased as Result
from agents.stores import Generation, Mark, Wanted
from retention.calendar import Instant
from retention.decide import Grant, Item, Rules, State
from retention.errors import UnreadableError
from retention.outcome import Outcome

#: Columns of `items` that planning needs, in the order of `Row`.
COLUMNS = (
    "number, directory, name, inode, size, mtime_ns, links, fingerprint, record_class, source,"
    f" civil, state, seen, not_before, granted, NOT {CONFIRMED} AS doubted"
)
#: In a query on `items`: only of classes that two people have activated here (I12).
ACTIVATED = "record_class IN (SELECT id FROM words JOIN activations ON record_class = word)"

_SAME_CONTENT = (
    f"SELECT {COLUMNS}, holds, {ACTIVATED} FROM items"  # noqa: S608 - constants only
    " WHERE inode = ? AND size = ? AND mtime_ns = ? AND links > 1"
)
_ANOTHER_NAME = "Another name of the same content may not go yet."
_MARKED = "An incident marker lies beside it."


class _Facts(NamedTuple):
    """What decides about an item. Thousands of one day have the same: they are asked about once."""

    record_class: int
    civil: int
    state: int
    seen: Instant
    not_before: Instant
    granted: int
    doubted: int


class Row(NamedTuple):
    """An item that no hold holds."""

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
    doubted: int

    @property
    def facts(self) -> _Facts:
        """What the decision asks; when it was first seen matters only while it has no date."""
        seen = self.seen if self.state == State.UNDATED else Instant(0)
        return _Facts(
            self.record_class,
            self.civil,
            self.state,
            seen,
            self.not_before,
            self.granted,
            self.doubted,
        )

    @property
    def generation(self) -> Generation:
        """What its name has to lead to; hard links of one file have the same."""
        return Generation(self.inode, self.size, self.mtime_ns)


@dataclass(slots=True)
class Plan:
    """What is to be erased, what a receipt will say of it, and what is refused beforehand."""

    wanted: dict[bytes, list[Wanted]] = field(default_factory=lambda: defaultdict(list))
    planned: dict[int, Planned] = field(default_factory=dict)
    refused: list[Result] = field(default_factory=list)
    marked: dict[tuple[bytes, bytes], Mark] = field(default_factory=dict)


class Planner:
    """Plans batches of items of one catalogue."""

    def __init__(self, catalogue: Catalogue, words: Words, markers: Markers) -> None:
        self._catalogue = catalogue
        self._words = words
        self._markers = markers

    def plan(self, rules: Rules, rows: Sequence[Row], paths: Mapping[int, bytes]) -> Plan:
        """What becomes of these rows; `paths` are their directories."""
        plan = Plan()
        why_of = self._reasons(rules)
        going = [(row, why) for row in rows if (why := why_of(row.facts))]
        kept = self._kept_by_marks(plan, [row for row, _ in going], paths)
        for row, why in going:
            if row.number in kept:
                continue
            names = 1 if row.links == 1 else self._names(why_of, row)
            if not names:
                plan.refused.append(Result(row.number, Outcome.REFUSED_HELD, _ANOTHER_NAME))
                continue
            wanted = Wanted(row.number, row.name, row.generation, names)
            plan.wanted[paths[row.directory]].append(wanted)
            plan.planned[row.number] = Planned(
                row.number, why, row.source, row.civil, row.fingerprint
            )
        return plan

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
                doubted=bool(facts.doubted),
            )
            return rules.decide(item).why

        return why_of

    def _names(self, why_of: Callable[[_Facts], str | None], row: Row) -> int:
        """How many names of this content the catalogue knows; 0 if one of them may not go."""
        others = self._catalogue.rows(_SAME_CONTENT, row.generation)
        may_go = (
            active and not holds and why_of(Row(*columns).facts)
            for *columns, holds, active in others
        )
        return len(others) if all(may_go) else 0

    def _kept_by_marks(
        self, plan: Plan, rows: Sequence[Row], paths: Mapping[int, bytes]
    ) -> set[int]:
        """Refuse those that an incident marker keeps, or of which that cannot be known."""
        unknown: dict[int, str] = {}
        marked: set[Generation] = set()
        for place, there in _by_place(rows):
            try:
                contents = {row.name: row.fingerprint for row in there}
                marks = self._markers.binding(paths[place], contents)
            except UnreadableError as error:
                unknown |= {row.number: str(error) for row in there}
                continue
            plan.marked |= {(paths[place], name): mark for name, mark in marks.items()}
            marked |= {row.generation for row in there if row.name in marks}
        # A marker at one name of a content keeps it under all its names.
        kept = {row.number for row in rows if marked and row.generation in marked} - unknown.keys()
        plan.refused += [Result(n, Outcome.BLOCKED, why) for n, why in unknown.items()]
        plan.refused += [Result(n, Outcome.REFUSED_HELD, _MARKED) for n in sorted(kept)]
        return kept | unknown.keys()


def _by_place(rows: Iterable[Row]) -> Iterator[tuple[int, list[Row]]]:
    places: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        places[row.directory].append(row)
    yield from places.items()
