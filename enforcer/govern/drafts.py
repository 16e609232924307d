"""Policies as people write them: TOML of classes, sources and migrations.

People and keys are not in the file: a next version takes them from the one it follows, so that
whoever edits periods cannot slip in a signer.
"""

import tomllib
from collections.abc import Callable, Iterable
from datetime import UTC, date
from importlib import resources
from typing import Any

import msgspec

from retention.calendar import Instant, civil_date
from retention.classes import RecordClass
from retention.envelope import PUBLIC_KEY_BYTES
from retention.errors import MalformedError
from retention.people import Person, Role
from retention.policy import Chain, Migration, Policy, Source
from retention.reasons import SaltedReason


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file, decoded. `effective_from` None: from the day it is drawn up on."""

    classes: tuple[RecordClass, ...] = msgspec.field(name="class")
    sources: tuple[Source, ...] = msgspec.field(name="source", default=())
    migrations: tuple[Migration, ...] = msgspec.field(name="migration", default=())
    effective_from: date | None = None


def built_in() -> str:
    """The text of the draft that the first policy is made of."""
    return resources.files(__package__).joinpath("first-policy.toml").read_text(encoding="utf-8")


def read(text: str, owner: str) -> Draft:
    """The draft in this TOML, `owner` answering for classes that name nobody; or `MalformedError`."""
    try:
        found = tomllib.loads(text)
        for each in _tables(found, "class"):
            each.setdefault("owner", owner)
        return msgspec.convert(found, Draft)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise MalformedError(f"not a policy in TOML: {error}") from error


def committed(
    draft: Draft, chain: Chain, salted: Callable[[str], SaltedReason]
) -> tuple[Draft, tuple[SaltedReason, ...]]:
    """The draft with commitments in place of the reasons of its new migrations, and these."""
    known = {migration for policy in chain.policies for migration in policy.migrations}
    told = {m: salted(m.reason) for m in draft.migrations if m not in known}
    sealed = tuple(
        msgspec.structs.replace(m, reason=told[m].commitment) if m in told else m
        for m in draft.migrations
    )
    return msgspec.structs.replace(draft, migrations=sealed), tuple(told.values())


def check(draft: Draft) -> None:
    """`MalformedError` with one sentence about what no policy could say, a first one or a later one."""
    keys = [bytes([each]) * PUBLIC_KEY_BYTES for each in range(4)]
    owners = (Person("owner", (Role.OWNER,), keys[0]), Person("other", (Role.OWNER,), keys[1]))
    first = first_policy(
        msgspec.structs.replace(draft, migrations=()),
        people=owners,
        directive_key=keys[2],
        ledger_origin="check",
        ledger_key=keys[3],
        now=Instant(0),
        today=date(1970, 1, 1),
    )
    newest = max((migration.recorded_under for migration in draft.migrations), default=1)
    msgspec.structs.replace(
        first, version=newest + 1, previous=bytes(32), migrations=draft.migrations
    ).check()


def write(policy: Policy) -> str:
    """A policy's classes, sources and migrations as TOML that `read` takes."""
    tables: list[tuple[str, msgspec.Struct]] = [("class", each) for each in policy.classes]
    tables += [("source", each) for each in policy.sources]
    tables += [("migration", each) for each in policy.migrations]
    return "\n".join(_table(name, each) for name, each in tables)


def first_policy(
    draft: Draft,
    *,
    people: tuple[Person, ...],
    directive_key: bytes,
    ledger_origin: str,
    ledger_key: bytes,
    now: Instant,
    today: date,
) -> Policy:
    """Version 1 out of a draft; `MalformedError` if it cannot be right."""
    policy = Policy(
        version=1,
        previous=None,
        effective_from=draft.effective_from or today,
        issued_at=now,
        classes=draft.classes,
        sources=draft.sources,
        people=people,
        directive_keys=(directive_key,),
        ledger_origin=ledger_origin,
        ledger_keys=(ledger_key,),
        migrations=draft.migrations,
    )
    policy.check()
    return policy


def next_policy(chain: Chain, draft: Draft, *, now: Instant, today: date) -> Policy:
    """The version after the present one, with a draft's rules and the present people and keys."""
    return successor(
        chain,
        now=now,
        today=draft.effective_from or today,
        classes=draft.classes,
        sources=draft.sources,
        migrations=draft.migrations,
    )


def successor(chain: Chain, *, now: Instant, today: date, **changes: Any) -> Policy:
    """The present version with changes, as the next one; `MalformedError` if it cannot be right.

    Issued no earlier than the present one, also where the clock has been set back since.
    """
    issued_at = max(now, chain.current.issued_at)
    policy = msgspec.structs.replace(
        chain.current,
        version=chain.current.version + 1,
        previous=chain.head,
        effective_from=max(today, civil_date(issued_at, UTC), chain.current.effective_from),
        issued_at=issued_at,
        **changes,
    )
    policy.check()
    return policy


def first_owner(people: Iterable[Person]) -> str:
    """Id of the person who answers for what names nobody, or "" if there is no owner."""
    return next((person.id for person in people if Role.OWNER in person.roles), "")


def _tables(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = found.get(name, [])
    listed = value if isinstance(value, list) else []
    return [each for each in listed if isinstance(each, dict)]


def _table(name: str, struct: msgspec.Struct) -> str:
    """One TOML table; JSON's strings, numbers and booleans are TOML's too."""
    lines = [
        f"{field} = {msgspec.json.encode(value).decode()}"
        for field, value in msgspec.structs.asdict(struct).items()
        if value is not None
    ]
    return "\n".join([f"[[{name}]]", *lines, ""])
