"""The signed list of what a store may still have although its dates say otherwise.

An auditor dates a file by what it carries, without having seen it appear; so beside what is held,
restricted, undated, blocked or in its day of grace, the list names what the store saw appear later
than its own dates say.
"""

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, or_, select

from enforcer import comply
from enforcer.ages import GRACE_SECONDS
from enforcer.index.tables import items, stores
from retention import exceptions
from retention.anchor import CORRECTED
from retention.calendar import Instant, start_of_day
from retention.exceptions import GOOD_FOR_SECONDS, REASON_OF_STATE, Exceptions, Reason
from retention.policy import Chain


def exceptions_of(
    connection: Connection, chain: Chain, store: str, now: Instant, nonce: bytes
) -> Exceptions:
    """The list of one store, to be signed; `nonce` is 32 bytes that no other list has."""
    row = connection.execute(
        select(stores.c.store_group, stores.c.commissioned_at).where(stores.c.id == store)
    ).one()
    return Exceptions(
        store=store,
        group=row.store_group,
        commissioned_at=row.commissioned_at,
        at=now,
        nonce=nonce,
        items=exceptions.listed(nonce, _found(connection, _Due(chain, now), store)),
        from_backup=comply.is_quarantined(connection, store) or msgspec.UNSET,
    )


class _Due:
    """What would be due to an observer who believes the oldest date a file carries."""

    def __init__(self, chain: Chain, now: Instant) -> None:
        self.now = now
        through: dict[str, date] = {}
        for record_class in chain.class_names():
            for due in chain.due_ranges(record_class, Instant(now + GOOD_FOR_SECONDS)):
                through[record_class] = max(due.through, through.get(record_class, date.min))
        self._through = {name: day.toordinal() for name, day in through.items()}
        self._young = {name: _young_from(chain, name, day) for name, day in through.items()}

    def appears(self, record_class: str, civil: int, earliest: Instant) -> bool:
        """Whether only the oldest date of an item is due, and not the one it was given."""
        young = self._young.get(record_class)
        return young is not None and civil > self._through[record_class] and earliest < young


def _young_from(chain: Chain, record_class: str, through: date) -> Instant:
    """The first instant of the day after `through`, in the zone of the class."""
    zone = next(
        c.zone for p in reversed(chain.policies) if (c := p.record_class(record_class)) is not None
    )
    return start_of_day(date.fromordinal(through.toordinal() + 1), ZoneInfo(zone))


def _found(connection: Connection, due: _Due, store: str) -> Iterator[tuple[Reason, bytes]]:
    c = items.c
    # What may go by now goes with the next sweep: as long as `ages` waits for it, so may an auditor.
    released = due.now - GRACE_SECONDS
    unusual = or_(c.state != "present", c.not_before > released, c.how == CORRECTED, c.before > 0)
    rows = connection.execute(
        select(
            c.state, c.how, c.not_before, c.record_class, c.civil, c.anchor, c.before, c.fingerprint
        ).where(c.store == store, c.state != "erased", unusual)
    )
    for state, how, not_before, record_class, civil, anchor, before, fingerprint in rows:
        if state in REASON_OF_STATE:
            yield REASON_OF_STATE[state], fingerprint
        elif not_before > released:
            yield Reason.RELEASED, fingerprint
        elif how == CORRECTED:
            yield Reason.CORRECTED, fingerprint
        elif due.appears(record_class, civil, Instant(anchor - before)):
            yield Reason.APPEARED, fingerprint
