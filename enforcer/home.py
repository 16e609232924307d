"""Where the operator is: by whose calendar reviews, answers and the days of metrics are counted.

Recordings are dated in the zone of their class, and stores have a zone of their own.
"""

from datetime import date
from zoneinfo import ZoneInfo

from retention.calendar import Instant, civil_date, start_of_day
from retention.ledger import DAY_ZONE

ZONE = ZoneInfo(DAY_ZONE)


def today(now: Instant) -> date:
    """The civil date there."""
    return civil_date(now, ZONE)


def midnight(day: date) -> Instant:
    """The first instant of a civil date there."""
    return start_of_day(day, ZONE)
