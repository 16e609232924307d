"""Documents that take two people: proposed by one, signed by a second, then carried to the stores.

The enforcer checks what it can, so that nobody is asked to sign what could not be done; every
agent checks the signatures again, and what only it can know.
"""

import re
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, insert, select, update

from enforcer.govern import deeds, papers, reasons, receipts
from enforcer.govern.forms.documents import Document
from enforcer.govern.lookup import StoredRow
from enforcer.govern.papers import EXPIRES_SECONDS, Paper
from enforcer.index import policies
from enforcer.index.tables import document_stores, documents, stores
from retention import envelope
from retention.calendar import Instant
from retention.envelope import Envelope
from retention.errors import ConfigError, RefusedError, SignatureError, VerificationError
from retention.ledger import LastHead
from retention.people import MAY_SIGN, TWO_PEOPLE, signed_by
from retention.policy import Chain, Policy
from retention.reasons import SaltedReason

_ID = re.compile(r"[a-z-]{3,20}-[0-9a-f]{8,32}")
_CLOCK_SECONDS = 15 * 60


def propose(
    connection: Connection,
    chain: Chain,
    signed: Envelope,
    told: Sequence[SaltedReason],
    *,
    person: str,
    now: Instant,
) -> str:
    """Take in a document that this person drew up and signed, and what its reasons are; its id."""
    paper = papers.read(signed)
    if not _ID.fullmatch(paper.id):
        raise ConfigError(f"{paper.id[:40]!r} cannot name a document")
    if abs(now - paper.at) > _CLOCK_SECONDS:
        raise ConfigError("a document is proposed when it is drawn up; this one has another time")
    _require_signed(signed, paper, chain.current, person)
    _check(connection, chain, paper, now)
    reasons.require_told(papers.reasons_of(paper, chain), told)
    known = connection.execute(select(documents.c.id).where(documents.c.id == paper.id)).scalar()
    if known or receipts.is_kept(connection, paper.id):
        raise RefusedError(f"{paper.id} was proposed before")
    _refuse_twice(connection, paper, now)
    connection.execute(
        insert(documents).values(
            id=paper.id,
            kind=paper.kind,
            envelope=envelope.encode(signed),
            state="proposed",
            proposed_at=now,
        )
    )
    reasons.keep(connection, paper.id, told)
    return paper.id


def sign(
    connection: Connection,
    chain: Chain,
    document: str,
    signed: Envelope,
    *,
    person: str,
    now: Instant,
) -> Paper | None:
    """Add this person's signature. If that makes two, it is carried out: what it was, comes back."""
    row = _proposed(connection, document, now)
    known = envelope.decode(row.envelope)
    if signed.payload != known.payload or signed.payload_type != known.payload_type:
        raise VerificationError(f"this signature is not on {document} as it was proposed")
    paper = papers.read(known)
    if person in signed_by(known, paper.kind, chain.current.people):
        raise RefusedError(f"{person} has signed {document} already: it takes somebody else")
    _require_signed(signed, paper, chain.current, person)
    _check(connection, chain, paper, now)
    both = _merged(known, signed)
    approved = len(signed_by(both, paper.kind, chain.current.people)) >= TWO_PEOPLE
    changes = {"state": "approved", "approved_at": now} if approved else {}
    connection.execute(
        update(documents)
        .where(documents.c.id == document)
        .values(envelope=envelope.encode(both), **changes)
    )
    if not approved:
        return None
    _carry(connection, paper, now)
    return paper


def publish(connection: Connection, chain: Chain, document: str) -> int:
    """Make a policy that two owners signed the present one; its version."""
    row = _row(connection, document)
    if row.kind != papers.POLICY or row.state != "approved":
        raise RefusedError(f"{document} is no policy that two owners have signed")
    signed = envelope.decode(row.envelope)
    version = chain.extended(signed).current.version
    policies.publish(connection, version, signed)
    _set_state(connection, document, "applied")
    return version


def withdraw(connection: Connection, document: str, now: Instant) -> None:
    """Take a proposal back before it has two signatures."""
    _proposed(connection, document, now)
    _set_state(connection, document, "withdrawn")


def listed(connection: Connection, chain: Chain, *, all_of_them: bool) -> list[Document]:
    """Documents, newest first; of those that are done or withdrawn only if asked for."""
    query = select(documents).order_by(documents.c.proposed_at.desc(), documents.c.id)
    shown = [_shown(connection, chain, row) for row in connection.execute(query).all()]
    return [each for each in shown if all_of_them or _open(each)]


def _open(document: Document) -> bool:
    """Whether it waits for a person or for a store."""
    if document.state == "approved":
        return document.kind == papers.POLICY or bool(document.waiting_for)
    return document.state == "proposed"


