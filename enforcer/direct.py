"""What a store may do now: index + policy + holds -> its directive.

A directive is a state: the same state has the same version, however often it is asked for. The
version is max(previous + 1, unix milliseconds), so it grows even where the index was restored
from yesterday (docs/rules.md, Coming back).
"""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType
from msgspec.structs import replace
from nacl.signing import SigningKey
from sqlalchemy import Connection, Row, func, or_, select, update

from enforcer import keys
from enforcer.index import scope
from enforcer.index.tables import (
    backups,
    document_stores,
    documents,
    hold_stores,
    holds,
    stores,
)
from retention import codec, envelope
from retention.calendar import Instant
from retention.directive import VALID_SECONDS, Directive, Due, Time
from retention.envelope import Envelope
from retention.errors import RefusedError
from retention.hold import AFTER_RELEASE_SECONDS, StoreHold
from retention.policy import Chain
from retention.tombstones import wanted_seconds


class Director:
    """Speaks for the enforcer to the agents, with the directive key."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        # Stores that were told something since we started. What the index says of the version told
        # before may be older than what was told: nobody starts after a restore without a restart.
        self._told: set[str] = set()

    def direct(self, connection: Connection, store: str, chain: Chain, now: Instant) -> Envelope:
        """The store's directive, sealed; in a write transaction, which takes a new version down.

        `RefusedError` while the policy does not name our key, or while the index was restored and this
        agent has not said yet what it knows.
        """
        keys.require_named("directive", self._key, chain.current.directive_keys)
        row = connection.execute(select(stores).where(stores.c.id == store).with_for_update()).one()
        if row.restored:
            raise RefusedError("the enforcer was restored and first has to hear what you know")
        said = self._versioned(connection, row, directive_for(connection, row, chain, now))
        return envelope.seal("directive", codec.encode(said), [self._key])

    def tell_time(self, store: str, nonce: bytes, now: Instant) -> Envelope:
        """The enforcer's time, for the one who asked with this nonce."""
        return envelope.seal("time", codec.encode(Time(store, nonce, now)), [self._key])

    def _versioned(self, connection: Connection, row: Row[Any], said: Directive) -> Directive:
        """The same version for the same content; a higher one for any other, and after a start."""
        timeless = replace(said, issued_at=Instant(0), expires_at=Instant(0))
        content = codec.digest(codec.encode(timeless))
        if content == row.directive_digest and row.id in self._told:
            return replace(said, version=row.directive_version)
        self._told.add(row.id)
        version = max(row.directive_version + 1, said.issued_at * 1000)
        connection.execute(
            update(stores)
            .where(stores.c.id == row.id)
            .values(directive_version=version, directive_digest=content)
        )
        return replace(said, version=version)


def directive_for(connection: Connection, row: Row[Any], chain: Chain, now: Instant) -> Directive:
    """What the store of this row may do; its version is still 0."""
    due = tuple(
        Due(r.record_class, r.policy, r.since, r.through)
        for name in chain.class_names()
        for r in chain.due_ranges(name, now)
    )
    return Directive(
        store=row.id,
        epoch=row.epoch,
        version=0,
        issued_at=now,
        expires_at=Instant(now + VALID_SECONDS),
        policy=chain.current.version,
        policy_digest=chain.head,
        due=due,
        holds=tuple(standing_holds(connection, row.id, now)),
        acts=tuple(approved_acts(connection, row.id)),
        frozen=bool(row.frozen),
        backup_days=longest_backup(connection, chain),
    )


def longest_backup(connection: Connection, chain: Chain) -> int | UnsetType:
    """The most days that a registered copy of recordings lives, if agents have to know of it."""
    c = backups.c
    longest = select(func.max(c.days)).where(c.of.in_(("recordings", "database")))
    days = connection.execute(longest).scalar() or 0
    return days if wanted_seconds(chain, days) > wanted_seconds(chain, 0) else UNSET


def standing_holds(connection: Connection, store: str, now: Instant) -> Sequence[StoreHold]:
    """The store's holds, until a day after its agent has let go of what a released one held.

    That day is for an agent that loses its memory in it: it knows by them what has a day of grace. A
    marker's hold came from the agent itself and is told back to it all the same.
    """
    freed_at = hold_stores.c.freed_at
    rows = connection.execute(
        select(holds.c.id, holds.c.begins, holds.c.ends, holds.c.scope, freed_at)
        .join(hold_stores, hold_stores.c.hold == holds.c.id)
        .where(
            hold_stores.c.store == store,
            or_(freed_at.is_(None), freed_at > now - AFTER_RELEASE_SECONDS),
        )
        .order_by(holds.c.id)
    )
    return [_store_hold(row, store) for row in rows]


def approved_acts(connection: Connection, store: str) -> Sequence[Envelope]:
    """Two people's acts that this store's agent has not acknowledged yet, oldest first."""
    rows = connection.execute(
        select(documents.c.envelope)
        .join(document_stores, document_stores.c.document == documents.c.id)
        .where(
            document_stores.c.store == store,
            document_stores.c.acknowledged_at.is_(None),
            documents.c.state.in_(("approved", "applied")),
            documents.c.kind != "policy",
        )
        .order_by(documents.c.approved_at, documents.c.id)
    )
    return [envelope.decode(data) for data in rows.scalars()]


def _store_hold(row: Any, store: str) -> StoreHold:
    reach = codec.decode(row.scope, scope.Scope)
    items = tuple(item for item in reach.items if item.store == store)
    released_at = UNSET if row.freed_at is None else row.freed_at
    return StoreHold(row.id, row.begins, row.ends, reach.sources, items, reach.numbers, released_at)
