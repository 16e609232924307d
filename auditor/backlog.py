"""What was past its limit before the product was allowed to act, and went at once when it was.

A store is installed with a backlog. Two people activate it, by a document in the bundle, and what
is too old goes within days. That is late, and said; but the promise was broken before.

A store has one backlog of a class: that of its first activation. A later activation lets go what is
left, also what was beyond the caps of the first, but excuses none of it: the store was allowed to
erase by then. Else whoever is late could sign himself in time again.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache

from retention import acts, bundle
from retention.acts import Activation
from retention.calendar import Instant, Limits
from retention.envelope import Envelope
from retention.ledger import Certificate, Timing
from retention.policy import Chain

#: A backlog that takes longer to go is no longer one.
MAX_DAYS = 3


def activations(members: Mapping[str, bytes], chain: Chain) -> list[Activation]:
    """The activations in the bundle, each approved by two people; raises at the first that is not."""
    found = []
    for sealed in bundle.parse(members[bundle.ACTS], Envelope):
        act = acts.decode(sealed.payload)
        if isinstance(act, Activation):
            acts.approvers(sealed, chain)
            found.append(act)
    return found


def inherited(
    certificates: Iterable[Certificate], activated: Iterable[Activation], chain: Chain
) -> int:
    """How many recordings erased after their limit were past it when their store was activated."""
    earliest = _first(activated)
    limits_of = lru_cache(maxsize=None)(chain.limits_of)  # stores share their civil dates
    return sum(
        count.items
        for certificate in certificates
        if (act := earliest.get((certificate.store, certificate.record_class))) is not None
        and _covers(act, certificate, limits_of(certificate.record_class, certificate.civil))
        for count in certificate.counts
        if count.timing is Timing.PAST_LIMIT
    )


def _first(activated: Iterable[Activation]) -> dict[tuple[str, str], Activation]:
    """The earliest activation of each store and class."""
    earliest: dict[tuple[str, str], Activation] = {}
    for act in sorted(activated, key=lambda act: act.at):
        for store in act.stores:
            earliest.setdefault((store, act.record_class), act)
    return earliest


def _covers(act: Activation, certificate: Certificate, limits: Limits | None) -> bool:
    if limits is None or certificate.civil.toordinal() > act.through_ordinal:
        return False
    return limits.outer_bound <= act.at and _promptly(act.at, certificate)


def _promptly(activated: Instant, certificate: Certificate) -> bool:
    """Not before, and within days, in whichever zone the days are counted.

    What a store erased before that was no backlog: it had been activated already.
    """
    day = date(1970, 1, 1) + timedelta(seconds=activated)
    begins, ends = day - timedelta(days=1), day + timedelta(days=MAX_DAYS)
    return begins <= certificate.first_on and certificate.last_on <= ends
