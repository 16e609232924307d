"""Agents' credentials: a code that works once buys a secret that works until revoked.

Only SHA-256 of either is kept: both are random and long, so nothing slower is needed.
"""

import secrets
from hashlib import sha256
from hmac import compare_digest

from sqlalchemy import Connection, select, update

from enforcer.index.policies import published
from enforcer.index.stores import forget_newest_boot
from enforcer.index.tables import stores
from retention.calendar import DAY, Instant
from retention.errors import ConfigError, SignatureError
from retention.wire import Enrolled

CODE_DAYS = 14
_SECRET_BYTES = 32
_CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without what a hand takes for another: 0O1I
_CODE_GROUPS, _GROUP = 5, 4  # 100 bits
_SEEN_SECONDS = 10  # how exact `last_seen_at` has to be


def new_code() -> str:
    """A one-time code that can be read out on the phone."""
    groups = (
        "".join(secrets.choice(_CODE_ALPHABET) for _ in range(_GROUP)) for _ in range(_CODE_GROUPS)
    )
    return "-".join(groups)


def hashed(secret: str) -> bytes:
    """What is kept of a code or a secret."""
    return sha256(secret.encode()).digest()


def invite(connection: Connection, store: str, now: Instant) -> tuple[str, Instant]:
    """A new code for this store and when it expires; the credential in use stays valid until then."""
    code, expires_at = new_code(), Instant(now + CODE_DAYS * DAY)
    connection.execute(
        update(stores)
        .where(stores.c.id == store)
        .values(code_hash=hashed(code), code_expires_at=expires_at)
    )
    return code, expires_at


def redeem(connection: Connection, code: str, now: Instant) -> Enrolled:
    """The credential that a code buys; `SignatureError` if it is unknown, used, or too old."""
    row = connection.execute(select(stores).where(stores.c.code_hash == hashed(code))).one_or_none()
    if row is None or row.state == "retired":
        raise SignatureError("this enrolment code is unknown or was used before")
    if row.code_expires_at <= now:
        raise SignatureError("this enrolment code has expired; ask an operator for another one")
    if not row.applied:
        # What an agent without a state says now is no repetition: the epoch that it lost is over, whose
        # numbers may stand in its store, though none of them ever came here.
        forget_newest_boot(connection, row.id)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    connection.execute(
        update(stores)
        .where(stores.c.id == row.id)
        .values(
            code_hash=None,
            code_expires_at=None,
            secret_hash=hashed(secret),
            state="observe" if row.state == "invited" else row.state,
            last_seen_at=now,
        )
    )
    return Enrolled(
        store=row.id,
        group=row.store_group,
        secret=secret,
        commissioned_at=Instant(row.commissioned_at),
        policies=tuple(published(connection)),
    )


def authentic(connection: Connection, store: str, secret: str) -> bool:
    """Whether this secret is the store's present one. Takes the same time whichever byte differs."""
    kept = connection.execute(select(stores.c.secret_hash).where(stores.c.id == store)).scalar()
    return compare_digest(hashed(secret), kept or bytes(32)) and kept is not None


def is_retired(connection: Connection, store: str) -> bool:
    """Whether all that this store's credential is good for is to hear that it was retired."""
    state = connection.execute(select(stores.c.state).where(stores.c.id == store)).scalar()
    return state == "retired"


def seen(connection: Connection, store: str, now: Instant) -> None:
    """Note that the store's agent spoke."""
    connection.execute(
        update(stores)
        .where(stores.c.id == store)
        .where((stores.c.last_seen_at.is_(None)) | (stores.c.last_seen_at <= now - _SEEN_SECONDS))
        .values(last_seen_at=now)
    )


def revoke(connection: Connection, store: str) -> None:
    """End the store's credential and any code on its way, at once."""
    changed = connection.execute(
        update(stores).where(stores.c.id == store).values(secret_hash=None, code_hash=None)
    )
    if not changed.rowcount:
        raise ConfigError(f"no store is called {store!r}")
