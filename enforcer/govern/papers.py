"""What a document in an envelope is: an act, a next policy, or the last head of a lost ledger."""

from typing import NamedTuple

from msgspec.structs import asdict

from retention import acts, codec
from retention.acts import (
    Activation,
    AnyAct,
    BrakeRelease,
    Release,
    Restoration,
    Retirement,
    Thaw,
)
from retention.calendar import Instant
from retention.envelope import PAYLOAD_TYPE, Envelope
from retention.errors import MalformedError
from retention.ledger import LastHead
from retention.policy import Chain, Policy

EXPIRES_SECONDS = 30 * 86_400
"""A proposal that nobody signed in a month is drawn up anew: facts have moved on."""

POLICY = "policy"
SUCCESSION = "succession"

#: What an act says of itself and of its day, and not of what it does.
_OF_THE_PAPER = frozenset({"id", "at", "reason", "expires", "subject_informed_at"})


class Paper(NamedTuple):
    """A document, read. `kind` is the word under which `people.MAY_SIGN` knows it."""

    id: str
    kind: str
    at: Instant
    body: AnyAct | Policy | LastHead


def read(envelope: Envelope) -> Paper:
    """The document in the envelope, or `MalformedError`. Says nothing about who signed it."""
    if envelope.payload_type == PAYLOAD_TYPE.format(POLICY):
        policy = codec.decode(envelope.payload, Policy)
        return Paper(_named(POLICY, envelope), POLICY, policy.issued_at, policy)
    if envelope.payload_type != PAYLOAD_TYPE.format("act"):
        raise MalformedError(f"{envelope.payload_type!r} takes no two signatures")
    try:
        act = acts.decode(envelope.payload)
    except MalformedError:
        head = codec.decode(envelope.payload, LastHead)
        return Paper(_named(SUCCESSION, envelope), SUCCESSION, head.at, head)
    return Paper(act.id, acts.kind_of(act), act.at, act)


def reasons_of(paper: Paper, chain: Chain) -> tuple[str, ...]:
    """The reasons that this document gives: those of a policy's migrations that no earlier one has."""
    match paper.body:
        case Policy():
            earlier = (p for p in chain.policies if p.version < paper.body.version)
            known = {migration for policy in earlier for migration in policy.migrations}
            return tuple(m.reason for m in paper.body.migrations if m not in known)
        case body:
            return (body.reason,)


def about(paper: Paper) -> str:
    """The one hold or store that an act is about; else ""."""
    match paper.body:
        case Release(hold=hold):
            return hold
        case Activation(stores=(store,)):
            return store
        case BrakeRelease() | Retirement() | Thaw() | Restoration():
            return paper.body.store
    return ""


def ask_the_same(one: Paper, other: Paper) -> bool:
    """Whether two acts would do the same, whenever they were drawn up and whatever for."""
    if isinstance(one.body, Policy | LastHead) or isinstance(other.body, Policy | LastHead):
        return False  # of drafts of a policy people choose one
    return one.kind == other.kind and _deed(one.body) == _deed(other.body)


def _deed(act: AnyAct) -> dict[str, object]:
    return {name: value for name, value in asdict(act).items() if name not in _OF_THE_PAPER}


def _named(kind: str, envelope: Envelope) -> str:
    """A name that follows from the bytes: the same document is never proposed twice."""
    return f"{kind}-{codec.digest(envelope.payload).hex()[:8]}"
