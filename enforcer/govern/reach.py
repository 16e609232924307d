"""From a person's words to what a hold reaches: stores, sources, interval, items."""

from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, select

from enforcer.govern import moments, sites
from enforcer.govern.forms.holds import Placement
from enforcer.govern.lookup import StoredRow, find_items
from enforcer.govern.moments import Interval
from enforcer.index.scope import Scope
from enforcer.index.tables import stores
from retention.calendar import Instant
from retention.errors import ConfigError
from retention.hold import padded
from retention.numbers import Keyed
from retention.policy import UNREGISTERED, Chain

#: Begins after it ends: matches by the items it names only.
NEVER = Interval(Instant(1), Instant(0))


class Reach(NamedTuple):
    """What a hold covers, resolved. `interval` has its padding."""

    stores: Sequence[StoredRow]
    scope: Scope
    interval: Interval


def resolve(
    connection: Connection,
    chain: Chain,
    form: Placement,
    now: Instant,
    called: Sequence[Keyed] = (),
) -> Reach:
    """What the form means; `ConfigError` asks where it is not clear.

    `called` is the form's telephone number under every key in use, if it names one.
    """
    if form.items:
        return _of_items(connection, form)
    site, found = _where(connection, form)
    _check_sources(chain, found, form.sources)
    interval = _when(form, ZoneInfo(found[0].zone), now)
    scope = Scope(site=site, sources=form.sources, numbers=tuple(called) or msgspec.UNSET)
    return Reach(found, scope, Interval(*padded(*interval)))


def _of_items(connection: Connection, form: Placement) -> Reach:
    if form.site or form.stores or form.around or form.since or form.until or form.number:
        raise ConfigError("name items, or a place and a time, not both")
    items = find_items(connection, form.items)
    return Reach(_stores(connection, {i.store for i in items}), Scope(items=items), NEVER)


def _where(connection: Connection, form: Placement) -> tuple[str, Sequence[StoredRow]]:
    anywhere = form.number and not (form.site or form.stores)
    if bool(form.site) == bool(form.stores) and not anywhere:
        raise ConfigError("say where: a site, or stores")
    if form.stores:
        return "", _stores(connection, set(form.stores))
    open_stores = connection.execute(
        select(stores).where(stores.c.state != "retired").order_by(stores.c.id)
    ).all()
    if anywhere:
        if not open_stores:
            raise ConfigError("there is no store yet")
        return "", open_stores
    site = sites.resolve(form.site, (row.site for row in open_stores))
    return site, [row for row in open_stores if row.site == site]


def _when(form: Placement, zone: ZoneInfo, now: Instant) -> Interval:
    if form.around and not (form.since or form.until):
        return moments.around(form.around, zone, now)
    if form.since and form.until and not form.around:
        return moments.between(form.since, form.until, zone, now)
    raise ConfigError("say when: around a time, or from one time to another")


def _stores(connection: Connection, ids: set[str]) -> Sequence[StoredRow]:
    found = connection.execute(
        select(stores).where(stores.c.id.in_(ids)).order_by(stores.c.id)
    ).all()
    unknown = ids - {row.id for row in found}
    if unknown:
        raise ConfigError(f"no store is called {', '.join(sorted(unknown))}")
    return found


def _check_sources(chain: Chain, found: Sequence[StoredRow], sources: Sequence[str]) -> None:
    """A source that no store of these has would hold nothing, silently."""
    groups = {row.store_group for row in found}
    known = {UNREGISTERED} | {
        source.id
        for policy in chain.policies  # a camera that was removed has left recordings
        for group in groups
        for source in policy.sources_of(group)
    }
    for source in sources:
        if source not in known:
            raise ConfigError(
                f"there is no source {source!r} there; there are {', '.join(sorted(known))}"
            )
