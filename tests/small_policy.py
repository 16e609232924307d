"""A policy small enough to see at a glance, people with keys, and what they sign."""

from datetime import date
from typing import Any

import msgspec
from nacl.signing import SigningKey

from retention import acts, codec, envelope, policy
from retention.acts import AnyAct
from retention.calendar import Instant
from retention.classes import RecordClass
from retention.envelope import Envelope
from retention.people import Person, Role
from retention.policy import Chain, Policy, Source

NAMES = ("anna", "boris", "clara", "dace", "edgars", "fricis", "gita", "mallory")
KEYS = {name: SigningKey(name.encode().ljust(32, b".")) for name in NAMES}
PUBLIC = {name: bytes(key.verify_key) for name, key in KEYS.items()}
DIRECTIVE_KEY = SigningKey(b"directive".ljust(32, b"."))
LEDGER_KEY = SigningKey(b"ledger".ljust(32, b"."))

#: Mallory is in no policy.
ROLES = {
    "anna": (Role.OWNER,),
    "boris": (Role.OWNER, Role.OPERATOR),
    "clara": (Role.APPROVER,),
    "dace": (Role.DPO,),
    "edgars": (Role.HANDLER,),
    "fricis": (Role.OPERATOR,),
    "gita": (Role.AUDITOR,),
}

IMAGE = "terminal-image"
CALL = "contact-centre-call"


def record_class(name: str = IMAGE, period: str = "P60D", **changes: Any) -> RecordClass:
    """A class; all but its period are of no interest unless said."""
    facts = {"anchor": "start", "legal_basis": "6(1)(f)", "purpose": "p", "notice": "n"}
    return RecordClass(name=name, period=period, owner="anna", **(facts | changes))


def source(name: str = "front", **changes: Any) -> Source:
    """A camera in the directory of its name, on the stores of group `terminals`."""
    facts = {"group": "terminals", "directory": name, "record_class": IMAGE, "purpose": "p"}
    return Source(id=name, **(facts | changes))


def first_policy(**changes: Any) -> Policy:
    """Version 1: images for 60 days, calls for 6 months, canaries for a day."""
    document = Policy(
        version=1,
        previous=None,
        effective_from=date(2026, 1, 1),
        issued_at=Instant(1_767_000_000),  # 2025-12-29
        classes=(record_class(), record_class(CALL, "P6M"), record_class("canary", "P1D")),
        sources=(source(),),
        people=tuple(Person(name, roles, PUBLIC[name]) for name, roles in ROLES.items()),
        directive_keys=(bytes(DIRECTIVE_KEY.verify_key),),
        ledger_origin="test/ledger",
        ledger_keys=(bytes(LEDGER_KEY.verify_key),),
    )
    return msgspec.structs.replace(document, **changes)


def next_policy(chain: Chain, **changes: Any) -> Policy:
    """The version after the newest, like it but for the changes."""
    known = chain.current
    facts = {"version": known.version + 1, "previous": chain.head, "migrations": ()}
    return msgspec.structs.replace(known, **(facts | changes))


def signed(document: Policy, *names: str) -> Envelope:
    """A policy signed by these people, by its two owners unless said."""
    keys = [KEYS[name] for name in names or ("anna", "boris")]
    return envelope.seal("policy", codec.encode(document), keys)


def begun(**changes: Any) -> Chain:
    """A chain of the first policy alone."""
    document = signed(first_policy(**changes))
    return policy.first(document, codec.digest(document.payload))


def continued(chain: Chain, **changes: Any) -> Chain:
    """The chain with one more version."""
    return chain.extended(signed(next_policy(chain, **changes)))


def signed_act(act: AnyAct, *names: str) -> Envelope:
    """An act signed by these people, by an approver and the officer unless said."""
    return envelope.seal("act", acts.encode(act), [KEYS[n] for n in names or ("clara", "dace")])
