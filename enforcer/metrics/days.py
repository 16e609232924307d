"""Days as the operator counts them: metrics never tell the second of a recording (I8)."""

from datetime import date
from zoneinfo import ZoneInfo

from retention.calendar import Instant, civil_date, start_of_day

_HOME = ZoneInfo("Europe/Riga")


def today(now: Instant) -> date:
    """The civil date where the operator is."""
    return civil_date(now, _HOME)


def midnight(day: date) -> Instant:
    """The first instant of a civil date where the operator is."""
    return start_of_day(day, _HOME)
