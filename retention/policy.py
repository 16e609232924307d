"""The policy: one chain of documents, each signed by two owners named in the one before it.

Agents and auditors pin the digest of the first document and follow the chain from there; nobody
can show them another policy, and a change of keys is just the next document (docs/rules.md,
People and holds). A policy says which classes, sources, people and enforcer keys there are.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from retention import codec
from retention.bounds import At, Number, Sentence, Word, is_name
from retention.calendar import DAY, Instant, Limits, Period, civil_date
from retention.classes import CANARY, RecordClass
from retention.envelope import PUBLIC_KEY_BYTES, Envelope, key_id
from retention.errors import MalformedError, VerificationError
from retention.people import TWO_PEOPLE, Person, Role, require_two
from retention.probes import NamePattern
from retention.reign import Reign

#: The source of what lies where no registered source does (docs/rules.md, Calendar).
UNREGISTERED = "unregistered"

#: A finished file may appear this late; more would let a date of long ago count as just recorded.
MAX_DELAY_SECONDS = 30 * DAY

#: No version is announced for later; a date beyond it is a slip of the pen.
_LAST_DAY = date(2200, 1, 1)

_ONE_DAY = timedelta(days=1)


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A camera or queue as it appears on every store of a group.

    `directory` is relative to the store's root ("" is the root itself). `name_pattern` is the
    recorder's file name with the date in it (see `probes.NamePattern`). `max_delay_seconds` is
    how long after a recording's end the finished file may appear. `imports` admits copies and
    restores, whose dates lie before they were first seen.
    """

    id: Word
    group: str
    directory: str
    record_class: str
    purpose: str
    name_pattern: str | None = None
    max_delay_seconds: Annotated[int, Meta(ge=0, le=MAX_DELAY_SECONDS)] = 0
    imports: bool = False

    def check(self) -> None:
        """`MalformedError` with one sentence about what no store could have."""
        if not is_name(self.id) or self.id == UNREGISTERED:
            raise MalformedError(f"{self.id!r} cannot name a source")
        parts = self.directory.split("/") if self.directory else []
        if any(part in {"", ".", ".."} or "\0" in part for part in parts):
            raise MalformedError(
                f"source {self.id}: write its directory below the store's root as `front/door`"
            )
        if not 0 <= self.max_delay_seconds <= MAX_DELAY_SECONDS:
            raise MalformedError(f"source {self.id}: max_delay_seconds is 0 to 30 days")
        if not self.purpose.strip():
            raise MalformedError(f"source {self.id}: say its purpose")
        if self.name_pattern is not None:
            NamePattern.parse(self.name_pattern)


