"""What was past its limit before the product was allowed to act, and went at once when it was.

A store is installed with a backlog. Two people activate it, by a document in the bundle, and what
is too old goes within days. That is late, and said; but the promise was broken before.

An activation of which the reason may name somebody is not shown. Its receipt says what it let go, so
that it counts as the first it was; but whether two people signed so, only the original tells.

A store has one backlog of a class: that of its first activation. A later activation lets go what is
left, also what was beyond the caps of the first, but excuses none of it: the store was allowed to
erase by then. Else whoever is late could sign himself in time again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from msgspec import UNSET

from retention import acts, bundle
from retention.acts import Activation
from retention.bundle import Activated, ItemAct
from retention.calendar import Instant, Limits
from retention.envelope import Envelope
from retention.ledger import Certificate, Timing
from retention.policy import Chain

#: A backlog that takes longer to go is no longer one.
MAX_DAYS = 3


class Start(NamedTuple):
    """An activation. `shown`: with two signatures; else there is only the operator's receipt of it."""

    at: Instant
    let_go: Activated
    shown: bool


class Backlog(NamedTuple):
    """How many recordings went late and excused, by whether their activation was shown."""

    shown: int
    receipted: int


def activations(members: Mapping[str, bytes], chain: Chain) -> list[Start]:
    """The activations in the bundle; raises at the first shown that two people did not approve."""
    found = []
    for sealed in bundle.parse(members[bundle.ACTS], Envelope):
        act = acts.decode(sealed.payload)
        if isinstance(act, Activation):
            acts.approvers(sealed, chain)
            said = Activated(act.stores, act.record_class, act.through_ordinal, act.count)
            found.append(Start(act.at, said, shown=True))
    receipts = bundle.parse(members[bundle.ITEM_ACTS], ItemAct)
    withheld = (Start(r.at, r.activated, shown=False) for r in receipts if r.activated is not UNSET)
    return [*found, *withheld]


def inherited(
    certificates: Iterable[Certificate], activated: Iterable[Start], chain: Chain
) -> Backlog:
    """How many recordings erased after their limit were past it when their store was activated."""
    earliest = _first(activated)
    limits_of = lru_cache(maxsize=None)(chain.limits_of)  # stores share their civil dates
    counted = Counter[bool]()
    for certificate in certificates:
        start = earliest.get((certificate.store, certificate.record_class))
        limits = limits_of(certificate.record_class, certificate.civil)
        if start is not None and _covers(start, certificate, limits):
            late = (c.items for c in certificate.counts if c.timing is Timing.PAST_LIMIT)
            counted[start.shown] += sum(late)
    return Backlog(counted[True], counted[False])


def _first(activated: Iterable[Start]) -> dict[tuple[str, str], Start]:
    """The earliest activation of each store and class."""
    earliest: dict[tuple[str, str], Start] = {}
    for start in sorted(activated, key=lambda start: start.at):
        for store in start.let_go.stores:
            earliest.setdefault((store, start.let_go.record_class), start)
    return earliest


def _covers(start: Start, certificate: Certificate, limits: Limits | None) -> bool:
    if limits is None or certificate.civil.toordinal() > start.let_go.through_ordinal:
        return False
    return limits.outer_bound <= start.at and _promptly(start.at, certificate)


def _promptly(activated: Instant, certificate: Certificate) -> bool:
    """Not before, and within days, in whichever zone the days are counted.

    What a store erased before that was no backlog: it had been activated already.
    """
    day = date(1970, 1, 1) + timedelta(seconds=activated)
    begins, ends = day - timedelta(days=1), day + timedelta(days=MAX_DAYS)
    return begins <= certificate.first_on and certificate.last_on <= ends
