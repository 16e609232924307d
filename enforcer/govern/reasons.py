"""The words that reasons in documents commit to: taken in, shown, and gone 90 days after (I8)."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, or_, select

from enforcer.govern.papers import EXPIRES_SECONDS
from enforcer.index.tables import documents, reasons
from retention.calendar import Instant
from retention.errors import ConfigError, VerificationError
from retention.hold import refuse_personal_data
from retention.ledger import SALT_SECONDS
from retention.reasons import SaltedReason, is_commitment


def require_commitments(signed: Sequence[str]) -> None:
    """`ConfigError` if a reason to be signed is in its words, as an earlier version wrote it."""
    if not all(map(is_commitment, signed)):
        raise ConfigError(
            "its reason is part of what is signed, as an earlier version of this command wrote it: "
            "propose it anew with the present one"
        )


def require_told(signed: Sequence[str], told: Sequence[SaltedReason]) -> None:
    """`VerificationError` unless these are what the reasons commit to; else what is wrong with them."""
    if sorted(set(signed)) != sorted(each.commitment for each in told):
        raise VerificationError("the words of its reason are not those that were signed")
    if not all(each.words.strip() for each in told):
        raise ConfigError("say why: --reason")
    refuse_personal_data(each.words for each in told)


def keep(connection: Connection, document: str, told: Sequence[SaltedReason]) -> None:
    """Keep what the reasons of a document commit to."""
    rows = [{"document": document, "salt": each.salt, "words": each.words} for each in told]
    if rows:
        connection.execute(insert(reasons), rows)


def of_document(connection: Connection, document: str) -> tuple[SaltedReason, ...]:
    """What is still kept of the reasons of a document."""
    c = reasons.c
    rows = connection.execute(select(c.salt, c.words).where(c.document == document))
    return tuple(SaltedReason(*row) for row in rows)


def drop(connection: Connection, document: str) -> None:
    """Shred the reasons of a document that goes itself."""
    connection.execute(delete(reasons).where(reasons.c.document == document))


def shred(connection: Connection, now: Instant) -> int:
    """Shred, with their salts, reasons as old as salts of certificates may be; give how many.

    That is 90 days after the second signature. What was withdrawn, or waited for one too long, nobody
    asks about any more.
    """
    c = documents.c
    unsigned = c.approved_at.is_(None)
    over = select(c.id).where(
        or_(
            c.approved_at < now - SALT_SECONDS,
            unsigned & (c.state == "withdrawn"),
            unsigned & (c.proposed_at < now - EXPIRES_SECONDS),
        )
    )
    return connection.execute(delete(reasons).where(reasons.c.document.in_(over))).rowcount
