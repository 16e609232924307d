"""One row per store: who it is, how far its log is applied, how its agent is."""

from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from enforcer.index.tables import boots, log_marks, stores
from retention.errors import ConfigError, RefusedError
from retention.report import GENESIS

#: Batches whose ends are remembered: what an agent may send again and still be checked.
MARKS_KEPT = 64
#: Boots remembered, so that one that comes back is known again.
BOOTS_KEPT = 64


def locked(connection: Connection, store: str) -> Row[Any]:
    """The row, which nobody else may change before this transaction ends; or `ConfigError`.

    `RefusedError` if the store was retired while its agent spoke: its books are closed.
    """
    query = select(stores).where(stores.c.id == store).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise ConfigError(f"no store is called {store!r}")
    if row.state == "retired":
        raise RefusedError(f"store {store} was retired just now")
    return row


def change(connection: Connection, store: str, **values: object) -> None:
    """Set columns of one store."""
    connection.execute(update(stores).where(stores.c.id == store).values(**values))


def begin_epoch(connection: Connection, store: str, epoch: int) -> None:
    """Let the log begin anew: nothing applied, no item numbered, nothing known to be amiss."""
    change(
        connection,
        store,
        epoch=epoch,
        applied=0,
        digest=GENESIS,
        last_item=0,
        refused="",
        contradictions=0,
        unregistered=0,
        imbalance=0,
        thawed=None,
        acknowledged_version=0,
    )
    connection.execute(delete(log_marks).where(log_marks.c.store == store))


def freeze(connection: Connection, store: str, why: str) -> None:
    """Two boxes speak for this store: hear neither until two people say which it is."""
    change(connection, store, frozen=why)


def thaw(connection: Connection, store: str, epoch: int) -> None:
    """Hear the box of this epoch again, and let it begin a new one if it is not the newest."""
    change(connection, store, frozen="", thawed=epoch)
    connection.execute(delete(boots).where(boots.c.store == store))


def mark(connection: Connection, store: str, number: int, digest: bytes) -> None:
    """Remember the log's digest after this entry, the end of a batch."""
    mine = log_marks.c.store == store
    connection.execute(insert(log_marks).values(store=store, number=number, digest=digest))
    numbers = select(log_marks.c.number).where(mine).order_by(log_marks.c.number.desc())
    oldest = numbers.limit(1).offset(MARKS_KEPT).scalar_subquery()
    connection.execute(delete(log_marks).where(mine, log_marks.c.number <= oldest))


def marks(connection: Connection, store: str, first: int, last: int) -> dict[int, bytes]:
    """The digests remembered of these entries, by number, ascending. Entry 0 is the beginning."""
    rows = connection.execute(
        select(log_marks.c.number, log_marks.c.digest)
        .where(log_marks.c.store == store, log_marks.c.number.between(first, last))
        .order_by(log_marks.c.number)
    )
    beginning = {0: GENESIS} if first == 0 else {}
    return beginning | {row.number: row.digest for row in rows}


def boots_of(connection: Connection, store: str) -> list[str]:
    """The boots that greeted, oldest first."""
    query = select(boots.c.booted).where(boots.c.store == store).order_by(boots.c.position)
    return list(connection.execute(query).scalars())


def forget_newest_boot(connection: Connection, store: str) -> None:
    """Take the next greeting for a first one, though it may come in the same boot."""
    mine = boots.c.store == store
    newest = select(func.max(boots.c.position)).where(mine).scalar_subquery()
    connection.execute(delete(boots).where(mine, boots.c.position == newest))


def remember_boot(connection: Connection, store: str, booted: str) -> None:
    """Remember a boot that has not greeted before."""
    mine = boots.c.store == store
    newest = connection.execute(select(func.max(boots.c.position)).where(mine)).scalar() or 0
    connection.execute(insert(boots).values(store=store, booted=booted, position=newest + 1))
    connection.execute(delete(boots).where(mine, boots.c.position <= newest - BOOTS_KEPT))
