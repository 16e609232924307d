"""What each act needs before people are asked to sign it, and what it changes once two have."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, func, select, update

from enforcer.govern import retiring
from enforcer.govern.lookup import row_of
from enforcer.govern.naming import Name
from enforcer.govern.standing import holds_on
from enforcer.index import quarantines
from enforcer.index import stores as index
from enforcer.index.scope import Scope
from enforcer.index.tables import held_items, hold_stores, holds, stores
from retention import codec
from retention.acts import (
    ENDS,
    LOST,
    Activation,
    AnyAct,
    BrakeRelease,
    Correction,
    Erasure,
    Lift,
    Release,
    Restoration,
    Retirement,
    Thaw,
)
from retention.calendar import Instant
from retention.errors import ConfigError, RefusedError
from retention.hold import RESTRICTION, ItemRef
from retention.policy import Chain


def check(connection: Connection, chain: Chain, act: AnyAct, now: Instant) -> None:
    """`RefusedError` or `ConfigError` with the reason why this could not be carried out."""
    match act:
        case Release():
            _check_release(connection, act)
        case Erasure():
            _check_erasure(connection, act.items)
        case Correction():
            _check_correction(connection, chain, act, now)
        case Lift():
            _check_lift(connection, act, now)
        case Activation():
            _check_activation(connection, chain, act)
        case BrakeRelease():
            _check_brake(connection, act, now)
        case Retirement():
            _check_retirement(connection, act)
        case Thaw():
            _check_thaw(connection, act)
        case Restoration():
            _check_restoration(connection, act, now)


def stores_of(connection: Connection, act: AnyAct) -> Sequence[str]:
    """The stores whose agents have to hear of it."""
    match act:
        case Release():
            bound = select(hold_stores.c.store).where(hold_stores.c.hold == act.hold)
            return connection.execute(bound).scalars().all()
        case Erasure() | Correction() | Lift():
            return sorted({item.store for item in act.items})
        case Activation():
            return act.stores
        case BrakeRelease() | Retirement() | Thaw() | Restoration():
            return (act.store,)


def carry(connection: Connection, act: AnyAct, now: Instant) -> None:
    """Change what changes here and now; the agents do the rest when they hear of it."""
    match act:
        case Release():
            connection.execute(update(holds).where(holds.c.id == act.hold).values(released_at=now))
        case Lift():
            _end_restrictions(connection, act, now)
        case Activation():
            for store in act.stores:
                index.change(connection, store, state="active")
        case Retirement():
            retiring.retire(connection, act, now)
        case Thaw():
            index.thaw(connection, act.store, act.epoch)
        case Restoration():
            quarantines.begin(connection, act.store, act.id)
        case _:
            pass


def _end_restrictions(connection: Connection, act: Lift, now: Instant) -> None:
    """A restriction ends with its last item; until then it stands, and a new epoch obeys it."""
    lifted = {_key(item) for item in act.items}
    open_ones = select(holds.c.id, holds.c.scope).where(
        holds.c.id.startswith(RESTRICTION), holds.c.released_at.is_(None)
    )
    for row in connection.execute(open_ones).all():
        if all(_key(item) in lifted for item in codec.decode(row.scope, Scope).items):
            connection.execute(update(holds).where(holds.c.id == row.id).values(released_at=now))


def _key(item: ItemRef) -> Name:
    return Name(item.store, item.epoch, item.number)


def _check_release(connection: Connection, act: Release) -> None:
    row = connection.execute(
        select(holds.c.released_at).where(holds.c.id == act.hold)
    ).one_or_none()
    if row is None:
        raise ConfigError(f"no hold is called {act.hold!r}")
    if row.released_at is not None:
        raise RefusedError(f"hold {act.hold} was released already")


def _check_erasure(connection: Connection, items: Iterable[ItemRef]) -> None:
    for item in items:
        name = _key(item)
        row = row_of(connection, name)
        if row.state == "restricted":
            raise RefusedError(
                f"{name} is restricted (GDPR article 18): it is kept until that is lifted"
            )
        if by := holds_on(connection, row):
            raise RefusedError(f"{name} is held by {', '.join(by)}: release that first")


def _check_correction(connection: Connection, chain: Chain, act: Correction, now: Instant) -> None:
    if act.anchor is None and act.record_class is None:
        raise ConfigError("a correction gives another start, another class, or both")
    if act.anchor is not None and act.anchor > now:
        raise ConfigError("a recording cannot have begun in the future")
    if act.record_class is not None and act.record_class not in chain.class_names():
        raise ConfigError(
            f"no class {act.record_class!r}; there are {', '.join(chain.class_names())}"
        )
    for item in act.items:
        row_of(connection, _key(item))


def _check_lift(connection: Connection, act: Lift, now: Instant) -> None:
    if act.subject_informed_at > now:
        raise RefusedError(
            "the person concerned is told before a restriction is lifted (article 18(3))"
        )
    for item in act.items:
        name = _key(item)
        if row_of(connection, name).state != "restricted":
            raise RefusedError(f"{name} is not restricted")


def _check_activation(connection: Connection, chain: Chain, act: Activation) -> None:
    if act.record_class not in chain.class_names():
        raise ConfigError(
            f"no class {act.record_class!r}; there are {', '.join(chain.class_names())}"
        )
    if not act.stores:
        raise ConfigError("name the stores to activate")
    for store in act.stores:
        row = _store(connection, store)
        if row.state not in {"observe", "active"}:
            raise RefusedError(
                f"store {store} is {row.state}: only one whose agent reports is activated"
            )


def _check_brake(connection: Connection, act: BrakeRelease, now: Instant) -> None:
    if not _store(connection, act.store).brake:
        raise RefusedError(f"the brake of {act.store} is not engaged")
    if act.expires <= now:
        raise RefusedError("this release of the brake has expired")


def _check_retirement(connection: Connection, act: Retirement) -> None:
    if act.how not in ENDS:
        raise ConfigError(f"a store's bytes end {', '.join(ENDS)}; not {act.how!r}")
    if _store(connection, act.store).state == "retired":
        raise RefusedError(f"store {act.store} is retired already")
    held = connection.execute(
        select(func.count(held_items.c.number.distinct())).where(held_items.c.store == act.store)
    ).scalar_one()
    if held and act.how != LOST:
        raise RefusedError(
            f"{held} items on {act.store} are held: secure them and release the holds first"
        )


def _check_thaw(connection: Connection, act: Thaw) -> None:
    row = _store(connection, act.store)
    if not row.frozen:
        raise RefusedError(f"store {act.store} is not frozen")
    if act.epoch > row.epoch:
        raise ConfigError(f"store {act.store} has never had an epoch {act.epoch}")


def _check_restoration(connection: Connection, act: Restoration, now: Instant) -> None:
    row = _store(connection, act.store)
    if row.state not in {"observe", "active"}:
        raise RefusedError(f"store {act.store} is {row.state}: nothing comes back to it")
    if not row.commissioned_at <= act.since <= now:
        raise ConfigError(
            "say since when its recordings came from the backup: no time that is still to come, and none "
            "before the store was commissioned"
        )


def _store(connection: Connection, store: str) -> Any:
    row = connection.execute(select(stores).where(stores.c.id == store)).one_or_none()
    if row is None:
        raise ConfigError(f"no store is called {store!r}")
    return row
