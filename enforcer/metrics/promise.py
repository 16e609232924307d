"""Whether the promise is kept, class by class, and what there is."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from enforcer import comply
from enforcer.comply import Position, State
from enforcer.home import midnight, today
from enforcer.index import tally
from enforcer.metrics.family import Family, Labels, counter, gauge, number, untyped
from retention.calendar import Instant
from retention.classes import CANARY
from retention.policy import Chain

_CLASS: Labels = ("class",)
_STATE: Labels = ("class", "state")
_GROUP: Labels = ("class", "store_group")


def promise(
    connection: Connection, found: Sequence[Position], chain: Chain, now: Instant
) -> Iterator[Family]:
    """States, counts and deadlines."""
    yield from _compliance(connection, found)
    yield from _items(connection, found)
    yield from _late(found)
    yield _canaries(found)
    yield from _deadlines(found, chain, now)


def _compliance(connection: Connection, found: Sequence[Position]) -> Iterator[Family]:
    standings = comply.standings_since(connection, found)
    yield gauge(
        "retention_compliance_state",
        "1 for the strict state of a class: ok only if every store is proven to be.",
        _STATE,
        {(s.record_class, each): int(each is s.state) for s in standings for each in State},
    )
    yield gauge(
        "retention_compliance_state_since_timestamp_seconds",
        "Since when the class is in that state.",
        _CLASS,
        {(s.record_class,): s.since for s in standings if s.since is not None},
    )
    yield gauge(
        "retention_stores_proven",
        "Stores whose state is ok.",
        _CLASS,
        {(s.record_class,): s.proven for s in standings},
    )
    # Untyped: stores come and go, and a name in _total is for what only grows.
    yield untyped(
        "retention_stores_total",
        "Stores that have this class.",
        _CLASS,
        {(s.record_class,): s.total for s in standings},
    )
    yield gauge(
        "retention_stores_unproven",
        "Stores that are not ok, by each reason; one with two reasons counts for both.",
        ("class", "state", "reason"),
        Counter((p.record_class, why.state, why.word) for p in found for why in p.reasons),
    )


def _items(connection: Connection, found: Sequence[Position]) -> Iterator[Family]:
    counts: Counter[Labels] = Counter()
    for position in found:
        for state, count in position.counts.items():
            counts[position.record_class, state] += count
    sizes: Counter[Labels] = Counter()
    for total in tally.sums(connection):
        sizes[total.record_class, total.state] += total.bytes
    imbalance: dict[Labels, float] = {
        (name,): counts.pop((name, "imbalance"), 0) for name in _names(found)
    }
    yield gauge(
        "retention_items",
        "Items by their exclusive state; all but seen add up to seen.",
        _STATE,
        counts,
    )
    yield gauge("retention_bytes", "Bytes of the items of a state.", _STATE, sizes)
    yield gauge(
        "retention_imbalance_items", "Items by which the books do not balance.", _CLASS, imbalance
    )
    partly: Counter[Labels] = Counter({(name,): 0 for name in _names(found)})
    for position in found:
        partly[(position.record_class,)] += position.partly_erased
    yield gauge(
        "retention_partly_erased_items",
        "Calls of which a part is erased and the rest is not yet; each counts in the state of the rest.",
        _CLASS,
        partly,
    )
    # An explicit 0 of a class without such items lets an alert see the first one.
    for name, state, sentence in (
        ("retention_lost_items", "lost", "Held items that somebody else removed."),
        (
            "retention_gone_elsewhere_items",
            "gone_elsewhere",
            "Unheld items that somebody else removed.",
        ),
    ):
        ended: dict[Labels, float] = {(each,): counts[each, state] for each in _names(found)}
        yield counter(name, sentence, _CLASS, ended)


def _late(found: Sequence[Position]) -> Iterator[Family]:
    overdue: Counter[Labels] = Counter()
    past_limit: Counter[Labels] = Counter()
    for position in found:
        key = (position.record_class, position.store_group)
        overdue[key] += position.overdue
        past_limit[key] += position.past_limit
    yield gauge("retention_overdue_items", "Unheld items past our own target.", _GROUP, overdue)
    yield gauge(
        "retention_past_limit_items",
        "Unheld items past the limit: the promise is broken.",
        _GROUP,
        past_limit,
    )


def _canaries(found: Sequence[Position]) -> Family:
    """None where no store has any: there is nothing that could vanish in time."""
    late = [p.overdue + p.past_limit for p in found if p.record_class == CANARY]
    sentence = "Canaries that are still there and should be gone."
    return number("retention_canary_overdue", sentence, sum(late) if late else None)


def _deadlines(found: Sequence[Position], chain: Chain, now: Instant) -> Iterator[Family]:
    yield gauge(
        "retention_oldest_unheld_anchor_timestamp_seconds",
        "Start of the civil day of the oldest unheld item.",
        _CLASS,
        _earliest(found, lambda position: _start(position.oldest)),
    )
    yield gauge(
        "retention_next_deadline_timestamp_seconds",
        "The first own target that still lies ahead.",
        _CLASS,
        _earliest(found, lambda position: position.next_deadline),
    )
    unknown = [position for position in found if position.state is State.UNKNOWN]
    yield gauge(
        "retention_unknown_next_deadline_timestamp_seconds",
        "The same of stores that are unknown: who erases there, if nothing changes?",
        _CLASS,
        _earliest(unknown, lambda position: position.next_deadline),
    )
    day = today(now)
    limits = {name: chain.limits_of(name, day) for name in _names(found)}
    yield gauge(
        "retention_limit_seconds",
        "From the start of today to the limit of what is recorded today.",
        _CLASS,
        {(n,): each.outer_bound - midnight(day) for n, each in limits.items() if each is not None},
    )


def _earliest(
    found: Sequence[Position], instant: Callable[[Position], Instant | None]
) -> Mapping[Labels, float]:
    earliest: dict[Labels, float] = {}
    for position in found:
        value = instant(position)
        if value is not None:
            key = (position.record_class,)
            earliest[key] = min(value, earliest.get(key, value))
    return earliest


def _names(found: Sequence[Position]) -> list[str]:
    return sorted({position.record_class for position in found})


def _start(day: date | None) -> Instant | None:
    return None if day is None else midnight(day)
