"""May this store be swept now, and by which rules? The agent is the second key.

The directive can only agree or hold back, and hold back only until an hour before the own target:
after that the agent goes by what it derives itself, with every hold it knows. Without the enforcer
it waits longer the older its directive is (docs/rules.md, Erasing). Nothing here touches anything.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Literal

from retention.brake import UNUSUAL
from retention.calendar import Instant, civil_date
from retention.decide import Rules
from retention.directive import VALID_SECONDS, Directive
from retention.outcome import Outcome
from retention.policy import Chain, DueRange

#: How long before the own target, or the limit, an agent goes on its own.
LAST_HOUR = 3600
#: A technician's freeze ends by itself.
FREEZE_SECONDS = 72 * 3600

_OBSERVED = "the store is only observed; it was not activated"
_NO_TIME = "the enforcer has never told the time yet"
_TECHNICIAN = "a technician froze this store for 72 hours"
_JUMPED = "the wall clock jumped or is wrong"
_UNDIRECTED = "no directive was ever received"
_AWAY = "the enforcer is away and this store keeps until it is back"
_WORDS = {
    _OBSERVED: "observed",
    _NO_TIME: "clock",
    _TECHNICIAN: "technician",
    _JUMPED: "clock",
    _UNDIRECTED: "away",
    _AWAY: "away",
}
#: Why a sweep waits, in words that programs can count by; "unusual" is the brake.
WAITS = ("unusual", *dict.fromkeys(_WORDS.values()), "other")

Offline = Literal["delete", "keep"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How the agent stands just before a sweep.

    `bound` is a lower bound of the true time (None: never known), `directive` the one in force,
    `fresh` whether it was fetched for this sweep, `freeze` when a technician froze the store, by
    the wall clock, which says `wall` now. `retired`: two people took the store out of service, so that
    nobody will direct it again.
    """

    bound: Instant | None
    wall: Instant
    trusted: bool
    frozen: str
    freeze: Instant | None
    activated: frozenset[str]
    directive: Directive | None
    fresh: bool
    offline: Offline = "delete"
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """No sweep now: the outcome for what is due, and one sentence why."""

    outcome: Outcome
    reason: str


def refusal(standing: Standing) -> Refusal | None:
    """Why nothing may be erased now; None if something may be."""
    return next(_refusals(standing), None)


def waits_for(sentence: str) -> str:
    """The word of `WAITS` for a sentence of ours about a sweep that waits; "other" for any other."""
    if sentence.endswith(UNUSUAL):
        return "unusual"
    return _WORDS.get(sentence, "other")


def _refusals(standing: Standing) -> Iterator[Refusal]:
    if not standing.activated:
        yield Refusal(Outcome.REFUSED_EARLY, _OBSERVED)
    if standing.frozen:
        yield Refusal(Outcome.REFUSED_HELD, standing.frozen)
    if standing.bound is None:
        yield Refusal(Outcome.REFUSED_CLOCK, _NO_TIME)
    # Both by the wall clock; a marker dated far ahead must not keep everything for ever.
    if standing.freeze is not None and abs(standing.wall - standing.freeze) < FREEZE_SECONDS:
        yield Refusal(Outcome.REFUSED_HELD, _TECHNICIAN)
    if not standing.trusted:
        yield Refusal(Outcome.REFUSED_CLOCK, _JUMPED)
    if standing.directive is None:
        yield Refusal(Outcome.REFUSED_HELD, _UNDIRECTED)
    if not _current(standing) and standing.offline == "keep" and not standing.retired:
        yield Refusal(Outcome.BLOCKED, _AWAY)


def rules(standing: Standing, chain: Chain, *, spread: int = 0) -> Rules:
    """What is due now for a store that `refusal` does not refuse.

    `spread` seconds shift the ordinary start, so that a fleet does not sweep all at once.
    """
    assert standing.bound is not None
    now, hour = standing.bound, Instant(standing.bound + LAST_HOUR)
    swept = sorted(standing.activated & set(chain.class_names()))
    today = civil_date(now, UTC)
    undated = frozenset(name for name in swept if chain.limits_of(name, today))
    due = [r for name in swept for r in chain.due_ranges(name, now)]
    if not _current(standing):
        last = [r for name in swept for r in chain.limit_ranges(name, hour)]
        return Rules(_both(due, last), now, undated=undated)
    last = [r for name in swept for r in chain.target_ranges(name, hour)]
    begun = [r for name in swept for r in chain.due_ranges(name, Instant(now - spread))]
    agreed = _both(begun, _directed(standing))
    return Rules([*agreed, *_both(due, last)], now, undated=undated)


def _directed(standing: Standing) -> Sequence[DueRange]:
    """What a directive that was fetched for this sweep calls due."""
    if not standing.fresh or standing.directive is None:
        return ()
    return [DueRange(d.record_class, d.policy, d.since, d.through) for d in standing.directive.due]


def _both(some: Sequence[DueRange], others: Sequence[DueRange]) -> Iterator[DueRange]:
    """What is in some range of both: two keys turn one lock, and never before it is due (I1)."""
    for one in some:
        for other in others:
            since, through = max(one.since, other.since), min(one.through, other.through)
            if one.record_class == other.record_class and since <= through:
                yield DueRange(one.record_class, one.policy, since, through)


def _current(standing: Standing) -> bool:
    """Whether the directive is young enough to be swept under: fetched just now, or of late.

    One from the future is not: it would pass for young as long as its maker likes.
    """
    directive, bound = standing.directive, standing.bound
    if directive is None or bound is None:
        return False
    if standing.fresh:
        return True
    age = bound - directive.issued_at
    return abs(age) <= VALID_SECONDS and bound <= directive.expires_at