class Migration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Approval, by the owners' signatures, to keep what an older version recorded by this one's period."""

    record_class: Word
    recorded_under: Number
    reason: Sentence


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version. It governs recordings of civil date `effective_from` and later."""

    version: Number
    previous: bytes | None  # digest of the payload of the version before; None in the first
    effective_from: date
    issued_at: At
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

    def migrates(self, name: str, recorded_under: int) -> bool:
        """Whether this version takes over what that one recorded of this class."""
        return any(
            (m.record_class, m.recorded_under) == (name, recorded_under) for m in self.migrations
        )

    def check(self) -> None:
        """`MalformedError` with one sentence about the first thing that cannot be right."""
        self._check_classes()
        self._check_sources()
        self._check_people()
        self._check_keys()
        self._check_days()

    def _check_classes(self) -> None:
        for record_class in self.classes:
            record_class.check()
        _unique("class", [c.name for c in self.classes])
        if not any(c.bound == "maximum" and c.name != CANARY for c in self.classes):
            raise MalformedError("a policy needs at least one class with a maximum period")
        for migration in self.migrations:
            if self.record_class(migration.record_class) is None:
                raise MalformedError(f"a migration names no class: {migration.record_class!r}")
            if migration.recorded_under >= self.version:
                raise MalformedError("a migration takes over what an earlier version recorded")

    def _check_sources(self) -> None:
        _unique("source", [f"{s.id} of group {s.group}" for s in self.sources])
        _unique("directory", [f"{s.directory!r} of group {s.group}" for s in self.sources])
        for source in self.sources:
            source.check()
            if self.record_class(source.record_class) is None:
                raise MalformedError(f"source {source.id}: no class {source.record_class!r}")

    def _check_people(self) -> None:
        _unique("person", [p.id for p in self.people])
        for person in self.people:
            if not is_name(person.id):
                raise MalformedError(f"{person.id!r} cannot name a person")
        if sum(Role.OWNER in p.roles for p in self.people) < TWO_PEOPLE:
            raise MalformedError(
                "a policy needs at least two owners, or nobody could ever change it"
            )

    def _check_keys(self) -> None:
        """A key that stands for two signers would make one of them two people."""
        people = [p.public_key for p in self.people]
        if not (self.directive_keys and self.ledger_keys):
            raise MalformedError("a policy names a directive key and a ledger key, or nobody obeys")
        for key in (*self.directive_keys, *self.ledger_keys, *people):
            if len(key) != PUBLIC_KEY_BYTES:
                raise MalformedError("a public key in the policy is not 32 bytes long")
        for enforcers in (self.directive_keys, self.ledger_keys):
            _unique("public key", [key_id(key) for key in (*people, *enforcers)])

    def _check_days(self) -> None:
        """No version but the first reaches back: what was recorded by then had another period."""
        issued_on = civil_date(self.issued_at, UTC)
        if self.version > 1 and self.effective_from < issued_on - _ONE_DAY:
            raise MalformedError(
                f"it would take effect on {self.effective_from} and was drawn up on {issued_on}: "
                f"what was recorded before keeps its period, unless a migration says otherwise"
            )
        if self.effective_from > _LAST_DAY:
            raise MalformedError(f"it would take effect on {self.effective_from}: too late")


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
        if policy.issued_at < self.current.issued_at:
            raise VerificationError("a policy may not be drawn up before the one it follows")
        require_two(envelope, "policy", self.current.people)
        return Chain((*self.policies, policy), codec.digest(envelope.payload))

    def limits_of(self, record_class: str, day: date) -> Limits | None:
        """The limits of a recording of this class and civil date; None if nothing limits it.

        The shorter of the period it was recorded under and the present one, unless a migration
        says otherwise. Each limit by itself: where zones differ, no period has to be the first
        in everything.
        """
        reigns = self._reigns(record_class, self.in_force(day).version)
        found = [reached for each in reigns if (reached := each.reached(day)) is not None]
        if not found:
            return None
        target = min(each.must_be_gone_by for each in found)
        return Limits(
            civil_date=day,
            last_day=min(each.last_day for each in found),
            due_at=Instant(target - self._lead(record_class)),
            must_be_gone_by=target,
            outer_bound=min(each.outer_bound for each in found),
        )

    def due_ranges(self, record_class: str, now: Instant) -> Iterator[DueRange]:
        """What of this class is due at `now`: one range of civil dates per policy version.

        Agrees with `limits_of(...).due_at <= now` for every civil date.
        """
        swept_to = Instant(now + self._lead(record_class))
        return self.target_ranges(record_class, swept_to)

    def target_ranges(self, record_class: str, now: Instant) -> Iterator[DueRange]:
        """What of this class has `must_be_gone_by` <= `now`."""
        return self._ranges(record_class, lambda reign: reign.target_through(now))

    def limit_ranges(self, record_class: str, now: Instant) -> Iterator[DueRange]:
        """What of this class has `outer_bound` <= `now`."""
        return self._ranges(record_class, lambda reign: reign.limit_through(now))

    def _ranges(
        self, record_class: str, through: Callable[[Reign], date | None]
    ) -> Iterator[DueRange]:
        for policy, until in self._terms():
            reigns = self._reigns(record_class, policy.version)
            reached = [day for each in reigns if (day := through(each)) is not None]
            since = date.min if policy.version == 1 else policy.effective_from
            last = date.max if until is None else date.fromordinal(until.toordinal() - 1)
            if reached and since <= min(max(reached), last):
                yield DueRange(record_class, policy.version, since, min(max(reached), last))

    def _terms(self) -> Iterator[tuple[Policy, date | None]]:
        """Each version, and the day from which the next one is in effect."""
        days = [policy.effective_from for policy in self.policies[1:]]
        return zip(self.policies, [*days, None], strict=True)

    def _reigns(self, record_class: str, recorded: int) -> Iterator[Reign]:
        """The periods that a recording made under this version comes under, one after the other."""
        for policy, until in self._terms():
            since = None if policy.version == recorded else policy.effective_from
            if policy.version >= recorded:
                for each in self._governing(record_class, recorded, policy.version):
                    yield Reign.of(each, since, until)

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

    def _governing(self, record_class: str, recorded: int, newest: int) -> Sequence[RecordClass]:
        """The class as recorded under one version and as it is in the newest in effect.

        What was recorded to be kept for a minimum is never swept; a class that becomes one does
        not lengthen what was recorded before.
        """
        approved = (p.version for p in self.policies[:newest] if p.migrates(record_class, recorded))
        then = self._class_in(record_class, max(approved, default=recorded))
        now = self._class_in(record_class, newest)
        if then is None or then.bound == "minimum":
            return ()
        return (then,) if now is None or now.bound == "minimum" else (then, now)

    def _class_in(self, record_class: str, version: int) -> RecordClass | None:
        """The class in a version: what was dropped keeps its last period, what is new has its first."""
        before, after = reversed(self.policies[:version]), self.policies[version:]
        found = (p.record_class(record_class) for p in (*before, *after))
        return next((c for c in found if c is not None), None)

    def _lead(self, record_class: str) -> int:
        newest = self._class_in(record_class, self.current.version)
        return 0 if newest is None else newest.lead_seconds


def first(envelope: Envelope, pin: bytes) -> Chain:
    """The chain that begins with this document; `VerificationError` if it is not the pinned one."""
    if codec.digest(envelope.payload) != pin:
        raise VerificationError("the first policy is not the one that the pin names")
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
