"""Receipts: what an inspector is shown of acts that name somebody's recordings, or perhaps somebody.

A receipt tells who approved what and when, and the digest of what they signed; no recording and no
reason (I8). Of acts that name items it is all that stays.
"""

from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, insert, select

from enforcer.index.tables import receipts
from retention import acts, codec
from retention.acts import NAME_ITEMS, Activation, AnyAct
from retention.bundle import Activated, ItemAct
from retention.calendar import Instant
from retention.envelope import Envelope
from retention.errors import SignatureError
from retention.policy import Chain


def receipt_of(act: AnyAct, document: Envelope, chain: Chain) -> ItemAct:
    """The receipt of an act in its envelope; `chain` tells who could sign it at the time."""
    return ItemAct(
        id=act.id,
        kind=acts.kind_of(act),
        at=act.at,
        items=len(act.items) if isinstance(act, NAME_ITEMS) else 0,
        signed_by=_signers(document, chain),
        digest=codec.digest(document.payload),
        activated=_activated(act),
    )


def keep(connection: Connection, receipt: ItemAct, approved_at: Instant) -> None:
    """Keep a receipt for good: its act is about to go."""
    row = {"id": receipt.id, "approved_at": approved_at, "receipt": codec.encode(receipt)}
    connection.execute(insert(receipts).values(row))


def kept(connection: Connection, began: Instant) -> list[ItemAct]:
    """Receipts of acts that are gone and were approved at `began` or later, oldest first."""
    c = receipts.c
    chosen = select(c.receipt).where(c.approved_at >= began).order_by(c.approved_at, c.id)
    return [codec.decode(data, ItemAct) for data in connection.execute(chosen).scalars()]


def is_kept(connection: Connection, act: str) -> bool:
    """Whether there was an act of this id and its receipt is what is left."""
    found = connection.execute(select(receipts.c.id).where(receipts.c.id == act))
    return found.scalar() is not None


def _activated(act: AnyAct) -> Activated | UnsetType:
    if not isinstance(act, Activation):
        return UNSET
    return Activated(act.stores, act.record_class, act.through_ordinal, act.count)


def _signers(document: Envelope, chain: Chain) -> tuple[str, ...]:
    try:
        return tuple(sorted(acts.approvers(document, chain)))
    except SignatureError:
        return ()  # whoever reads the bundle sees that nobody vouches for it