def shown(connection: Connection, chain: Chain, document: str) -> Document:
    """One document, with the words of its reasons; `ConfigError` if it is not there, or no more."""
    document_shown = _shown(connection, chain, _row(connection, document))
    told = reasons.of_document(connection, document)
    return msgspec.structs.replace(document_shown, reasons=told)


def found(connection: Connection, chain: Chain, document: str) -> Document | None:
    """As `shown`; None if it is not there, or no more."""
    known = connection.execute(select(documents.c.id).where(documents.c.id == document)).scalar()
    return None if known is None else shown(connection, chain, document)


def _refuse_twice(connection: Connection, paper: Paper, now: Instant) -> None:
    """Two documents for one thing would leave one of them behind, which nobody can sign any more."""
    c = documents.c
    waiting = select(c.id, c.envelope).where(
        c.kind == paper.kind, c.state == "proposed", c.proposed_at >= now - EXPIRES_SECONDS
    )
    for row in connection.execute(waiting.order_by(c.proposed_at, c.id)).all():
        if papers.ask_the_same(papers.read(envelope.decode(row.envelope)), paper):
            raise RefusedError(
                f"{row.id} asks for the same and waits for somebody to sign it: "
                f"`enforcer approve {row.id}`, or take it back with --withdraw"
            )


def _check(connection: Connection, chain: Chain, paper: Paper, now: Instant) -> None:
    reasons.require_commitments(papers.reasons_of(paper, chain))
    match paper.body:
        case Policy():
            _check_policy(chain, paper.body)
        case LastHead():
            pass
        case act:
            deeds.check(connection, chain, act, now)


def _check_policy(chain: Chain, policy: Policy) -> None:
    policy.check()
    if policy.version != chain.current.version + 1 or policy.previous != chain.head:
        raise VerificationError(
            f"this draft follows version {policy.version - 1}, and the present one is "
            f"{chain.current.version}: propose it anew"
        )


def _carry(connection: Connection, paper: Paper, now: Instant) -> None:
    if isinstance(paper.body, Policy | LastHead):
        return  # published, or appended to the ledger, as a step of its own
    deeds.carry(connection, paper.body, now)
    bound = [
        {"document": paper.id, "store": store} for store in deeds.stores_of(connection, paper.body)
    ]
    if bound:
        connection.execute(insert(document_stores), bound)


def _require_signed(signed: Envelope, paper: Paper, policy: Policy, person: str) -> None:
    """One signature, made with one's own key, by somebody whose role may sign this kind."""
    if len(signed.signatures) != 1 or person not in signed_by(signed, paper.kind, policy.people):
        roles = ", ".join(sorted(MAY_SIGN[paper.kind]))
        raise SignatureError(f"this is not signed by {person}, or {person} is none of {roles}")


def _merged(known: Envelope, signed: Envelope) -> Envelope:
    new = [each for each in signed.signatures if each not in known.signatures]
    return msgspec.structs.replace(known, signatures=(*known.signatures, *new))


def _proposed(connection: Connection, document: str, now: Instant) -> StoredRow:
    row = _row(connection, document)
    if row.state != "proposed":
        raise RefusedError(f"{document} is {row.state} already")
    if now - row.proposed_at > EXPIRES_SECONDS:
        raise RefusedError(f"{document} was proposed more than 30 days ago: propose it anew")
    return row


def _row(connection: Connection, document: str) -> StoredRow:
    row = connection.execute(select(documents).where(documents.c.id == document)).one_or_none()
    if row is None and receipts.is_kept(connection, document):
        raise ConfigError(f"{document} named recordings that are gone: only its receipt is kept")
    if row is None:
        raise ConfigError(f"no document is called {document!r}")
    return row


def _shown(connection: Connection, chain: Chain, row: StoredRow) -> Document:
    signed = envelope.decode(row.envelope)
    return Document(
        id=row.id,
        kind=row.kind,
        state=row.state,
        proposed_at=row.proposed_at,
        approved_at=row.approved_at,
        signed_by=tuple(sorted(signed_by(signed, row.kind, chain.current.people))),
        roles=tuple(sorted(MAY_SIGN[row.kind])),
        waiting_for=tuple(_waiting(connection, row.id)),
        envelope=signed,
    )


def _waiting(connection: Connection, document: str) -> Sequence[str]:
    waiting = (
        select(document_stores.c.store)
        .join(stores, stores.c.id == document_stores.c.store)
        .where(
            document_stores.c.document == document,
            document_stores.c.acknowledged_at.is_(None),
            stores.c.state != "retired",
        )
    )
    return connection.execute(waiting.order_by(document_stores.c.store)).scalars().all()


def _set_state(connection: Connection, document: str, state: str) -> None:
    connection.execute(update(documents).where(documents.c.id == document).values(state=state))
