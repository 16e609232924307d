"""Who may do what over the people's API: one table, and what is not in it is denied.

What two people must sign is decided by `people.MAY_SIGN`, which the agents ask too; the rows for
signing follow from it.
"""

from collections.abc import Mapping

from retention.errors import RefusedError
from retention.people import MAY_SIGN, Person, Role

_ALL = frozenset(Role)
_HOLDERS = frozenset({Role.HANDLER, Role.APPROVER, Role.DPO})
_OVERSIGHT = frozenset({Role.DPO, Role.AUDITOR, Role.OWNER})
_OPERATORS = frozenset({Role.OPERATOR})
_OWNERS = frozenset({Role.OWNER})

#: (verb, resource) -> the roles of which one is enough.
RIGHTS: Mapping[tuple[str, str], frozenset[Role]] = {
    ("show", "status"): _ALL,
    ("show", "forecast"): _ALL,
    ("show", "policy"): _ALL,
    ("show", "stores"): _ALL,
    ("show", "documents"): _ALL,
    ("show", "ledger"): _ALL,
    ("show", "history"): _OVERSIGHT,
    ("export", "bundle"): _OVERSIGHT,
    ("hand in", "rescan"): frozenset({Role.DPO, Role.OWNER}),
    ("show", "backups"): _ALL,
    ("register", "backup"): _OPERATORS | {Role.DPO},
    ("show", "holds"): _HOLDERS | {Role.AUDITOR, Role.OWNER},
    ("preview", "hold"): _HOLDERS,
    ("place", "hold"): _HOLDERS,
    ("review", "hold"): _HOLDERS,
    ("confirm", "hold"): _HOLDERS,
    ("show", "items"): _HOLDERS | {Role.AUDITOR},
    ("restrict", "item"): _HOLDERS,
    ("publish", "policy"): _OWNERS,
    ("enrol", "store"): _OPERATORS,
    ("renew", "credential"): _OPERATORS,
    ("revoke", "credential"): _OPERATORS | {Role.DPO},
    **{("sign", kind): roles for kind, roles in MAY_SIGN.items()},
    **{("withdraw", kind): roles for kind, roles in MAY_SIGN.items()},
}


def require(person: Person, verb: str, resource: str) -> None:
    """`RefusedError` unless a role of this person may do this."""
    allowed = RIGHTS.get((verb, resource), frozenset())
    if not allowed.intersection(person.roles):
        who = " or ".join(sorted(allowed)) or "nobody"
        raise RefusedError(
            f"to {verb} {resource} takes the role {who}; {person.id} has none of them"
        )
