"""Whether the ledger's leaves of days add up, follow each other, and agree with what a witness saw.

A leaf says how many seconds of a day a class was ok, violated and unknown. An enforcer that lies
about itself writes too many seconds as ok; a server that scraped the state has the others.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from auditor.evidence import Evidence
from auditor.findings import Report
from retention.calendar import Instant, start_of_day
from retention.errors import VerificationError
from retention.ledger import DAY_ZONE, NOT_WATCHED, Day
from retention.witness import Stretch

APART_SECONDS = 300
"""A state is looked at every minute, a look counts for three minutes at most, clocks differ by two."""

_NIGHT = timedelta(days=1)
_HOUR = 3600


class _Shown(NamedTuple):
    """For how many seconds of a day a witness surely saw a class otherwise than ok."""

    violated: int
    not_ok: int


def check_days(report: Report, evidence: Evidence) -> None:
    """Each leaf by itself, and that no day is missing or told twice between the first and the last."""
    for leaf in _days(evidence):
        report.attempt("days", _require_whole, leaf)
    for record_class, leaves in _by_class(evidence).items():
        days = [leaf.day for leaf in leaves]
        twice = [day for day, number in Counter(days).items() if number > 1]
        report.violated("days", (f"{record_class}, {day}: told more than once" for day in twice))
        missing = (max(days) - min(days)).days + 1 - len(set(days))
        if missing:
            report.unknown("days", f"{record_class}: {missing} days between others have no entry")
        report.ok("days", f"by the ledger, {record_class} was {_told(leaves)}")


def contradicted(evidence: Evidence, stretches: Sequence[Stretch]) -> Iterator[str]:
    """What a witness saw and the leaf of its day denies."""
    of_class: defaultdict[str, list[Stretch]] = defaultdict(list)
    for stretch in stretches:
        of_class[stretch.record_class].append(stretch)
    for leaf in _days(evidence):
        seen = _shown(of_class[leaf.record_class], *_bounds(leaf.day))
        if leaf.violated + leaf.unknown < seen.not_ok:
            yield _denied(leaf, "not ok", seen.not_ok, leaf.violated + leaf.unknown)
        elif leaf.violated < seen.violated and NOT_WATCHED not in leaf.reasons:
            yield _denied(leaf, "violated", seen.violated, leaf.violated)


def _denied(leaf: Day, state: str, seen: int, said: int) -> str:
    return (
        f"{leaf.record_class} was seen {state} for {seen // 60} minutes of {leaf.day},"
        f" and the ledger says {said // 60}"
    )


def _require_whole(leaf: Day) -> None:
    begins, ends = _bounds(leaf.day)
    which = f"{leaf.record_class}, {leaf.day}"
    seconds = (leaf.ok, leaf.violated, leaf.unknown)
    if min(seconds) < 0 or sum(seconds) != ends - begins:
        raise VerificationError(f"{which}: the entry of the day is not as long as the day")
    if leaf.at < ends:
        raise VerificationError(f"{which}: its entry was written before the day had ended")
    if bool(leaf.reasons) != (leaf.ok < sum(seconds)):
        raise VerificationError(f"{which}: what is not ok has a reason, and nothing else has")


def _shown(stretches: Iterable[Stretch], begins: Instant, ends: Instant) -> _Shown:
    """By the target that showed most of it; each end of a stretch may have been a little earlier."""
    by_target: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in stretches:
        seconds = min(each.last, ends) - max(each.first, begins) - 2 * APART_SECONDS
        by_target[each.target][each.state] += max(seconds, 0)
    return _Shown(
        max((counted["violated"] for counted in by_target.values()), default=0),
        max((counted.total() for counted in by_target.values()), default=0),
    )


def _told(leaves: Sequence[Day]) -> str:
    ok, violated, unknown = (
        sum(getattr(leaf, state) for leaf in leaves) / _HOUR
        for state in ("ok", "violated", "unknown")
    )
    why = ", ".join(sorted({reason for leaf in leaves for reason in leaf.reasons}))
    told = f"ok for {ok:.1f} hours of {len(leaves)} days, violated {violated:.1f}, unknown {unknown:.1f}"
    return f"{told} ({why})" if why else told


def _days(evidence: Evidence) -> Iterator[Day]:
    return (leaf for leaf in evidence.leaves.values() if isinstance(leaf, Day))


def _by_class(evidence: Evidence) -> dict[str, list[Day]]:
    found: defaultdict[str, list[Day]] = defaultdict(list)
    for leaf in _days(evidence):
        found[leaf.record_class].append(leaf)
    return dict(sorted(found.items()))


def _bounds(day: date) -> tuple[Instant, Instant]:
    zone = ZoneInfo(DAY_ZONE)
    return start_of_day(day, zone), start_of_day(day + _NIGHT, zone)
