"""The policy itself: can it still be changed, does it fit the stores, did anybody look lately."""

from collections.abc import Iterator, Sequence

from retention.calendar import DAY, Instant
from retention.checkup import Fact, amiss, fine, unknown
from retention.classes import CANARY
from retention.people import MAY_SIGN, TWO_PEOPLE, Person, Role
from retention.policy import Policy

REVIEW_DAYS = 365
"""GDPR article 24(1): measures are reviewed where necessary; a year is what inspectors ask for."""
_HOLDERS = frozenset({Role.HANDLER, Role.APPROVER, Role.DPO})


def examine(policy: Policy, groups: Sequence[str], now: Instant) -> Iterator[Fact]:
    """`groups` are those of the stores that there are."""
    yield _reviewed(policy, now)
    yield from _two_people(policy.people)
    yield _holders(policy.people)
    yield from _sources(policy, groups)
    yield from _leads(policy)


def _reviewed(policy: Policy, now: Instant) -> Fact:
    days = (now - policy.issued_at) // DAY
    if days < REVIEW_DAYS:
        return fine("review of the policy", f"It was drawn up {days} days ago.")
    return unknown(
        "review of the policy",
        f"It was drawn up {days} days ago.",
        why="Nobody has said since that cameras, periods and people are still those.",
        remedy="Look at `enforcer policy show`, and have two owners sign it again as it should be.",
    )


def _two_people(people: Sequence[Person]) -> Iterator[Fact]:
    """Two people for everything that takes two; a third, so that nobody's holiday stops it."""
    by_signers: dict[tuple[str, ...], list[str]] = {}
    for kind, roles in sorted(MAY_SIGN.items()):
        able = tuple(person.id for person in people if roles.intersection(person.roles))
        by_signers.setdefault(able, []).append(kind)
    for able, kinds in by_signers.items():
        yield _signers(able, ", ".join(kinds))


def _signers(able: Sequence[str], kinds: str) -> Fact:
    subject, said = "two people", f"Of {kinds}: {', '.join(able) or 'nobody'} may sign"
    if len(able) < TWO_PEOPLE:
        return amiss(
            subject,
            f"{said}.",
            why="It takes two different people, so it cannot be done at all.",
            remedy="Give more people such a role in the next version of the policy (`person add`).",
        )
    if len(able) == TWO_PEOPLE:
        return fine(subject, f"{said}; while one of them is away, nobody can.")
    return fine(subject, f"{said}.")


def _holders(people: Sequence[Person]) -> Fact:
    able = [person.id for person in people if _HOLDERS.intersection(person.roles)]
    if able:
        return fine("somebody who may place a hold", f"{', '.join(able)} may.")
    return amiss(
        "somebody who may place a hold",
        "Nobody may.",
        why="On the night of an incident nothing can be kept.",
        remedy=f"Give somebody the role {' or '.join(sorted(_HOLDERS))}.",
    )


def _sources(policy: Policy, groups: Sequence[str]) -> Iterator[Fact]:
    bare = [
        group
        for group in groups
        if all(source.record_class == CANARY for source in policy.sources_of(group))
    ]
    if bare:
        yield amiss(
            "sources",
            f"The policy names no source for stores of the group {' or '.join(bare)}.",
            why="All that lies there counts as unregistered, and goes by the strictest period.",
            remedy="Name its cameras or queues: `enforcer source add`.",
        )


def _leads(policy: Policy) -> Iterator[Fact]:
    late = [
        each.name for each in policy.classes if each.bound == "maximum" and not each.lead_seconds
    ]
    if late:
        yield amiss(
            "lead",
            f"Sweeping of {' and '.join(late)} begins only when it has to be done.",
            why="Every sweep is late, and there is no time to look where one fails.",
            remedy="Give it a lead_seconds of some hours in the next version of the policy.",
        )
