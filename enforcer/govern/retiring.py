"""Taking a store out of service: its books are closed, and nothing waits for it any more.

Its agent may be there still, and recordings with it. Its credential is good for one thing from then on:
to hear of the act (docs/rules.md, Coming back).
"""

from sqlalchemy import Connection, delete, select, update

from enforcer.index import stores, tally
from enforcer.index.tables import (
    document_stores,
    documents,
    held_items,
    hold_stores,
    items,
    prior_items,
    quarantines,
)
from enforcer.index.tally import Amount, Changes
from retention import envelope
from retention.acts import LOST, Retirement
from retention.calendar import Instant
from retention.envelope import Envelope


def retire(connection: Connection, act: Retirement, now: Instant) -> None:
    """Close a store. Where its bytes are wiped or destroyed, what was there went elsewhere.

    A lost store may be anywhere, and so may be what was on it: nobody will ever prove it erased. What
    was held is lost in any case, and stays an alarm.
    """
    gone = "unproven" if act.how == LOST else "gone_elsewhere"
    books = Changes()
    for line in tally.live(connection, act.store):
        end = "lost" if line.state in tally.KEPT else gone
        amount = Amount(line.items, line.bytes)
        books.move(line.record_class, line.civil, (line.state, end), amount)
    books.write(connection, act.store)
    connection.execute(delete(items).where(items.c.store == act.store, items.c.state != "erased"))
    connection.execute(delete(held_items).where(held_items.c.store == act.store))
    connection.execute(delete(prior_items).where(prior_items.c.store == act.store))
    connection.execute(
        update(hold_stores)
        .where(hold_stores.c.store == act.store, hold_stores.c.freed_at.is_(None))
        .values(freed_at=now)
    )
    connection.execute(delete(quarantines).where(quarantines.c.store == act.store))
    stores.change(connection, act.store, state="retired", code_hash=None)


def retirement_of(connection: Connection, store: str) -> Envelope | None:
    """The act that two people signed about this store; None if there is none."""
    approved = (
        select(documents.c.envelope)
        .join(document_stores, document_stores.c.document == documents.c.id)
        .where(document_stores.c.store == store)
        .where(documents.c.kind == "retirement", documents.c.state == "approved")
    )
    data = connection.execute(approved).scalar()
    return None if data is None else envelope.decode(data)
