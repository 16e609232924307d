"""Stores whose recordings came from a backup: nothing there is in order until all was swept.

Begun by two people's act. Its agent says when it knows, in its log, and from then on at every heartbeat
for as long as it is not through; so the first heartbeat that says it no more ends it.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select, update

from enforcer.index.tables import quarantines

#: What a heartbeat notes of a store that is not through.
NOTE = "from-backup"


def begin(connection: Connection, store: str, act: str) -> None:
    """Two people said so."""
    connection.execute(insert(quarantines).values(store=store, act=act, acknowledged=False))


def acknowledge(connection: Connection, store: str, acts: Sequence[str]) -> None:
    """Its agent knows of these."""
    _set(connection, store, acknowledged=True, acts=acts)


def forget_acknowledgements(connection: Connection, store: str) -> None:
    """Its agent's memory is gone: it has to be told again."""
    _set(connection, store, acknowledged=False)


def end(connection: Connection, store: str) -> None:
    """Its agent says that nothing of what it knows of is left to do."""
    mine = quarantines.c.store == store
    connection.execute(delete(quarantines).where(mine, quarantines.c.acknowledged))


def stores(connection: Connection) -> frozenset[str]:
    """All of them."""
    return frozenset(connection.execute(select(quarantines.c.store)).scalars())


def _set(
    connection: Connection, store: str, *, acknowledged: bool, acts: Sequence[str] | None = None
) -> None:
    query = update(quarantines).where(quarantines.c.store == store)
    if acts is not None:
        query = query.where(quarantines.c.act.in_(acts))
    connection.execute(query.values(acknowledged=acknowledged))
