"""Planning one batch of a sweep: which of these items go, and as what. Touches nothing.

Whether an item may go is `retention.decide`'s to say; whether all names of its content may, and
whether an incident marker lies beside it, is found out here, in the turn of erasing.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, Self

from agents.engine.clock import CONFIRMED
from agents.engine.erasing.receipts import GONE, Planned
from agents.engine.memory.catalogue import Catalogue, Words
from agents.engine.obeying.markers import Markers
from agents.stores import Erased as Result
from agents.stores import Generation, Mark, Role, Wanted
from retention.calendar import Instant
from retention.decide import Grant, Item, Rules, State
from retention.errors import UnreadableError
from retention.outcome import Outcome

#: Columns of `items` that planning needs, as `Row.of` takes them.
COLUMNS = (
    "number, directory, name, links, fingerprint, source, inode, size, mtime_ns, record_class, civil,"
    f" state, seen, not_before, granted, NOT {CONFIRMED} AS doubted"
)
#: In a query on `items`: only of classes that two people have activated here (I12).
ACTIVATED = "record_class IN (SELECT id FROM words JOIN activations ON record_class = word)"

_SAME_CONTENT = """
SELECT coalesce(item, items.number) FROM items LEFT JOIN parts USING (number)
 WHERE inode = ? AND size = ? AND mtime_ns = ? AND links > 1
"""
_OF_ITEM = f"SELECT {COLUMNS}, holds, {ACTIVATED} FROM items WHERE number = ?"  # noqa: S608 - constants only
_PARTS = f"""
SELECT item, role, {COLUMNS} FROM parts JOIN items USING (number)
 WHERE item IN (SELECT value FROM json_each(?)) ORDER BY directory, number
