"""The register of holds, as people read it. "Effective" stands only where the agent said so (I15)."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

from msgspec import UNSET
from sqlalchemy import Column, Connection, Select, func, select

from enforcer.govern import history
from enforcer.govern.forms.holds import Counted, HoldAtStore, HoldLine, HoldSheet
from enforcer.govern.lookup import StoredRow
from enforcer.govern.naming import Name
from enforcer.index.scope import Scope
from enforcer.index.tables import held_items, hold_stores, holds, stores, tallies
from retention import codec
from retention.calendar import DAY, Instant
from retention.errors import ConfigError
from retention.hold import COMPLETE_WITHIN_SECONDS, RESTRICTION, Ground
from retention.policy import Chain

AUTHORITY_DAYS = 30
"""A hold for an investigation names the authority's reference by then, or is reviewed (R8)."""


def sheet(connection: Connection, chain: Chain, hold: str, now: Instant) -> HoldSheet:
    """All about one hold, released or not; `ConfigError` if there is none of this id."""
    row = connection.execute(select(holds).where(holds.c.id == hold)).one_or_none()
    if row is None:
        raise ConfigError(f"no hold is called {hold!r}")
    scope = codec.decode(row.scope, Scope)
    return HoldSheet(
        id=row.id,
        ground=row.ground,
        clause=Ground(row.ground).clause,
        case=row.case_reference,
        citation=row.citation,
        owner=row.owner,
        origin=row.origin,
        site=scope.site,
        sources=scope.sources,
        items=tuple(str(Name(item.store, item.epoch, item.number)) for item in scope.items),
        number_keys=_number_keys(scope),
        begins=row.begins,
        ends=row.ends,
        placed_at=row.placed_at,
        review_on=date.fromordinal(row.review_on),
        complete_by=Instant(row.placed_at + COMPLETE_WITHIN_SECONDS),
        missing=tuple(_missing(row)),
        confirmed_at=row.confirmed_at,
        released_at=row.released_at,
        stores=tuple(_at_stores(connection, chain, row, now)),
        history=tuple(history.of_subject(connection, hold)),
    )


def _number_keys(scope: Scope) -> tuple[str, ...]:
    return () if scope.numbers is UNSET else tuple(each.key for each in scope.numbers)


def register(connection: Connection, now: Instant, today: date) -> tuple[HoldLine, ...]:
    """Every hold, newest first. Restrictions have their own register: the items."""
    bound = _count(connection, select(hold_stores.c.hold, func.count()))
    pending = _count(
        connection,
        select(hold_stores.c.hold, func.count()).where(hold_stores.c.effective_at.is_(None)),
    )
    alone = _sites_of_single_stores(connection)
    rows = connection.execute(
        select(holds)
        .where(~holds.c.id.startswith(RESTRICTION, autoescape=True))
        .order_by(holds.c.placed_at.desc(), holds.c.id)
    )
    return tuple(
        HoldLine(
            id=row.id,
            ground=row.ground,
            case=row.case_reference,
            owner=row.owner,
            site=codec.decode(row.scope, Scope).site or alone.get(row.id, ""),
            placed_at=row.placed_at,
            review_on=date.fromordinal(row.review_on),
            released_at=row.released_at,
            stores=bound[row.id],
            pending=0 if row.released_at else pending[row.id],
            attention=() if row.released_at else tuple(_attention(row, now, today)),
        )
        for row in rows
    )


def _sites_of_single_stores(connection: Connection) -> dict[str, str]:
    """By hold where its only store is: a marker's names no site, and neither may a person."""
    rows = connection.execute(
        select(hold_stores.c.hold, func.min(stores.c.site))
        .join(stores, stores.c.id == hold_stores.c.store)
        .group_by(hold_stores.c.hold)
        .having(func.count() == 1)
    )
    return dict(rows.all())


def next_deletion(connection: Connection, chain: Chain, store: str, now: Instant) -> Instant | None:
    """When the store may next erase anything; None if it has nothing that falls due."""
    oldest = connection.execute(
        select(tallies.c.record_class, func.min(tallies.c.civil))
        .where(tallies.c.store == store, tallies.c.state == "present", tallies.c["items"] > 0)
        .group_by(tallies.c.record_class)
    )
    limits = [chain.limits_of(name, date.fromordinal(civil)) for name, civil in oldest]
    due = min((each.due_at for each in limits if each is not None), default=None)
    return None if due is None else max(due, now)


def _at_stores(
    connection: Connection, chain: Chain, hold: StoredRow, now: Instant
) -> Iterable[HoldAtStore]:
    held = _count(
        connection,
        select(held_items.c.store, func.count()).where(held_items.c.hold == hold.id),
        by=held_items.c.store,
    )
    rows = connection.execute(
        select(hold_stores, stores.c.site, stores.c.last_seen_at, stores.c.state.label("service"))
        .join(stores, stores.c.id == hold_stores.c.store)
        .where(hold_stores.c.hold == hold.id)
        .order_by(hold_stores.c.store)
    )
    for row in rows.all():
        gone = tuple(Counted(date.fromordinal(day), items) for day, items in json.loads(row.gone))
        yield HoldAtStore(
            store=row.store,
            site=row.site,
            state=_state(hold, row, held[row.store], gone),
            effective_at=row.effective_at,
            last_seen_at=row.last_seen_at,
            next_deletion_at=None
            if row.effective_at
            else next_deletion(connection, chain, row.store, now),
            items=held[row.store],
            gone=gone,
        )


def _state(hold: StoredRow, row: StoredRow, held: int, gone: tuple[Counted, ...]) -> str:
    if hold.released_at is not None:
        return "released"
    if row.service == "retired":
        return "retired"
    if row.effective_at is None:
        return "pending"
    return "already gone" if gone and not held else "effective"


def _missing(hold: StoredRow) -> Iterable[str]:
    """What a person did not have to know at night."""
    if not hold.owner:
        yield "a person who confirms it"
    if not hold.case_reference and hold.origin != "request":
        yield "a case reference"


def _attention(hold: StoredRow, now: Instant, today: date) -> Iterable[str]:
    if not hold.owner:
        yield "marked where it was recorded: confirm or release it"
    elif tuple(_missing(hold)) and now > hold.placed_at + COMPLETE_WITHIN_SECONDS:
        yield "no case reference after 72 hours"
    if hold.review_on < today.toordinal():
        yield "its review is overdue"
    elif (
        hold.ground == Ground.CRIME
        and not hold.citation
        and now > hold.placed_at + AUTHORITY_DAYS * DAY
    ):
        yield "no authority's reference after 30 days: review it"


def _count(
    connection: Connection, query: Select[Any, Any], by: Column[Any] = hold_stores.c.hold
) -> Counter[str]:
    return Counter(dict(connection.execute(query.group_by(by)).all()))
