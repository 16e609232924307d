"""The brake: a sweep that would erase far more than arrives does not, and says why.

A wrong clock, a wrong policy or a wrong anchor shows first as too much falling due at once. Better
a person looks and releases the brake than a store is emptied in a night (I12).
"""

from dataclasses import dataclass
from fractions import Fraction

#: Below this many due items nothing is braked: small stores have uneven days.
ALWAYS_ALLOWED = 100
TIMES_EXPECTED = 3
#: How the sentence of a braked sweep ends.
UNUSUAL = "would be usual or were allowed by two people"


@dataclass(frozen=True, slots=True)
class Braking:
    """What the brake says of one sweep."""

    engaged: bool
    due: int
    allowed: int
    reason: str


def brake(*, due: int, arrivals: int, days: int, days_since_sweep: int, granted: int) -> Braking:
    """Whether a sweep of `due` items must wait for a person.

    `arrivals` items were first seen over the last `days` days, as long as the store was watched (what
    lay there at installation is no arrival); the last complete sweep was `days_since_sweep` days ago, at least one.
    `granted` is what two people let go at once by an activation or a release of the brake.
    """
    expected = Fraction(arrivals, max(days, 1)) * max(days_since_sweep, 1)
    allowed = max(ALWAYS_ALLOWED, int(expected * TIMES_EXPECTED), granted)
    engaged = due > allowed
    reason = f"{due} items are due, {allowed} {UNUSUAL}" if engaged else ""
    return Braking(engaged, due, allowed, reason)
