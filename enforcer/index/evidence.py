"""What closed epochs of a store knew: the dating evidence that an agent without memory needs again."""

from collections.abc import Callable
from typing import Any

from msgspec import UNSET
from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
)

from enforcer.index import numbers, partly
from enforcer.index.items import Group
from enforcer.index.tables import held_items, items, prior_items
from enforcer.index.tally import KEPT, Amount
from retention.anchor import DOUBTED, LATEST
from retention.wire import Prior, PriorItem, PriorUndated

_FACTS = ("record_class", "civil", "source", "fingerprint", "seen", "size")


def close(connection: Connection, store: str, epoch: int) -> list[Group]:
    """Move an epoch's items here; give what they were booked under. Erased ones stay, as before."""
    there = (items.c.store == store, items.c.epoch == epoch, items.c.state != "erased")
    booked = (items.c.record_class, items.c.civil, items.c.state)
    found = connection.execute(
        select(*booked, func.count(), func.sum(items.c.size)).where(*there).group_by(*booked)
    ).all()
    _keep(connection, store, *there)
    connection.execute(delete(items).where(*there))
    numbers.forget(connection, store, epoch)
    partly.forget(connection, store, epoch)
    connection.execute(
        delete(held_items).where(held_items.c.store == store, held_items.c.epoch == epoch)
    )
    return [
        Group(record_class, civil, state, Amount(number, int(size)))
        for record_class, civil, state, number, size in found
    ]


def exists(connection: Connection, store: str) -> bool:
    """Whether there is anything here of this store."""
    query = select(prior_items.c.number).where(prior_items.c.store == store).limit(1)
    return connection.execute(query).scalar() is not None


def page(connection: Connection, store: str, after: int, most: int, *, undated: bool) -> Prior:
    """Dating evidence, by number, from the first after `after` on; with what is `undated`, or without."""
    c = prior_items.c
    told = func.coalesce(c.anchor, c.earliest) if undated else c.anchor
    rows = connection.execute(
        select(c.number, c.fingerprint, c.source, c.anchor, c.seen, c.earliest)
        .where(c.store == store, c.number > after, told.is_not(None))
        .order_by(c.number)
        .limit(most)
    ).all()
    items = tuple(PriorItem(*facts) for *facts, _ in rows if facts[3] is not None)
    without = [row for row in rows if row.anchor is None]
    early = [r for r in rows if r.earliest is not None and (r.anchor or r.earliest < r.seen)]
    return Prior(
        items,
        tuple((row.number, row.earliest) for row in early) or UNSET,
        tuple(PriorUndated(row.number, row.fingerprint, row.seen) for row in without) or UNSET,
    )


def found_again(connection: Connection, store: str, epoch: int, first: int, last: int) -> None:
    """Drop what was sighted under these numbers of the present epoch: it is known there now."""
    sighted = select(items.c.fingerprint).where(
        items.c.store == store, items.c.epoch == epoch, items.c.number.between(first, last)
    )
    connection.execute(
        delete(prior_items).where(
            prior_items.c.store == store, prior_items.c.fingerprint.in_(sighted)
        )
    )


def take_missing(connection: Connection, store: str) -> list[Group]:
    """Drop what was held and is not sighted again; give what it was booked under."""
    missing = (prior_items.c.store == store, prior_items.c.held)
    key = (prior_items.c.record_class, prior_items.c.civil)
    found = connection.execute(
        select(*key, func.count(), func.sum(prior_items.c.size)).where(*missing).group_by(*key)
    ).all()
    connection.execute(delete(prior_items).where(*missing))
    return [
        Group(record_class, civil, "superseded", Amount(number, int(size)))
        for record_class, civil, number, size in found
    ]


def forget(connection: Connection, past: Callable[[str, int], bool]) -> int:
    """Drop evidence of the classes and civil dates that are past their limit; give how much.

    What was held stays: it is searched for until the next complete scan.
    """
    free = prior_items.c.held.is_(False)
    key = (prior_items.c.record_class, prior_items.c.civil)
    dates = connection.execute(select(*key).where(free).distinct()).all()
    dropped = 0
    for record_class, civil in dates:
        if past(record_class, civil):
            this = (prior_items.c.record_class == record_class, prior_items.c.civil == civil)
            dropped += connection.execute(delete(prior_items).where(free, *this)).rowcount
    return dropped


def _keep(connection: Connection, store: str, *there: ColumnElement[bool]) -> None:
    """Copy what could date a file again, or must not get lost, numbered on from what is here."""
    query = select(func.max(prior_items.c.number)).where(prior_items.c.store == store)
    newest: int = connection.execute(query).scalar() or 0
    number: Any = literal(newest) + func.row_number().over(order_by=items.c.number)
    held = items.c.state.in_(KEPT)
    sure = items.c.how != DOUBTED
    anchor = case((sure, items.c.anchor))
    undated = and_(sure, items.c.anchor.is_(None))
    earliest = case(
        (undated, items.c.seen - items.c.before),
        (items.c.how == LATEST, items.c.anchor - items.c.before),
    )
    facts = (items.c[name] for name in _FACTS)
    copied = select(items.c.store, number, *facts, anchor, earliest, held).where(
        *there, or_(items.c.anchor.is_not(None), undated, held)
    )
    columns = ("store", "number", *_FACTS, "anchor", "earliest", "held")
    connection.execute(insert(prior_items).from_select(columns, copied))
