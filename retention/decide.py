"""May this item go now? One decision for every kind of store, with its reason.

Deciding touches nothing. The sweep asks here for each item it plans, and the dry run prints
what is answered here (docs/rules.md, Erasing).
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

from retention.anchor import UNDATED_SECONDS
from retention.calendar import Instant
from retention.outcome import Outcome
from retention.policy import DueRange


class State(IntEnum):
    """What an item in a catalogue is, holds apart; the numbers are stored."""

    PRESENT = 0
    UNDATED = 1
    LATE = 2
    RESTRICTED = 3


class Grant(IntEnum):
    """What allows an item to go before it is due; the numbers are stored."""

    NONE = 0
    ERASURE = 1  # two people asked for it (GDPR article 17)
    ZOMBIE = 2  # it was erased before and came back from a backup (I11)


class Item(NamedTuple):
    """What the decision needs to know. `civil` is date.toordinal() (undated: of first sight).

    `doubted`: it was seen, and so perhaps dated, by a clock that nobody has confirmed.
    """

    record_class: str
    civil: int
    state: State
    seen: Instant
    not_before: Instant
    holds: int
    granted: Grant = Grant.NONE
    doubted: bool = False


class Decision(NamedTuple):
    """Erase it for this reason (`why`), or leave it with this outcome; `reason` is for people."""

    why: str | None
    outcome: Outcome | None
    reason: str


class Rules:
    """What is due at one instant, by class: derived once per sweep, asked once per item.

    `undated` names the classes whose undated items may go after their week.
    """

    def __init__(
        self, ranges: Iterable[DueRange], now: Instant, *, undated: frozenset[str] = frozenset()
    ) -> None:
        self.now = now
        self._undated = undated
        days: dict[str, list[tuple[int, int]]] = {}
        for each in ranges:
            span = (each.since.toordinal(), each.through.toordinal())
            days.setdefault(each.record_class, []).append(span)
        self._ranges = {name: _apart(spans) for name, spans in days.items()}

    @property
    def ranges(self) -> Mapping[str, Sequence[tuple[int, int]]]:
        """Civil dates that are due, by class: (first, last) ordinals, both included, no day twice."""
        return self._ranges

    def due(self, record_class: str, civil: int) -> bool:
        """Whether this civil date of this class is due."""
        return any(first <= civil <= last for first, last in self._ranges.get(record_class, ()))

    def decide(self, item: Item) -> Decision:
        """What to do with one item, now. Holds come first: nothing held is ever erased (I2)."""
        if item.holds:
            return Decision(None, Outcome.REFUSED_HELD, "held")
        if item.state is State.RESTRICTED:
            return Decision(None, Outcome.REFUSED_HELD, "restricted (GDPR article 18)")
        if item.not_before > self.now:
            return Decision(None, Outcome.REFUSED_EARLY, "its day of grace is not over")
        if item.granted is Grant.ERASURE:
            return Decision("erasure", None, "two people asked for it (GDPR article 17)")
        if item.granted is Grant.ZOMBIE:
            return Decision("zombie", None, "it was erased before and came back")
        return self._by_date(item)

    def _by_date(self, item: Item) -> Decision:
        if item.doubted:
            return Decision(None, Outcome.REFUSED_CLOCK, "seen by a clock that nobody confirmed")
        if item.state is State.UNDATED:
            if item.record_class not in self._undated:
                return Decision(None, Outcome.REFUSED_EARLY, "nothing of its class goes here")
            if item.seen + UNDATED_SECONDS > self.now:
                return Decision(None, Outcome.REFUSED_EARLY, "undated; people may still date it")
            return Decision("undated", None, "nobody could show in 7 days that it is young enough")
        if not self.due(item.record_class, item.civil):
            return Decision(None, Outcome.REFUSED_EARLY, "not due yet")
        why = "late" if item.state is State.LATE else "due"
        return Decision(why, None, "its period is over")


def _apart(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same days in spans that do not overlap: what is counted by them is counted once."""
    apart: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if apart and first <= apart[-1][1] + 1:
            apart[-1] = apart[-1][0], max(apart[-1][1], last)
        else:
            apart.append((first, last))
    return apart
