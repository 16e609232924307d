"""Histograms that grow with the facts: how much time was left at an erasure, how old at a hold."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from enforcer.index.engine import bulk
from retention.calendar import DAY

HOUR = 3_600
#: The bound of the last bucket, beyond every number of seconds.
ENDLESS = 2**62
#: Upper bounds of seconds left until the own target; negative is late.
SLACK_BOUNDS = (
    *(-7 * DAY, -DAY, -HOUR, 0),
    *(HOUR, 6 * HOUR, 12 * HOUR, 18 * HOUR, DAY, 7 * DAY, ENDLESS),
)
#: Upper bounds of an item's age when it was held.
AGE_BOUNDS = (*(DAY * days for days in (1, 2, 3, 7, 14, 21, 30, 45, 60, 90, 180, 365)), ENDLESS)

_UPSERT_ERASURES = """
    INSERT INTO erasure_tallies (record_class, why, outcome, slack, items, seconds)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (record_class, why, outcome, slack) DO UPDATE SET
        items = erasure_tallies.items + excluded.items,
        seconds = erasure_tallies.seconds + excluded.seconds
"""
_UPSERT_AGES = """
    INSERT INTO hold_ages (age, items, seconds) VALUES (?, ?, ?)
    ON CONFLICT (age) DO UPDATE SET
        items = hold_ages.items + excluded.items, seconds = hold_ages.seconds + excluded.seconds
"""


class Ending(NamedTuple):
    """How items of a class ended, or did not."""

    record_class: str
    why: str
    outcome: str


class Erasures:
    """What a transaction adds to `erasure_tallies`."""

    def __init__(self) -> None:
        self._lines: defaultdict[tuple[str, str, str, int], list[int]] = defaultdict(lambda: [0, 0])

    def add(self, ending: Ending, items: int, slack: int | None = None) -> None:
        """Count items; `slack` is the seconds each had left, None where that says nothing."""
        known = 0 if slack is None else slack
        line = self._lines[*ending, bucket(known, SLACK_BOUNDS)]
        line[0] += items
        line[1] += items * known

    def write(self, connection: Connection) -> None:
        """Write them, in the one order that keeps two writers from waiting for each other."""
        rows = [(*key, *line) for key, line in sorted(self._lines.items())]
        self._lines.clear()
        bulk(connection, _UPSERT_ERASURES, rows)


def add_ages(connection: Connection, ages: Iterable[tuple[int, int, int]]) -> None:
    """Add (upper bound of the bucket, items, seconds) to `hold_ages`."""
    bulk(connection, _UPSERT_AGES, sorted(ages))


def bucket(value: int, bounds: Sequence[int]) -> int:
    """The upper bound of the bucket that a value falls in."""
    return bounds[bisect_left(bounds, value)]
