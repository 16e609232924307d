"""Shedding what people's decisions tell of single recordings, once nobody needs it (I8).

An act and a hold name an item by its store, its second and its fingerprint, so that an agent that
lost its memory finds it again: exactly what must not outlast the recording. So it goes

- of a proposal that was withdrawn, or that nobody signed in a month: at once;
- of the reasons of all of them, which may name somebody: by `reasons.shred`, and at the latest with them;
- of an approved act: when the limit of everything it names has passed, and nothing of it is in the
  index any more. What an agent without memory then finds goes by its own date. A receipt stays;
- of a released hold: when no store has anything under it any more, and none gives a day of grace by
  it. The hold stays in the register.
"""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import Connection, and_, delete, exists, or_, select, update

from enforcer.govern import reasons, receipts
from enforcer.govern.lookup import StoredRow
from enforcer.govern.papers import EXPIRES_SECONDS
from enforcer.index.scope import Scope
from enforcer.index.tables import (
    document_stores,
    documents,
    held_items,
    hold_stores,
    holds,
    items,
    prior_items,
)
from retention import acts, codec, envelope
from retention.acts import AnyAct, Correction, Erasure, Lift
from retention.calendar import Instant, civil_date
from retention.classes import RecordClass
from retention.hold import AFTER_RELEASE_SECONDS, RESTRICTION, ItemRef
from retention.policy import Chain

ItemNaming = Erasure | Correction | Lift

_KINDS = ("erasure", "correction", "lift")


def shed(connection: Connection, chain: Chain, now: Instant) -> int:
    """Shed all that may go by now; give of how many documents, reasons and holds."""
    shredded = reasons.shred(connection, now)
    return shredded + _shed_documents(connection, chain, now) + _shed_scopes(connection, now)


def _shed_documents(connection: Connection, chain: Chain, now: Instant) -> int:
    query = select(documents).where(documents.c.kind.in_(_KINDS)).order_by(documents.c.id)
    gone = [row for row in connection.execute(query).all() if _may_go(connection, chain, row, now)]
    for row in gone:
        if row.approved_at is not None:
            signed = envelope.decode(row.envelope)
            receipt = receipts.receipt_of(acts.decode(signed.payload), signed, chain)
            receipts.keep(connection, receipt, Instant(row.approved_at))
        reasons.drop(connection, row.id)
        connection.execute(delete(document_stores).where(document_stores.c.document == row.id))
        connection.execute(delete(documents).where(documents.c.id == row.id))
    return len(gone)


def _may_go(connection: Connection, chain: Chain, row: StoredRow, now: Instant) -> bool:
    if row.approved_at is None:
        expired = now - row.proposed_at > EXPIRES_SECONDS
        return bool(row.state == "withdrawn" or expired)
    act = acts.decode(envelope.decode(row.envelope).payload)
    if not isinstance(act, Erasure | Correction | Lift):
        return False
    ended = all(_limit(chain, act, item) <= now for item in act.items)
    return ended and not any(_is_there(connection, act, item) for item in act.items)


def _limit(chain: Chain, act: ItemNaming, item: ItemRef) -> Instant:
    """The latest limit that an item may have, by its own date or the corrected one; 0 if none."""
    corrected = act.anchor if isinstance(act, Correction) else None
    latest = max(item.ends, corrected or item.ends)
    limits = (
        chain.limits_of(each.name, civil_date(latest, ZoneInfo(each.zone)))
        for each in _classes(chain, act, item)
    )
    return max((each.outer_bound for each in limits if each is not None), default=Instant(0))


def _classes(chain: Chain, act: ItemNaming, item: ItemRef) -> Iterator[RecordClass]:
    """The classes that an item may be of: those its source ever had, or all if nobody knows it."""
    versions = chain.policies
    named = {s.record_class for p in versions for s in p.sources if s.id == item.source}
    if named and isinstance(act, Correction) and act.record_class is not None:
        named.add(act.record_class)
    for policy in versions:
        yield from (each for each in policy.classes if not named or each.name in named)


def _is_there(connection: Connection, act: AnyAct, item: ItemRef) -> bool:
    """Whether the index still knows an item, under whichever number, or a restriction names it."""
    i, p = items.c, prior_items.c
    named = and_(i.epoch == item.epoch, i.number == item.number)
    present = exists().where(i.store == item.store, or_(named, i.fingerprint == item.fingerprint))
    earlier = exists().where(p.store == item.store, p.fingerprint == item.fingerprint)
    if connection.execute(select(or_(present, earlier))).scalar_one():
        return True
    return isinstance(act, Lift) and _is_restricted(connection, item)


def _is_restricted(connection: Connection, item: ItemRef) -> bool:
    """Whether a restriction that was lifted from this item only in part stands on others."""
    standing = select(holds.c.scope).where(
        holds.c.id.startswith(RESTRICTION, autoescape=True), holds.c.released_at.is_(None)
    )
    name = (item.store, item.epoch, item.number)
    return any(
        name == (each.store, each.epoch, each.number)
        for data in connection.execute(standing).scalars()
        for each in codec.decode(data, Scope).items
    )


def _shed_scopes(connection: Connection, now: Instant) -> int:
    """Of holds that nothing is under any more: which items they named, and which numbers.

    Of a restriction also why: that is of the person who asked, and no case that a register needs.
    """
    freed_at = hold_stores.c.freed_at
    standing = or_(freed_at.is_(None), freed_at > now - AFTER_RELEASE_SECONDS)
    over = select(holds.c.id, holds.c.scope, holds.c.case_reference).where(
        holds.c.released_at.is_not(None),
        ~exists().where(held_items.c.hold == holds.c.id),
        ~exists().where(hold_stores.c.hold == holds.c.id, standing),
    )
    shed = 0
    for row in connection.execute(over).all():
        scope = codec.decode(row.scope, Scope)
        less = replace(scope, items=(), numbers=UNSET)
        case = "" if row.id.startswith(RESTRICTION) else row.case_reference
        if (less, case) != (scope, row.case_reference):
            connection.execute(
                update(holds)
                .where(holds.c.id == row.id)
                .values(scope=codec.encode(less), case_reference=case)
            )
            shed += 1
    return shed
