"""Recorders whose clocks are off: their files are dated by when they appeared, and somebody has to hear of it."""

from typing import NamedTuple

from agents.engine.clockwatch import WRONG_SECONDS
from agents.engine.memory.catalogue import Catalogue
from retention.calendar import DAY, Instant

_OFF = """
SELECT word, skew, max(number) FROM evidence JOIN items USING (number) JOIN words ON words.id = source
 WHERE abs(skew) >= ? AND seen >= ? GROUP BY word ORDER BY word
"""


class Skewed(NamedTuple):
    """A source, and by how many seconds its recorder's clock was ahead, by its newest such file."""

    source: str
    ahead: int


def skewed(catalogue: Catalogue, now: Instant) -> list[Skewed]:
    """The sources that wrote something in the last day by a clock that is minutes off."""
    return [
        Skewed(source, ahead)
        for source, ahead, _ in catalogue.rows(_OFF, (WRONG_SECONDS, now - DAY))
    ]
