"""The small world that tests of the agent are set in: clocks, people, a policy, a centre in memory.

`Centre` keeps the wire's promises (retention/wire.py) without a database or HTTP, so that a test
can lose, double and delay what is said, and turn the centre hostile.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from nacl.signing import SigningKey

from agents.engine.agent import Agent
from agents.engine.catalogue import Catalogue
from agents.engine.epoch import commission
from agents.engine.reserve import Reserve
from agents.engine.uplink import FrozenError, GapError
from agents.stores.private import enrol
from agents.stores.tree import Tree
from retention import acts, codec, envelope, policy, report
from retention.acts import AnyAct
from retention.calendar import DAY, Instant, to_instant
from retention.classes import RecordClass
from retention.directive import Directive, Due, Time
from retention.envelope import Envelope
from retention.errors import UnreachableError
from retention.hold import StoreHold
from retention.people import Person, Role
from retention.policy import Policy, Source
from retention.wire import Applied, Enrolled, Enrolment, Fetched, Hello, Prior, PriorItem, Welcome

STORE = "riga-001"
GROUP = "terminals"
COMMISSIONED = to_instant(datetime(2025, 1, 1, tzinfo=UTC))


def at(text: str) -> Instant:
    """An instant written as UTC: at("2026-03-01 12:00")."""
    return to_instant(datetime.fromisoformat(text).replace(tzinfo=UTC))


@dataclass
class TrueTime:
    """What time it really is, for everybody."""

    now: Instant

    def pass_(self, seconds: int) -> None:
        self.now = Instant(self.now + seconds)


@dataclass
class FakeClock:
    """A machine's clocks: `ahead` seconds wrong; rebooting begins a new boot."""

    true: TrueTime
    ahead: int = 0
    boots: int = 1
    booted_at: int | None = None
    ntp: bool = False

    def wall(self) -> Instant:
        return Instant(self.true.now + self.ahead)

    def boottime(self) -> int:
        if self.booted_at is None:
            self.booted_at = self.true.now - 1000
        return self.true.now - self.booted_at

    def boot(self) -> str:
        return f"boot-{self.boots}"

    def synchronised(self) -> bool:
        return self.ntp

    def reboot(self, *, off: int = 0) -> None:
        self.true.pass_(off)
        self.boots += 1
        self.booted_at = self.true.now


def _key(name: str) -> SigningKey:
    return SigningKey(name.encode().ljust(32, b"."))


#: Two owners, two approvers, an operator: each role once more than needed.
KEYS = {name: _key(name) for name in ("anna", "boris", "dace", "edgars", "mallory")}
DIRECTIVE_KEY = _key("directive")
LEDGER_KEY = _key("ledger")


def first_policy(*, period: str = "P60D", sources: Iterable[Source] | None = None) -> Policy:
    """A policy with the notice's classes and one camera in `front`."""
    kinds = [("terminal-image", period), ("contact-centre-call", "P6M"), ("canary", "P1D")]
    classes = tuple(
        RecordClass(
            name=name,
            period=length,
            anchor="start of recording",
            legal_basis="GDPR 6(1)(f)",
            purpose="security",
            notice="section 3",
            owner="anna",
        )
        for name, length in kinds
    )
    front = Source(
        id="front",
        group=GROUP,
        directory="front",
        record_class="terminal-image",
        purpose="people at the terminal",
        name_pattern="%Y%m%d-%H%M%S*",
    )
    copies = Source(
        id="copies",
        group=GROUP,
        directory="copies",
        record_class="terminal-image",
        purpose="copies of a disk",
        name_pattern="%Y%m%d-%H%M%S*",
        imports=True,
    )
    roles = {
        "anna": (Role.OWNER, Role.DPO),
        "boris": (Role.OWNER, Role.OPERATOR),
        "dace": (Role.APPROVER,),
        "edgars": (Role.HANDLER,),
    }
    return Policy(
        version=1,
        previous=None,
        effective_from=date(2020, 1, 1),
        issued_at=COMMISSIONED,
        classes=classes,
        sources=tuple(sources) if sources is not None else (front, copies),
        people=tuple(Person(n, r, bytes(KEYS[n].verify_key)) for n, r in roles.items()),
        directive_keys=(bytes(DIRECTIVE_KEY.verify_key),),
        ledger_origin="test/ledger",
        ledger_keys=(bytes(LEDGER_KEY.verify_key),),
    )