"""  # noqa: S608 - constants only
_ANOTHER_NAME = "Another name of the same content may not go yet."
_MARKED = "An incident marker lies beside it."


class Facts(NamedTuple):
    """What decides about an item. Thousands of one day have the same: they are asked about once."""

    record_class: int
    civil: int
    state: int
    seen: Instant
    not_before: Instant
    granted: int
    doubted: int


class Row(NamedTuple):
    """An item that no hold holds. `generation` is what its name has to lead to: of hard links the same."""

    number: int
    directory: int
    name: bytes
    links: int
    fingerprint: bytes
    source: int
    generation: Generation
    facts: Facts

    @classmethod
    def of(cls, columns: Sequence[Any]) -> Self:
        """An item out of its `COLUMNS`; when it was first seen matters only while it has no date."""
        number, directory, name, links, fingerprint, source, inode, size, mtime_ns, *rest = columns
        record_class, civil, state, seen, *more = rest
        first_seen = seen if state == State.UNDATED else Instant(0)
        generation = Generation(inode, size, mtime_ns)
        facts = Facts(record_class, civil, state, first_seen, *more)
        return cls(number, directory, name, links, fingerprint, source, generation, facts)


class Part(NamedTuple):
    """A part of an item that is due: it goes as the item does, and before it."""

    item: int
    role: Role
    row: Row


def _directories() -> dict[bytes, list[Wanted]]:
    return defaultdict(list)


@dataclass(slots=True)
class Plan:
    """What is to be erased, what a receipt will say of it, and what is refused beforehand.

    `wanted` goes last: the items, which are the recordings where they are calls. Before them go,
    in this order, what was kept beside recordings, and their other legs.
    """

    wanted: dict[bytes, list[Wanted]] = field(default_factory=_directories)
    companions: dict[bytes, list[Wanted]] = field(default_factory=_directories)
    legs: dict[bytes, list[Wanted]] = field(default_factory=_directories)
    planned: dict[int, Planned] = field(default_factory=dict)
    refused: list[Result] = field(default_factory=list)
    marked: dict[tuple[bytes, bytes], Mark] = field(default_factory=dict)

    def narrowed(
        self, stage: Mapping[bytes, Sequence[Wanted]], results: Iterable[Result]
    ) -> dict[bytes, list[Wanted]]:
        """A later stage, after what became of the earlier: no call goes on of which a part stayed.

        What was erased by then is no name of a content any more.
        """
        outcomes = {result.number: result.outcome for result in results}
        stayed = {self.planned[n].item for n, outcome in outcomes.items() if outcome not in GONE}
        earlier = (self.companions, self.legs)
        wants = [want for each in earlier for there in each.values() for want in there]
        erased = Counter(w.generation for w in wants if outcomes.get(w.number) in GONE)
        batch = {
            directory: [
                want._replace(links=max(want.links - erased[want.generation], 1))
                for want in there
                if self.planned[want.number].item not in stayed
            ]
            for directory, there in stage.items()
        }
        return {directory: there for directory, there in batch.items() if there}


class File(NamedTuple):
    """A file of a batch, the item it is or is a part of, and when it goes."""

    row: Row
    item: Row
    stage: dict[bytes, list[Wanted]]


class Planner:
    """Plans batches of items of one catalogue."""

    def __init__(self, catalogue: Catalogue, words: Words, markers: Markers) -> None:
        self._catalogue = catalogue
        self._words = words
        self._markers = markers

    def parts(self, rows: Sequence[Row]) -> list[Part]:
        """What else these items consist of."""
        if self._catalogue.value("SELECT 1 FROM parts LIMIT 1") is None:
            return []
        found = self._catalogue.rows(_PARTS, (json.dumps([row.number for row in rows]),))
        return [Part(item, Role(role), Row.of(row)) for item, role, *row in found]

    def plan(
        self, rules: Rules, rows: Sequence[Row], parts: Sequence[Part], paths: Mapping[int, bytes]
    ) -> Plan:
        """What becomes of these items and their parts; `paths` are their directories."""
        plan = Plan()
        why_of = self._reasons(rules)
        going = {row.number: (row, why) for row in rows if (why := why_of(row.facts))}
        led = self._led_by_companions(parts)
        files = [
            File(row, row, plan.companions if row.number in led else plan.wanted)
            for row, _ in going.values()
        ]
        for part in parts:
            if part.item in going:
                stage = plan.legs if part.role is Role.RECORDING else plan.companions
                files.append(File(part.row, going[part.item][0], stage))
        kept = self._kept_by_marks(plan, files, paths)
        linked = [file for file in files if file.row.links > 1]
        names = {file.row.number: self._names(why_of, file.row) for file in linked}
        for file in linked:
            if not names[file.row.number] and file.item.number not in kept:
                kept.add(file.item.number)
                plan.refused.append(Result(file.item.number, Outcome.REFUSED_HELD, _ANOTHER_NAME))
        for row, item, stage in files:
            number = item.number
            if number not in kept:
                want = Wanted(row.number, row.name, row.generation, names.get(row.number, 1))
                stage[paths[row.directory]].append(want)
                plan.planned[row.number] = Planned(
                    row.number,
                    going[number][1],
                    item.source,
                    item.facts.civil,
                    item.facts.record_class,
                    row.fingerprint,
                    number,
                )
        return plan

    def linked(self, rows: Sequence[Row], parts: Sequence[Part]) -> list[Row]:
        """Items that a later batch would come to, of which a name leads to one of these contents.

        All names of a content go in one batch: the bytes of the first are still there otherwise.
        """
        known = {row.number for row in rows}
        linked = [row for row in (*rows, *(part.row for part in parts)) if row.links > 1]
        names = [
            name for row in linked for name in self._catalogue.rows(_SAME_CONTENT, row.generation)
        ]
        numbers = sorted({number for (number,) in names} - known)
        found = [self._catalogue.one(_OF_ITEM, (number,)) or () for number in numbers]
        return [Row.of(columns) for *columns, holds, active in found if active and not holds]

    def _led_by_companions(self, parts: Sequence[Part]) -> set[int]:
        """Calls that have recordings, none of which leads yet: a clock in doubt saw them (`joining`)."""
        recorded = {part.item for part in parts if part.role is Role.RECORDING}
        if not recorded:
            return set()
        query = (
            "SELECT item FROM calls WHERE role <> ? AND item IN (SELECT value FROM json_each(?))"
        )
        args = (Role.RECORDING, json.dumps(sorted(recorded)))
        return {n for (n,) in self._catalogue.rows(query, args)}

    def _reasons(self, rules: Rules) -> Callable[[Facts], str | None]:
        """Asked why an item of these facts goes; None if it stays."""

        @cache
        def why_of(facts: Facts) -> str | None:
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

    def _names(self, why_of: Callable[[Facts], str | None], row: Row) -> int:
        """How many names of this content the catalogue knows; 0 if one of them may not go."""
        names = self._catalogue.rows(_SAME_CONTENT, row.generation)
        items = [self._catalogue.one(_OF_ITEM, name) or () for name in names]
        may_go = (
            active and not holds and why_of(Row.of(columns).facts)
            for *columns, holds, active in items
        )
        return len(names) if all(may_go) else 0

    def _kept_by_marks(
        self, plan: Plan, files: Sequence[File], paths: Mapping[int, bytes]
    ) -> set[int]:
        """Refuse items that an incident marker keeps, or of which that cannot be known."""
        unknown: dict[int, str] = {}
        marked: set[Generation] = set()
        for place, there in _by_place(files):
            try:
                contents = {file.row.name: file.item.fingerprint for file in there}
                marks = self._markers.binding(paths[place], contents)
            except UnreadableError as error:
                unknown |= {file.item.number: str(error) for file in there}
                continue
            plan.marked |= {(paths[place], name): mark for name, mark in marks.items()}
            marked |= {file.row.generation for file in there if file.row.name in marks}
        # A marker at one name of a content keeps it under all its names, and the call it is part of.
        kept = {f.item.number for f in files if marked and f.row.generation in marked}
        kept -= unknown.keys()
        plan.refused += [Result(n, Outcome.BLOCKED, why) for n, why in unknown.items()]
        plan.refused += [Result(n, Outcome.REFUSED_HELD, _MARKED) for n in sorted(kept)]
        return kept | unknown.keys()


def _by_place(files: Iterable[File]) -> Iterator[tuple[int, list[File]]]:
    places: dict[int, list[File]] = defaultdict(list)
    for file in files:
        places[file.row.directory].append(file)
    yield from places.items()
