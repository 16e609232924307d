"""What people sign: documents that take protection away, or set a store going.

Each is one document in one envelope, signed by two different people whose roles allow it
(`people.MAY_SIGN`). The enforcer only carries them; the agent verifies them itself, so a hijacked
enforcer cannot make one.
"""

import msgspec

from retention import codec
from retention.bounds import At, Count, Ordinal, Text, Word
from retention.envelope import Envelope
from retention.errors import SignatureError
from retention.hold import ItemRef
from retention.people import require_two
from retention.policy import Chain, Policy


class Act(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="act"):
    """What every act says: an id used once, when it was drawn up, and why."""

    id: Word
    at: At
    reason: Text


class Release(Act, tag="release", kw_only=True, frozen=True):
    """Ends one hold. Its items go at max(due, release + 24 h)."""

    hold: Word


class Erasure(Act, tag="erasure", kw_only=True, frozen=True):
    """Erases items before they are due (GDPR article 17). Refused where a hold stands."""

    items: tuple[ItemRef, ...]


class Correction(Act, tag="correction", kw_only=True, frozen=True):
    """Gives items another start or class: the only way an anchor moves later (I10)."""

    items: tuple[ItemRef, ...]
    anchor: At | None = None
    record_class: Word | None = None


class Lift(Act, tag="lift", kw_only=True, frozen=True):
    """Ends a restriction (GDPR article 18(3)): the person concerned was told first."""

    items: tuple[ItemRef, ...]
    subject_informed_at: At


class Activation(Act, tag="activation", kw_only=True, frozen=True):
    """Lets stores erase, and releases the backlog once: up to `count` items dated to `through`."""

    stores: tuple[Word, ...]
    record_class: Word
    through_ordinal: Ordinal
    count: Count


class BrakeRelease(Act, tag="brake-release", kw_only=True, frozen=True):
    """Lets one sweep of a store erase up to `count` items although the brake is engaged."""

    store: Word
    count: Count
    expires: At


LOST = "lost"
"""How a store ended of which nobody knows where it is."""
ENDS = ("wiped", "destroyed", LOST)
"""How a store's bytes may end."""


class Retirement(Act, tag="retirement", kw_only=True, frozen=True):
    """Takes a store out of service: how its bytes ended is on record."""

    store: Word
    how: Word  # one of `ENDS`


class Thaw(Act, tag="thaw", kw_only=True, frozen=True):
    """Says which of two boxes with one identity is the store: the one of this epoch."""

    store: Word
    epoch: Count


class Restoration(Act, tag="restoration", kw_only=True, frozen=True):
    """Says that what came to a store from `since` on came from a backup.

    It is dated by what it says itself and no longer by when it came, so it can go earlier.
    """

    store: Word
    since: At


AnyAct = (
    Release
    | Erasure
    | Correction
    | Lift
    | Activation
    | BrakeRelease
    | Retirement
    | Thaw
    | Restoration
)


NAME_ITEMS = (Erasure, Correction, Lift)
"""What names somebody's recordings: it stays with the enforcer and the stores it is for."""


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    body: AnyAct


def kind_of(act: AnyAct) -> str:
    """`release`, `erasure`, ...: the word under which `people.MAY_SIGN` knows this act."""
    return str(type(act).__struct_config__.tag)


def encode(act: AnyAct) -> bytes:
    """Canonical bytes of an act: what is signed."""
    return codec.encode(_Document(act))


def decode(payload: bytes) -> AnyAct:
    """The act that these bytes are, or `MalformedError`. Says nothing about who signed it."""
    return codec.decode(payload, _Document).body


def approved(envelope: Envelope, policy: Policy) -> AnyAct:
    """The act in the envelope, if two people of this policy who may sign it did; else raises."""
    act = decode(envelope.payload)
    require_two(envelope, kind_of(act), policy.people)
    return act


def approvers(envelope: Envelope, chain: Chain) -> frozenset[str]:
    """The ids of the people who approved an act of the past, or `SignatureError`.

    Judged by the policy that was current when it was drawn up, or by one that followed before it
    was signed: people may have changed roles since.
    """
    act = decode(envelope.payload)
    before = [p for p in chain.policies if p.issued_at <= act.at][:-1]
    refusal = SignatureError(f"{kind_of(act)} {act.id} is signed by nobody")
    for policy in reversed(chain.policies[len(before) :]):
        try:
            return require_two(envelope, kind_of(act), policy.people)
        except SignatureError as error:
            refusal = error
    raise refusal