def signed_policy(document: Policy, *names: str) -> Envelope:
    keys = [KEYS[name] for name in names or ("anna", "boris")]
    return envelope.seal("policy", codec.encode(document), keys)


def signed_act(act: AnyAct, *names: str) -> Envelope:
    """An act in its envelope, signed by these people (anna and dace unless said otherwise)."""
    keys = [KEYS[name] for name in names or ("anna", "dace")]
    return envelope.seal("act", acts.encode(act), keys)


@dataclass
class Centre:
    """The enforcer, as far as one agent can tell. An `Uplink`."""

    true: TrueTime
    policies: list[Envelope]
    store: str = STORE
    epoch: int = 0
    lines: list[bytes] = field(default_factory=list)  # of the present epoch, applied
    earlier: list[PriorItem] = field(default_factory=list)
    holds: list[StoreHold] = field(default_factory=list)
    acts: list[Envelope] = field(default_factory=list)
    due: tuple[Due, ...] | None = None  # None: what an honest enforcer says
    frozen: bool = False
    away: bool = False
    lie: int = 0  # seconds added to the time told
    version: int = 0
    key: SigningKey = DIRECTIVE_KEY

    @property
    def pin(self) -> bytes:
        return codec.digest(self.policies[0].payload)

    @property
    def chain(self) -> policy.Chain:
        return policy.follow(self.policies, self.pin)

    def enrol(self, _: Enrolment) -> Enrolled:
        return Enrolled(self.store, GROUP, "secret", COMMISSIONED, tuple(self.policies))

    def hello(self, hello: Hello) -> Welcome:
        self._reach()
        if hello.epoch is None:
            self.earlier += [
                PriorItem(e.item, e.fingerprint, e.source, e.anchor, e.seen)
                for e in self.entries()
                if isinstance(e, report.Sighted) and e.anchor is not None
            ]
            self.epoch += 1
            self.lines = []
        return Welcome(self.epoch, len(self.lines), self._digest(), GROUP, prior=bool(self.earlier))

    def prior(self, after: int) -> Prior:
        self._reach()
        return Prior(tuple(i for i in self.earlier if i.number > after))

    def push(self, *, epoch: int, first: int, packed: bytes) -> Applied:
        self._reach()
        if self.frozen:
            raise FrozenError("two boxes")
        if epoch != self.epoch or first > len(self.lines) + 1:
            raise GapError("a gap")
        lines = report.unpack(packed)
        known = len(self.lines) - first + 1
        if self.lines[first - 1 :][: len(lines)] != lines[:known]:
            self.frozen = True
            raise FrozenError("another log")
        self.lines += lines[known:]
        return Applied(len(self.lines), self._digest())

    def fetch(self, *, epoch: int, nonce: bytes, policy: int, ledger: int) -> Fetched:
        self._reach()
        now = Instant(self.true.now + self.lie)
        time = Time(self.store, nonce, now)
        return Fetched(
            time=envelope.seal("time", codec.encode(time), [self.key]),
            directive=envelope.seal("directive", codec.encode(self.directive(now)), [self.key]),
            policies=tuple(self.policies[policy:]),
            checkpoint="",
            consistency=(),
        )

    def directive(self, now: Instant) -> Directive:
        self.version = max(self.version + 1, now * 1000)
        chain = self.chain
        honest = tuple(
            Due(r.record_class, r.policy, r.since, r.through)
            for c in chain.class_names()
            for r in chain.due_ranges(c, now)
        )
        return Directive(
            store=self.store,
            epoch=self.epoch,
            version=self.version,
            issued_at=now,
            expires_at=Instant(now + 3 * DAY),
            policy=chain.current.version,
            policy_digest=chain.head,
            due=honest if self.due is None else self.due,
            holds=tuple(self.holds),
            acts=tuple(self.acts),
            frozen=self.frozen,
        )

    def entries(self) -> list[report.AnyEntry]:
        return [report.decode(line) for line in self.lines]

    def _digest(self) -> bytes:
        digest = report.GENESIS
        for line in self.lines:
            digest = report.chained(digest, line)
        return digest

    def _reach(self) -> None:
        if self.away:
            raise UnreachableError("the centre is away")


