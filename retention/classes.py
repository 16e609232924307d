"""Record classes: what is kept, how long at most, and on which grounds.

A class is fixed within one policy version (docs/rules.md, Calendar). `canary` is the class of
the product's own test files: one day, counted apart, in no preview.
"""

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from retention.calendar import Period
from retention.errors import MalformedError

CANARY = "canary"

#: 06:00 of the day before the own target: sweeping begins while people are at work.
DEFAULT_LEAD_SECONDS = 18 * 3600


class RecordClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One class of records.

    `period` is ISO 8601 (P60D, P6M); `bound` says whether it is the longest or the shortest
    time of keeping (a `minimum` class is never swept); `zone` is an IANA name; `lead_seconds`
    is how long before the own target sweeping may begin.
    """

    name: str
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
        Period.parse(self.period)
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise MalformedError(f"class {self.name}: no time zone {self.zone!r}") from error
        if not 0 <= self.lead_seconds < 7 * 86_400:
            raise MalformedError(f"class {self.name}: lead must be 0 seconds to 7 days")
