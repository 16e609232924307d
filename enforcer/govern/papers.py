"""What a document in an envelope is: an act, a next policy, or the last head of a lost ledger."""

from typing import NamedTuple

from retention import acts, codec
from retention.acts import AnyAct
from retention.calendar import Instant
from retention.envelope import PAYLOAD_TYPE, Envelope
from retention.errors import MalformedError
from retention.ledger import LastHead
from retention.policy import Policy

POLICY = "policy"
SUCCESSION = "succession"


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


def _named(kind: str, envelope: Envelope) -> str:
    """A name that follows from the bytes: the same document is never proposed twice."""
    return f"{kind}-{codec.digest(envelope.payload).hex()[:8]}"
