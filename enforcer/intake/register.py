"""Which class and source an agent may name, and the civil date of what it reports."""

from collections.abc import Callable
from datetime import date
from functools import cache, cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from retention import anchor, ledger
from retention.calendar import Instant, Limits, civil_date
from retention.classes import RecordClass
from retention.policy import UNREGISTERED, Chain
from retention.probes import TimeSource

#: Which rule chose an anchor, in the words of `retention.anchor`.
RULES = frozenset(
    {*map(str, TimeSource), *(anchor.BOUNDED, anchor.UNDATED, anchor.ASSUMED)}
    | {anchor.INHERITED, anchor.CORRECTED, anchor.REWRITTEN, anchor.LATEST, anchor.DOUBTED}
)
#: Such a rule as an agent newer than us names it.
OTHER_RULE = "other"

_QUARTER = 900
_KEPT_QUARTERS = 100_000  # three years of them; whoever reports more pays for it himself
#: Since 2012 no quarter of an hour (of UTC) has two dates in any zone: tests go through them all.
_REGULAR = Instant(1_325_376_000)


class Filed(NamedTuple):
    """Where items that an agent reports go in the books."""

    record_class: str
    source: str
    civil: Callable[[Instant], int]
    known: bool  # False: by a name that no policy has


class Register:
    """What every version of the policy together knows, for one group of stores."""

    def __init__(self, chain: Chain, group: str) -> None:
        self._chain = chain
        self._group = group
        self._filed: dict[tuple[str, str], Filed] = {}
        self._limits: dict[tuple[str, int], Limits | None] = {}

    def file(self, record_class: str, source: str) -> Filed:
        """Where items of this class and source belong."""
        filed = self._filed.get((record_class, source))
        if filed is None:
            filed = self._filed[record_class, source] = self._file(record_class, source)
        return filed

    def source(self, name: str) -> str:
        """The source of this name; `unregistered` if there is none."""
        return name if name in self._sources else UNREGISTERED

    def limits(self, record_class: str, civil: int) -> Limits | None:
        """When items of this civil date (an ordinal) are due; None: never."""
        key = (record_class, civil)
        if key not in self._limits:
            self._limits[key] = self._chain.limits_of(record_class, date.fromordinal(civil))
        return self._limits[key]

    def is_early(self, record_class: str, civil: int, erased_at: Instant) -> bool:
        """Whether an erasure that nobody had asked for came before it was due (I1)."""
        limits, lead = self.limits(record_class, civil), self._leads.get(record_class, 0)
        return ledger.timing(erased_at, "due", Instant(0), limits, lead) is ledger.Timing.EARLY

    def _file(self, record_class: str, source: str) -> Filed:
        known = self._classes.get(record_class)
        filed = self._strictest if known is None else known
        return Filed(
            record_class=filed.name,
            source=self.source(source),
            civil=civil_dates(filed.zone),
            known=known is not None and source in self._sources,
        )

    @cached_property
    def _classes(self) -> dict[str, RecordClass]:
        """Every class by its name, as the newest version that has it describes it."""
        return {c.name: c for policy in self._chain.policies for c in policy.classes}

    @cached_property
    def _leads(self) -> dict[str, int]:
        """The longest lead that any version gave each class, in seconds."""
        leads: dict[str, int] = {}
        for policy in self._chain.policies:
            for c in policy.classes:
                leads[c.name] = max(c.lead_seconds, leads.get(c.name, 0))
        return leads

    @cached_property
    def _sources(self) -> frozenset[str]:
        return frozenset(s.id for policy in self._chain.policies for s in policy.sources)

    @cached_property
    def _strictest(self) -> RecordClass:
        return self._chain.strictest(self._group)


@cache
def civil_dates(zone: str) -> Callable[[Instant], int]:
    """The civil date of an instant in this zone, as an ordinal; worked out once per quarter hour."""
    rules = ZoneInfo(zone)
    known: dict[int, int] = {}

    def civil(instant: Instant) -> int:
        quarter = instant // _QUARTER
        day = known.get(quarter)
        if day is None:
            day = civil_date(instant, rules).toordinal()
            if len(known) >= _KEPT_QUARTERS:
                known.clear()
            if instant >= _REGULAR:
                known[quarter] = day
        return day

    return civil
