"""The one reading of the real clock; everybody else is given a `Clock`."""

import ctypes
import time
from collections.abc import Callable

from retention.calendar import Instant

Clock = Callable[[], Instant]

_TIME_ERROR = 5
_TIMEX_BYTES = 512  # more than the structure has; of nothing but zeros it asks and sets nothing


def wall_clock() -> Instant:
    """The time by this machine."""
    return Instant(int(time.time()))  # noqa: TID251 # the place that the rule sends everybody to


def synchronised() -> bool | None:
    """Whether something keeps this clock right, as the kernel knows (adjtimex(2)); None: unknown."""
    state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return None if state < 0 else state != _TIME_ERROR
