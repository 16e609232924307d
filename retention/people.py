"""Who may do what. Taking protection away always takes two different people.

A person is known by an Ed25519 key. What a role may sign is decided here and nowhere else; the
enforcer asks before it accepts, and every agent asks again before it obeys.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from retention.bounds import Word
from retention.envelope import Envelope, key_id, signers
from retention.errors import SignatureError

TWO_PEOPLE = 2


class Role(StrEnum):
    """What a person is trusted with."""

    OPERATOR = "operator"  # runs stores and agents
    HANDLER = "handler"  # places holds, looks for items
    APPROVER = "approver"  # the second pair of eyes on what takes protection away
    DPO = "dpo"  # the data-protection officer
    AUDITOR = "auditor"  # reads everything, changes nothing
    OWNER = "owner"  # signs the policy


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person in the policy: a short id without personal data in it, roles, a public key."""

    id: Word
    roles: tuple[Role, ...]
    public_key: bytes


#: Which roles count towards the two signatures, by kind of act.
MAY_SIGN: Mapping[str, frozenset[Role]] = {
    "policy": frozenset({Role.OWNER}),
    "release": frozenset({Role.APPROVER, Role.DPO}),
    "erasure": frozenset({Role.APPROVER, Role.DPO}),
    "correction": frozenset({Role.APPROVER, Role.DPO}),
    "lift": frozenset({Role.APPROVER, Role.DPO}),
    "activation": frozenset({Role.OPERATOR, Role.APPROVER, Role.DPO}),
    "brake-release": frozenset({Role.OPERATOR, Role.APPROVER, Role.DPO}),
    "retirement": frozenset({Role.OPERATOR, Role.APPROVER, Role.DPO}),
    "thaw": frozenset({Role.OPERATOR, Role.APPROVER, Role.DPO}),
    "restoration": frozenset({Role.OPERATOR, Role.APPROVER, Role.DPO}),
    "succession": frozenset({Role.OWNER, Role.DPO}),
}


def signed_by(envelope: Envelope, kind: str, people: Iterable[Person]) -> frozenset[str]:
    """Ids of the people whose signature on the envelope holds and whose role may sign this kind.

    Two keys of one person are one person. Raises what `envelope.signers` raises.
    """
    allowed = MAY_SIGN[kind]
    entitled = {key_id(p.public_key): p for p in people if allowed.intersection(p.roles)}
    by_key = {keyid: person.public_key for keyid, person in entitled.items()}
    return frozenset(entitled[keyid].id for keyid in signers(envelope, _document(kind), by_key))


def require_two(envelope: Envelope, kind: str, people: Iterable[Person]) -> frozenset[str]:
    """The ids of the two or more different people who signed; `SignatureError` if there are fewer."""
    found = signed_by(envelope, kind, people)
    if len(found) < TWO_PEOPLE:
        roles = ", ".join(sorted(MAY_SIGN[kind]))
        have = ", ".join(sorted(found)) or "nobody"
        raise SignatureError(
            f"a {kind} needs two different people out of {roles}; signed so far: {have}"
        )
    return found


def _document(kind: str) -> str:
    return "policy" if kind == "policy" else "act"
