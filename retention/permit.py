"""May this store be swept now, and by which rules? The agent is the second key.

The directive can only agree or hold back, and hold back only until an hour before the own target:
after that the agent goes by what it derives itself, with every hold it knows. Without the enforcer
it waits longer the older its directive is (docs/rules.md, Erasing). Nothing here touches anything.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from retention.calendar import Instant
from retention.decide import Rules
from retention.directive import VALID_SECONDS, Directive
from retention.outcome import Outcome
from retention.policy import Chain, DueRange

#: How long before the own target, or the limit, an agent goes on its own.
LAST_HOUR = 3600
#: A technician's freeze ends by itself.
FREEZE_SECONDS = 72 * 3600

Offline = Literal["delete", "keep"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How the agent stands just before a sweep.

    `bound` is a lower bound of the true time (None: never known), `directive` the one in force,
    `fresh` whether it was fetched for this sweep, `freeze` when a technician froze the store.
    """

    bound: Instant | None
    trusted: bool
    frozen: str
    freeze: Instant | None
    activated: frozenset[str]
    directive: Directive | None
    fresh: bool
    offline: Offline = "delete"


@dataclass(frozen=True, slots=True)
class Refusal:
    """No sweep now: the outcome for what is due, and one sentence why."""

    outcome: Outcome
    reason: str


def refusal(standing: Standing) -> Refusal | None:
    """Why nothing may be erased now; None if something may be."""
    return next(_refusals(standing), None)


def _refusals(standing: Standing) -> Iterator[Refusal]:
    if not standing.activated:
        yield Refusal(Outcome.REFUSED_EARLY, "the store is only observed; it was not activated")
    if standing.frozen:
        yield Refusal(Outcome.REFUSED_HELD, standing.frozen)
    if standing.bound is None:
        yield Refusal(Outcome.REFUSED_CLOCK, "the enforcer has never told the time yet")
    elif standing.freeze is not None and standing.bound - standing.freeze < FREEZE_SECONDS:
        yield Refusal(Outcome.REFUSED_HELD, "a technician froze this store for 72 hours")
    if not standing.trusted:
        yield Refusal(Outcome.REFUSED_CLOCK, "the wall clock jumped or is wrong")
    if standing.directive is None:
        yield Refusal(Outcome.REFUSED_HELD, "no directive was ever received")
    if not _current(standing) and standing.offline == "keep":
        yield Refusal(Outcome.BLOCKED, "the enforcer is away and this store keeps until it is back")


def rules(standing: Standing, chain: Chain, *, spread: int = 0) -> Rules:
    """What is due now for a store that `refusal` does not refuse.

    `spread` seconds shift the ordinary start, so that a fleet does not sweep all at once.
    """
    assert standing.bound is not None
    now = standing.bound
    classes = sorted(standing.activated & set(chain.class_names()))
    hour = Instant(now + LAST_HOUR)
    if not _current(standing):
        return Rules((r for c in classes for r in chain.limit_ranges(c, hour)), now)
    late = [r for c in classes for r in chain.target_ranges(c, hour)]
    if not standing.fresh or standing.directive is None:
        return Rules(late, now)
    ours = Rules((r for c in classes for r in chain.due_ranges(c, Instant(now - spread))), now)
    agreed = ours.within(Rules(_directed(standing.directive), now))
    both = [
        DueRange(name, 0, date.fromordinal(first), date.fromordinal(last))
        for name, days in agreed.ranges.items()
        for first, last in days
    ]
    return Rules([*both, *late], now)


def _directed(directive: Directive) -> Iterable[DueRange]:
    return (DueRange(d.record_class, d.policy, d.since, d.through) for d in directive.due)


def _current(standing: Standing) -> bool:
    """Whether the directive is young enough to be swept under: fetched just now, or of late."""
    if standing.directive is None or standing.bound is None:
        return False
    if standing.fresh:
        return True
    return standing.bound - standing.directive.issued_at <= VALID_SECONDS
