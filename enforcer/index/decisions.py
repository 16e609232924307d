"""What people decided, store by store: holds that become effective, acts that are carried out."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection, Row, and_, insert, select, update

from enforcer.index import quarantines
from enforcer.index.scope import Scope, reference
from enforcer.index.tables import (
    document_stores,
    documents,
    held_items,
    hold_stores,
    holds,
    items,
)
from retention import acts, codec, envelope
from retention.acts import Release
from retention.calendar import Instant
from retention.hold import Ground, ItemRef, StoreHold, either_number

#: The origin of holds that only a directive in an agent's hands still told of.
RECOVERED = "recovered"
MARKER = "marker"


class NewHold(NamedTuple):
    """A hold that no person has confirmed yet: only an agent spoke of it."""

    id: str
    origin: str  # MARKER | RECOVERED
    scope: bytes
    begins: Instant
    ends: Instant
    placed_at: Instant
    review_on: int


def placed_at(connection: Connection, hold: str) -> Instant | None:
    """When a hold was placed; None if we do not know it."""
    found = connection.execute(select(holds.c.placed_at).where(holds.c.id == hold)).scalar()
    return None if found is None else Instant(found)


def add_hold(connection: Connection, new: NewHold) -> bool:
    """Add a hold that an agent spoke of; False if there is one of this id."""
    if placed_at(connection, new.id) is not None:
        return False
    connection.execute(insert(holds).values(**new._asdict(), ground=str(Ground.CRIME), owner=""))
    return True


def bind(connection: Connection, store: str, hold: str, effective_at: Instant | None) -> bool:
    """Make a hold one for this store; False if it was already."""
    bound = select(hold_stores.c.hold).where(
        hold_stores.c.store == store, hold_stores.c.hold == hold
    )
    if connection.execute(bound).scalar() is not None:
        return False
    connection.execute(
        insert(hold_stores).values(hold=hold, store=store, effective_at=effective_at)
    )
    return True


def recover(
    connection: Connection, store: str, told: StoreHold, now: Instant, review_on: int
) -> None:
    """Take back a hold out of a directive that we once signed, if we do not know it any more.

    Where several stores tell of it, it covers what any of them was told. Who placed it and why is
    for a person to say again.
    """
    new = NewHold(
        id=told.id,
        origin=RECOVERED,
        scope=codec.encode(Scope(sources=told.sources, items=told.items, numbers=told.numbers)),
        begins=told.begins,
        ends=told.ends,
        placed_at=now,
        review_on=review_on,
    )
    added = add_hold(connection, new)
    bound = bind(connection, store, told.id, None)
    if bound and not added:
        _widen(connection, told)


def take_effect(connection: Connection, store: str, effective: Sequence[str], at: Instant) -> None:
    """Note that holds are in force on a store, unless that was noted before."""
    _note(connection, store, effective, "effective_at", at)


def let_go(connection: Connection, store: str, released: Sequence[str], at: Instant) -> None:
    """Note that a store has let go of what these holds held, unless that was noted before."""
    _note(connection, store, released, "freed_at", at)


def came_too_late(connection: Connection, store: str, gone: Iterable[tuple[str, int, int]]) -> None:
    """Keep what holds came too late for: (hold, civil date, items)."""
    counts: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for hold, civil, count in gone:
        counts[hold].append((civil, count))
    for hold, found in sorted(counts.items()):
        connection.execute(
            update(hold_stores)
            .where(hold_stores.c.store == store, hold_stores.c.hold == hold)
            .values(gone=json.dumps(found))
        )


def acknowledge(
    connection: Connection, store: str, acts_in_force: Sequence[str], at: Instant
) -> list[str]:
    """Note which acts were carried out on a store; give the holds that they released there."""
    mine = document_stores.c.store == store
    open_acts = (
        select(documents.c.id, documents.c.envelope)
        .join(document_stores, document_stores.c.document == documents.c.id)
        .where(mine, document_stores.c.acknowledged_at.is_(None), documents.c.kind != "policy")
        .where(documents.c.id.in_(acts_in_force))
        .order_by(documents.c.id)
    )
    found = connection.execute(open_acts).all()
    ours = [row.id for row in found]
    connection.execute(
        update(document_stores)
        .where(mine, document_stores.c.document.in_(ours))
        .values(acknowledged_at=at)
    )
    quarantines.acknowledge(connection, store, ours)
    decoded = [acts.decode(envelope.decode(row.envelope).payload) for row in found]
    return [act.hold for act in decoded if isinstance(act, Release)]


def _widen(connection: Connection, told: StoreHold) -> None:
    query = select(holds.c.scope).where(holds.c.id == told.id, holds.c.origin == RECOVERED)
    found = connection.execute(query).scalar()
    if found is None:
        return
    known = codec.decode(found, Scope)
    everywhere = not known.sources or not told.sources
    wider = Scope(
        sources=() if everywhere else tuple(sorted({*known.sources, *told.sources})),
        items=known.items + tuple(item for item in told.items if item not in known.items),
        numbers=either_number(known.numbers, told.numbers),
    )
    connection.execute(update(holds).where(holds.c.id == told.id).values(scope=codec.encode(wider)))


def name_what_moved(connection: Connection, store: str, epoch: int) -> None:
    """Have standing holds name what they hold in this epoch and would not match anew: it is about to end.

    A recording that was moved, or dated otherwise, is held until the release (I2); an agent that
    lost its memory knows of that only what it is told.
    """
    of_item = (
        held_items.c.store == items.c.store,
        held_items.c.epoch == items.c.epoch,
        held_items.c.number == items.c.number,
    )
    rows = connection.execute(
        select(items, holds.c.id, holds.c.begins, holds.c.ends, holds.c.scope)
        .join(held_items, and_(*of_item))
        .join(holds, holds.c.id == held_items.c.hold)
        .where(items.c.store == store, items.c.epoch == epoch, holds.c.released_at.is_(None))
        .order_by(holds.c.id, items.c.number)
    )
    named: defaultdict[str, list[ItemRef]] = defaultdict(list)
    for row in rows:
        if not _would_match(row):
            named[row.id].append(reference(row))
    for hold, found in named.items():
        scope = select(holds.c.scope).where(holds.c.id == hold)
        known = codec.decode(connection.execute(scope).scalar_one(), Scope)
        wider = replace(known, items=(*known.items, *found))
        connection.execute(
            update(holds).where(holds.c.id == hold).values(scope=codec.encode(wider))
        )


def _would_match(row: Row[Any]) -> bool:
    """Whether the hold of this row matches its item by what is known of it now, whoever called."""
    scope = codec.decode(row.scope, Scope)
    hold = StoreHold(row.id, row.begins, row.ends, scope.sources, scope.items)
    earliest = None if row.anchor is None else Instant(row.anchor - row.before)
    latest = None if row.anchor is None else Instant(row.anchor + row.after)
    return hold.matches(row.source, earliest, latest, row.fingerprint)


def forget_acknowledgements(connection: Connection, store: str, now: Instant) -> None:
    """Its agent's memory is gone: nothing counts as in force there until it says so again.

    What it let go of by a clock that was ahead, it has let go of by now.
    """
    freed_at = hold_stores.c.freed_at
    connection.execute(
        update(hold_stores).where(hold_stores.c.store == store, freed_at > now).values(freed_at=now)
    )
    doubt_holds(connection, store)
    connection.execute(
        update(document_stores).where(document_stores.c.store == store).values(acknowledged_at=None)
    )
    quarantines.forget_acknowledgements(connection, store)


def doubt_holds(connection: Connection, store: str) -> None:
    """No hold counts as in force there until its agent says so again."""
    connection.execute(
        update(hold_stores)
        .where(hold_stores.c.store == store, hold_stores.c.freed_at.is_(None))
        .values(effective_at=None)
    )


def _note(
    connection: Connection, store: str, concerned: Sequence[str], column: str, at: Instant
) -> None:
    when = hold_stores.c[column]
    connection.execute(
        update(hold_stores)
        .where(hold_stores.c.store == store, hold_stores.c.hold.in_(concerned), when.is_(None))
        .values({when: at})
    )
