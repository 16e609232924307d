"""Taking a store out of service: its books are closed, and nothing waits for it any more."""

from sqlalchemy import Connection, delete, update

from enforcer.govern import credentials
from enforcer.index import stores, tally
from enforcer.index.tables import held_items, hold_stores, items, prior_items, quarantines
from enforcer.index.tally import Amount, Changes
from retention.acts import Retirement
from retention.calendar import Instant

LOST = "lost"
"""How a store ended of which nobody knows where it is."""


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
    stores.change(connection, act.store, state="retired")
    credentials.revoke(connection, act.store)
