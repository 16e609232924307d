"""The policy: one chain of documents, each signed by two owners named in the one before it.

Agents and auditors pin the digest of the first document and follow the chain from there; nobody
can show them another policy, and a change of keys is just the next document (docs/rules.md,
People and holds). A policy says which classes, sources, people and enforcer keys there are.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from retention import codec
from retention.calendar import Instant, Limits, Period, delete_through, limit_through, limits
from retention.classes import CANARY, RecordClass
from retention.envelope import PUBLIC_KEY_BYTES, Envelope
from retention.errors import MalformedError, VerificationError
from retention.people import TWO_PEOPLE, Person, Role, require_two
from retention.probes import NamePattern

#: The source of what lies where no registered source does (docs/rules.md, Calendar).
UNREGISTERED = "unregistered"


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A camera or queue as it appears on every store of a group.

    `directory` is relative to the store's root ("" is the root itself). `name_pattern` is the
    recorder's file name with the date in it (see `probes.NamePattern`). `max_delay_seconds` is
    how long after a recording's end the finished file may appear. `imports` admits copies and
    restores, whose dates lie before they were first seen.
    """

    id: str
    group: str
    directory: str
    record_class: str
    purpose: str
    name_pattern: str | None = None
    max_delay_seconds: int = 0
    imports: bool = False


