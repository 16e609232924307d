"""Record classes: what is kept, how long at most, and on which grounds.

A class is fixed within one policy version (docs/rules.md, Calendar). `canary` is the class of
the product's own test files: one day, counted apart, in no preview.
"""

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from retention.bounds import Word, is_name
from retention.calendar import DAY, Period
from retention.errors import MalformedError, PeriodError

CANARY = "canary"

#: 06:00 of the day before the own target: sweeping begins while people are at work.
DEFAULT_LEAD_SECONDS = 18 * 3600


class RecordClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One class of records.

    `period` is ISO 8601 (P60D, P6M); `bound` says whether it is the longest or the shortest
    time of keeping (a `minimum` class is never swept); `zone` is an IANA name; `lead_seconds`
    is how long before the own target sweeping may begin.
    """

    name: Word
    period: str
    anchor: str  # the event the period counts from, in words that can be published
    legal_basis: str
    purpose: str
    notice: str  # where the public notice promises this period
    owner: str  # id of the person who answers for the class
    bound: Literal["maximum", "minimum"] = "maximum"
    zone: str = "Europe/Riga"
    lead_seconds: int = DEFAULT_LEAD_SECONDS

    def check(self) -> None:
        """`MalformedError` with one sentence if the class could not be enforced as written."""
        if not is_name(self.name):
            raise MalformedError(f"{self.name!r} cannot name a class")
        try:
            period = Period.parse(self.period)
        except PeriodError as error:
            raise PeriodError(f"class {self.name}: {error}") from error
        for what in ("anchor", "legal_basis", "purpose", "notice"):
            if not getattr(self, what).strip():
                raise MalformedError(f"class {self.name}: say its {what}")
        try:
            ZoneInfo(self.zone)
        # OSError: the name of a directory of zones, such as Europe.
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise MalformedError(f"class {self.name}: no time zone {self.zone!r}") from error
        if not 0 <= self.lead_seconds < min(7, period.roughly_days) * DAY:
            raise MalformedError(
                f"class {self.name}: lead is 0 seconds to 7 days, and shorter than the period"
            )