@dataclass
class World:
    """One terminal with its centre."""

    root: Path
    state: Path
    true: TrueTime
    clock: FakeClock
    centre: Centre
    agent: Agent | None = None
    act_number: int = 0

    @classmethod
    def make(cls, path: Path, now: Instant, document: Policy | None = None) -> "World":
        root, state = path / "root", path / "state"
        for directory in (root / "front", root / "copies", state):
            directory.mkdir(parents=True)
        true = TrueTime(now)
        centre = Centre(true, [signed_policy(document or first_policy())])
        world = cls(root, state, true, FakeClock(true), centre)
        enrol(os.fsencode(root), STORE)
        world.boot()
        return world

    def boot(self, **options: object) -> Agent:
        """Start the agent's process on whatever its state directory holds."""
        catalogue = Catalogue(self.state / "catalogue.sqlite")
        if catalogue.one("SELECT 1 FROM agent") is None:
            commission(catalogue, self.centre.enrol(Enrolment("code")))
            with catalogue.transaction() as db:
                for number, document in enumerate(self.centre.policies, start=1):
                    db.execute(
                        "INSERT INTO policies VALUES (?, ?)", (number, envelope.encode(document))
                    )
        epoch = catalogue.value("SELECT epoch FROM agent")
        self.agent = Agent(
            store=Tree(os.fsencode(self.root), STORE, epoch=epoch),
            catalogue=catalogue,
            uplink=self.centre,
            clock=self.clock,
            pin=self.centre.pin,
            reserve=Reserve(self.state / "reserve"),
            freeze=self.state / "freeze",
            settle_seconds=0,
            **options,  # type: ignore[arg-type]
        )
        self.agent.start()
        return self.agent

    def crash(self) -> Agent:
        """The process dies and starts again."""
        assert self.agent is not None
        self.agent.catalogue.close()
        self.agent.store.close()
        return self.boot()

    def write(self, name: str, data: bytes | None = None, *, mtime: Instant | None = None) -> Path:
        """A recorder writes a file below the root; by default its bytes are its name's."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff\xd8\xff" + name.encode() if data is None else data)
        moment = self.clock.wall() if mtime is None else mtime
        os.utime(path, (moment, moment))
        return path

    def record(self, moment: Instant, *, tag: str = "", directory: str = "front") -> Path:
        """A picture with the moment (UTC, shown as Riga's winter time) in its name and mtime."""
        local = datetime.fromtimestamp(moment + 2 * 3600, UTC)
        return self.write(f"{directory}/{local:%Y%m%d-%H%M%S}{tag}.jpg", mtime=moment)

    def activate(self, count: int = 1000) -> None:
        self.sign(
            acts.Activation(
                id=self.act_id(),
                at=self.true.now,
                reason="test",
                stores=(STORE,),
                record_class="terminal-image",
                through_ordinal=date(2100, 1, 1).toordinal(),
                count=count,
            )
        )

    def act_id(self) -> str:
        self.act_number += 1
        return f"act-{self.act_number}"

    def sign(self, act: AnyAct, *names: str) -> None:
        self.centre.acts.append(signed_act(act, *names))

    def scan(self) -> None:
        assert self.agent is not None
        for _ in self.agent.scan():
            pass
        self.agent.look()

    def sweep(self) -> None:
        assert self.agent is not None
        for _ in self.agent.sweep():
            pass

    def report(self) -> None:
        assert self.agent is not None
        self.agent.exchange.report()

    def cycle(self) -> None:
        """A scan, a sweep and a report, as the daemon would do them in a day."""
        self.scan()
        self.sweep()
        self.report()

    def files(self) -> set[str]:
        """What lies on the store, the agent's own directory apart."""
        return {
            str(path.relative_to(self.root))
            for path in self.root.rglob("*")
            if path.is_file() and ".retention" not in path.parts
        }