class Migration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Approval, by the owners' signatures, to keep what an older version recorded by the present one."""

    record_class: str
    recorded_under: int
    reason: str


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version. It governs recordings of civil date `effective_from` and later."""

    version: int
    previous: bytes | None  # digest of the payload of the version before; None in the first
    effective_from: date
    issued_at: Instant
    classes: tuple[RecordClass, ...]
    sources: tuple[Source, ...]
    people: tuple[Person, ...]
    directive_keys: tuple[bytes, ...]
    ledger_origin: str
    ledger_keys: tuple[bytes, ...]
    migrations: tuple[Migration, ...] = ()

    def record_class(self, name: str) -> RecordClass | None:
        """The class of this name, or None if this version has none."""
        return next((c for c in self.classes if c.name == name), None)

    def sources_of(self, group: str) -> tuple[Source, ...]:
        """The sources that a store of this group has."""
        return tuple(s for s in self.sources if fnmatchcase(group, s.group))

    def check(self) -> None:
        """`MalformedError` with one sentence about the first thing that cannot be right."""
        for record_class in self.classes:
            record_class.check()
        _unique("class", [c.name for c in self.classes])
        _unique("person", [p.id for p in self.people])
        _unique("public key", [p.public_key.hex() for p in self.people])
        _unique("source", [f"{s.id} of group {s.group}" for s in self.sources])
        for source in self.sources:
            self._check_source(source)
        for key in (*self.directive_keys, *self.ledger_keys, *(p.public_key for p in self.people)):
            if len(key) != PUBLIC_KEY_BYTES:
                raise MalformedError("a public key in the policy is not 32 bytes long")
        if sum(Role.OWNER in p.roles for p in self.people) < TWO_PEOPLE:
            raise MalformedError(
                "a policy needs at least two owners, or nobody could ever change it"
            )
        if not any(c.bound == "maximum" and c.name != CANARY for c in self.classes):
            raise MalformedError("a policy needs at least one class with a maximum period")

    def _check_source(self, source: Source) -> None:
        if self.record_class(source.record_class) is None:
            raise MalformedError(f"source {source.id}: no class {source.record_class!r}")
        if source.id == UNREGISTERED:
            raise MalformedError(f"{UNREGISTERED!r} is the name of what is in no register")
        if ".." in source.directory.split("/") or source.directory.startswith("/"):
            raise MalformedError(f"source {source.id}: directory must lie below the store's root")
        if source.name_pattern is not None:
            NamePattern.parse(source.name_pattern)


class DueRange(NamedTuple):
    """Recordings of civil dates `since`..`through` (both included) are due under `policy`."""

    record_class: str
    policy: int
    since: date  # date.min: from the beginning
    through: date


@dataclass(frozen=True, slots=True)
class Chain:
    """Verified policy versions, oldest first, and the digest of the last one's payload."""

    policies: tuple[Policy, ...]
    head: bytes

    @property
    def current(self) -> Policy:
        """The newest version."""
        return self.policies[-1]

    def in_force(self, day: date) -> Policy:
        """The version that governs recordings of this civil date."""
        governing = [p for p in self.policies if p.effective_from <= day]
        return governing[-1] if governing else self.policies[0]

    def extended(self, envelope: Envelope) -> "Chain":
        """The chain with its next document; `VerificationError` if it does not follow on."""
        policy = codec.decode(envelope.payload, Policy)
        policy.check()
        if policy.version != self.current.version + 1 or policy.previous != self.head:
            raise VerificationError(
                f"policy version {policy.version} does not follow version {self.current.version}"
            )
        if policy.effective_from < self.current.effective_from:
            raise VerificationError("a policy may not take effect before the one it follows")
        require_two(envelope, "policy", self.current.people)
        return Chain((*self.policies, policy), codec.digest(envelope.payload))

    def limits_of(self, record_class: str, day: date) -> Limits | None:
        """The limits of a recording of this class and civil date; None if nothing limits it.

        The shorter of the period it was recorded under and the present one, unless a migration
        says otherwise.
        """
        lead = self._lead(record_class)
        found = [
            limits(day, Period.parse(c.period), ZoneInfo(c.zone), lead)
            for c in self._governing(record_class, self.in_force(day))
        ]
        return min(found, key=lambda each: each.must_be_gone_by, default=None)

    def due_ranges(self, record_class: str, now: Instant) -> Iterator[DueRange]:
        """What of this class is due at `now`: one range of civil dates per policy version.

        Agrees with `limits_of(...).due_at <= now` for every civil date.
        """
        swept_to = Instant(now + self._lead(record_class))
        return self.target_ranges(record_class, swept_to)

    def target_ranges(self, record_class: str, now: Instant) -> Iterator[DueRange]:
        """What of this class has `must_be_gone_by` <= `now`."""
        return self._ranges(record_class, lambda period, zone: delete_through(now, period, zone, 0))

    def limit_ranges(self, record_class: str, now: Instant) -> Iterator[DueRange]:
        """What of this class has `outer_bound` <= `now`."""
        return self._ranges(record_class, lambda period, zone: limit_through(now, period, zone))

    def _ranges(
        self, record_class: str, through: Callable[[Period, ZoneInfo], date]
    ) -> Iterator[DueRange]:
        ends = [*(p.effective_from for p in self.policies[1:]), None]
        for index, (policy, end) in enumerate(zip(self.policies, ends, strict=True)):
            reached = [
                through(Period.parse(c.period), ZoneInfo(c.zone))
                for c in self._governing(record_class, policy)
            ]
            if not reached:
                continue
            since = date.min if index == 0 else policy.effective_from
            last = date.max if end is None else date.fromordinal(end.toordinal() - 1)
            if since <= min(max(reached), last):
                yield DueRange(record_class, policy.version, since, min(max(reached), last))

    def strictest(self, group: str) -> RecordClass:
        """The class whose recordings go first among those a store of this group may hold."""
        policy = self.current
        named = {s.record_class for s in policy.sources_of(group)}
        maximum = [c for c in policy.classes if c.bound == "maximum" and c.name != CANARY]
        ours = [c for c in maximum if c.name in named] or maximum
        return min(ours, key=lambda c: Period.parse(c.period).roughly_days)

    def class_names(self) -> tuple[str, ...]:
        """Every class that any version knows and that may be swept, in a stable order."""
        names = {c.name for p in self.policies for c in p.classes if c.bound == "maximum"}
        return tuple(sorted(names))

    def _governing(self, record_class: str, recorded_under: Policy) -> Sequence[RecordClass]:
        """The class as recorded and as it is now; a `minimum` class is never swept."""
        now = self._newest(record_class)
        then = recorded_under.record_class(record_class)
        if any(
            m.record_class == record_class and m.recorded_under == recorded_under.version
            for p in self.policies
            for m in p.migrations
        ):
            then = None
        found = [c for c in (then, now) if c is not None]
        return () if any(c.bound == "minimum" for c in found) else found

    def _newest(self, record_class: str) -> RecordClass | None:
        """The class in the newest version that has it: what was dropped keeps its last period."""
        found = (p.record_class(record_class) for p in reversed(self.policies))
        return next((c for c in found if c is not None), None)

    def _lead(self, record_class: str) -> int:
        newest = self._newest(record_class)
        return 0 if newest is None else newest.lead_seconds


def first(envelope: Envelope, pin: bytes) -> Chain:
    """The chain that begins with this document; `VerificationError` if it is not the pinned one."""
    if codec.digest(envelope.payload) != pin:
        raise VerificationError("this is not the first policy that was agreed on at enrolment")
    policy = codec.decode(envelope.payload, Policy)
    policy.check()
    if policy.version != 1 or policy.previous is not None:
        raise VerificationError("the first policy must be version 1 and follow none")
    require_two(envelope, "policy", policy.people)
    return Chain((policy,), pin)


def follow(envelopes: Iterable[Envelope], pin: bytes) -> Chain:
    """The whole chain from its first document on, verified; see `first` and `Chain.extended`."""
    documents = iter(envelopes)
    head = next(documents, None)
    if head is None:
        raise VerificationError("a policy chain has at least one document")
    chain = first(head, pin)
    for envelope in documents:
        chain = chain.extended(envelope)
    return chain


def _unique(what: str, names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise MalformedError(f"the policy has two of {what} {name}")
        seen.add(name)
