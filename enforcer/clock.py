"""The one reading of the real clock; everybody else is given a `Clock`."""

import time
from collections.abc import Callable

from retention.calendar import Instant

Clock = Callable[[], Instant]


def wall_clock() -> Instant:
    """The time by this machine."""
    return Instant(int(time.time()))  # noqa: TID251 # the place that the rule sends everybody to
