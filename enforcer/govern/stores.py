"""Stores: enrolled by an operator, listed by everybody.

Activating, retiring and thawing take two people: see `enforcer.govern.approvals`.
"""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select

from enforcer.govern import credentials
from enforcer.govern.forms.stores import Invitation, NewStore, StoreLine
from enforcer.govern.lookup import StoredRow
from enforcer.govern.register import faults
from enforcer.index.scope import Scope
from enforcer.index.tables import hold_stores, holds, stores
from retention import codec
from retention.calendar import Instant, start_of_day
from retention.errors import ConfigError, RefusedError
from retention.report import GENESIS


def enrol(
    connection: Connection, new: Sequence[NewStore], *, now: Instant, today: date
) -> list[Invitation]:
    """Add these stores and give each a code; raises, having added none, if one cannot be."""
    taken = set(connection.execute(select(stores.c.id)).scalars())
    for store in new:
        for fault in faults(store, today):
            raise RefusedError(f"store {store.id}, {fault.field}: {fault.sentence}")
        if store.id in taken:
            raise RefusedError(f"there is a store {store.id} already")
        taken.add(store.id)
    return [_add(connection, store, now) for store in new]


def listed(connection: Connection) -> list[StoreLine]:
    """All stores, by id."""
    return [
        StoreLine(
            id=row.id,
            site=row.site,
            group=row.store_group,
            kind=row.kind,
            state=row.state,
            frozen=row.frozen,
            region=row.region,
            processor=row.processor,
            last_seen_at=row.last_seen_at,
            scan_complete_at=row.scan_complete_at,
            brake=row.brake,
            credential=_credential(row),
            epoch=row.epoch,
        )
        for row in connection.execute(select(stores).order_by(stores.c.id))
    ]


def renew(connection: Connection, store: str, now: Instant) -> Invitation:
    """A new code for a store that is there: its box was replaced, or its credential is to change."""
    state = connection.execute(select(stores.c.state).where(stores.c.id == store)).scalar()
    if state is None:
        raise ConfigError(f"no store is called {store!r}")
    if state == "retired":
        raise RefusedError(f"store {store} is retired; enrol a new one")
    code, expires_at = credentials.invite(connection, store, now)
    return Invitation(store=store, code=code, expires_at=expires_at)


def _credential(row: StoredRow) -> str:
    if row.state == "retired":
        return "none"  # to hear that it is retired is all that is left of it
    return "valid" if row.secret_hash else "invited" if row.code_hash else "none"


def _add(connection: Connection, store: NewStore, now: Instant) -> Invitation:
    connection.execute(
        insert(stores).values(
            id=store.id,
            site=store.site.strip(),
            store_group=store.group.strip(),
            zone=store.zone,
            region=store.region,
            processor=store.processor,
            kind=store.kind,
            state="invited",
            commissioned_at=start_of_day(store.commissioned_on, ZoneInfo(store.zone)),
            digest=GENESIS,
        )
    )
    _join_holds(connection, store)
    code, expires_at = credentials.invite(connection, store.id, now)
    return Invitation(store=store.id, code=code, expires_at=expires_at)


def _join_holds(connection: Connection, store: NewStore) -> None:
    """A hold on the whole site is a hold on what joins it."""
    open_holds = select(holds.c.id, holds.c.scope).where(holds.c.released_at.is_(None))
    for row in connection.execute(open_holds).all():
        if codec.decode(row.scope, Scope).site == store.site.strip():
            connection.execute(insert(hold_stores).values(hold=row.id, store=store.id))
