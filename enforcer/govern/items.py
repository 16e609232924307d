"""Single recordings: found by place and time, shown, restricted.

The centre knows neither names nor paths. Correcting and erasing take two people: see
`enforcer.govern.deeds`.
"""

import re
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Select, and_, insert, or_, select

from enforcer.govern import moments, sites
from enforcer.govern.forms.items import ItemQuery, ItemSheet, ItemSheets, Restriction
from enforcer.govern.lookup import StoredRow, find_items, row_of
from enforcer.govern.moments import Interval
from enforcer.govern.naming import Name, parse
from enforcer.govern.reach import NEVER
from enforcer.index import numbers
from enforcer.index.scope import Scope, reference
from enforcer.index.tables import held_items, hold_stores, holds, items, stores
from retention import codec
from retention.calendar import Instant
from retention.errors import ConfigError
from retention.hold import RESTRICTION, Ground, padded, refuse_personal_data
from retention.numbers import Keyed
from retention.policy import Chain

MOST = 200
"""Items shown at once; a person narrows the time rather than reads more."""

EVER = Interval(Instant(0), Instant(2**33 - 1))
"""Whenever it was."""

_RESTRICTION = re.compile(RESTRICTION + "[0-9a-f]{8,16}")


def find(
    connection: Connection,
    chain: Chain,
    query: ItemQuery,
    now: Instant,
    called: Sequence[Keyed] = (),
) -> tuple[Sequence[str], ItemSheets]:
    """The stores that were meant, and their items of that time, by time.

    `called` is the telephone number of the query under every key in use, if it names one.
    """
    where = _stores(connection, query)
    ids = [row.id for row in where]
    interval = _interval(query, ZoneInfo(where[0].zone), now)
    select_items = _query(ids, query.source, interval)
    if called:
        select_items = select_items.where(numbers.made_with(called))
    found = connection.execute(select_items).all()
    sheets = tuple(_sheet(connection, chain, row) for row in found[:MOST])
    return ids, ItemSheets(sheets, more=len(found) > MOST)


def show(connection: Connection, chain: Chain, name: str) -> ItemSheet:
    """One item; `ConfigError` if there is none of this name, or no more."""
    return _sheet(connection, chain, row_of(connection, parse(name)))


def copies(connection: Connection, chain: Chain, name: str) -> ItemSheets:
    """The same recording again, on this store or another: same content and a time in common.

    Content alone would not do: all calls that nobody answered sound alike. Looks through all items
    once, so it is asked only where people decide about one. What another kind of store has, a
    bucket and not a directory, is known by another fingerprint, and not found.
    """
    row = row_of(connection, parse(name))
    this = reference(row)
    found = connection.execute(
        select(items)
        .where(items.c.fingerprint == row.fingerprint, items.c.size > 0)
        .where(items.c.state != "erased", _of_time(Interval(this.begins, this.ends)))
        .order_by(items.c.store, items.c.epoch, items.c.number)
        .limit(MOST + 2)
    )
    others = [each for each in found if each[:3] != row[:3]]
    sheets = tuple(_sheet(connection, chain, each) for each in others[:MOST])
    return ItemSheets(sheets, more=len(others) > MOST)


def restrict(
    connection: Connection, form: Restriction, *, person: str, now: Instant, review_on: date
) -> Sequence[str]:
    """Keep items unused at once (GDPR article 18); the stores that have to hear of it."""
    if not _RESTRICTION.fullmatch(form.id):
        raise ConfigError(f"{form.id[:40]!r} cannot name a restriction")
    refuse_personal_data([form.reason])
    named = find_items(connection, form.items)
    connection.execute(
        insert(holds).values(
            id=form.id,
            ground=Ground.STATUTE,
            case_reference=form.reason,
            citation="GDPR article 18",
            owner=person,
            origin="request",
            scope=codec.encode(Scope(items=named)),
            begins=NEVER.begins,
            ends=NEVER.ends,
            placed_at=now,
            review_on=review_on.toordinal(),
        )
    )
    concerned = sorted({item.store for item in named})
    connection.execute(insert(hold_stores), [{"hold": form.id, "store": s} for s in concerned])
    return concerned


def _stores(connection: Connection, query: ItemQuery) -> Sequence[StoredRow]:
    everything = connection.execute(select(stores).order_by(stores.c.id)).all()
    if query.store:
        found = [row for row in everything if row.id == query.store]
    elif query.site:
        site = sites.resolve(query.site, (row.site for row in everything))
        found = [row for row in everything if row.site == site]
    elif query.number:
        found = list(everything)
    else:
        raise ConfigError("say where: a site or a store")
    if not found:
        raise ConfigError(f"no store is called {query.store!r}")
    return found


def _interval(query: ItemQuery, zone: ZoneInfo, now: Instant) -> Interval:
    if query.around:
        return Interval(*padded(*moments.around(query.around, zone, now)))
    if query.since and query.until:
        return moments.between(query.since, query.until, zone, now)
    if query.number and not (query.since or query.until):
        return EVER
    raise ConfigError("say when: around a time, or from one time to another")


def _query(where: Sequence[str], source: str, interval: Interval) -> Select[*tuple[object, ...]]:
    """One more than are shown tells that there are more."""
    query = (
        select(items)
        .where(items.c.store.in_(where), items.c.state != "erased")
        .where(_of_time(interval))
        .order_by(items.c.anchor, items.c.store, items.c.number)
        .limit(MOST + 1)
    )
    return query.where(items.c.source == source) if source else query


def _of_time(interval: Interval) -> ColumnElement[bool]:
    """That an item may be of this time, at the widest; an undated one may be of any."""
    overlaps = and_(
        items.c.anchor - items.c.before <= interval.ends,
        items.c.anchor + items.c.after >= interval.begins,
    )
    return or_(items.c.anchor.is_(None), overlaps)


def _sheet(connection: Connection, chain: Chain, row: StoredRow) -> ItemSheet:
    limits = None
    if row.anchor is not None:
        limits = chain.limits_of(row.record_class, date.fromordinal(row.civil))
    return ItemSheet(
        id=str(Name(row.store, row.epoch, row.number)),
        record_class=row.record_class,
        source=row.source,
        anchor=row.anchor,
        how=row.how,
        span=row.span,
        seen=row.seen,
        size=row.size,
        state=row.state,
        holds=tuple(_holds(connection, row)),
        due_at=None if limits is None else Instant(max(limits.due_at, row.not_before)),
        must_be_gone_by=None if limits is None else limits.must_be_gone_by,
        outer_bound=None if limits is None else limits.outer_bound,
        reference=reference(row),
    )


def _holds(connection: Connection, row: StoredRow) -> Sequence[str]:
    on_it = select(held_items.c.hold).where(
        held_items.c.store == row.store,
        held_items.c.epoch == row.epoch,
        held_items.c.number == row.number,
    )
    return connection.execute(on_it.order_by(held_items.c.hold)).scalars().all()
