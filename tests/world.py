"""The small world that tests of the agent are set in: clocks, people, a policy, a centre in memory.

`Centre` keeps the wire's promises (retention/wire.py) without a database or HTTP, so that a test
can lose, double and delay what is said, and turn the centre hostile.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from books import Books
from msgspec import UNSET, UnsetType
from nacl.signing import SigningKey

from agents.engine.agent import Agent
from agents.engine.memory import wholes
from agents.engine.memory.reserve import Reserve, open_catalogue
from agents.engine.talking.epoch import commission
from agents.engine.talking.uplink import FrozenError, GapError, RetiredError
from agents.stores import Store
from agents.stores.files.private import enrol
from agents.stores.tree.tree import Tree
from retention import acts, codec, envelope, merkle, policy, report
from retention.acts import AnyAct
from retention.anchor import DOUBTED, LATEST
from retention.calendar import DAY, Instant, civil_date, to_instant
from retention.classes import RecordClass
from retention.directive import Directive, Due, Time
from retention.envelope import Envelope
from retention.errors import UnreachableError
from retention.hold import StoreHold
from retention.note import Checkpoint, sign_note
from retention.people import Person, Role
from retention.policy import Policy, Source
from retention.report import AnyEntry
from retention.wire import (
    Applied,
    Enrolled,
    Enrolment,
    Fetched,
    Hello,
    Prior,
    PriorItem,
    PriorUndated,
    Welcome,
)

RIGA = ZoneInfo("Europe/Riga")
STORE = "riga-001"
GROUP = "terminals"
LEDGER = "test/ledger"
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
    box: str = ""

    def wall(self) -> Instant:
        return Instant(self.true.now + self.ahead)

    def boottime(self) -> int:
        if self.booted_at is None:
            self.booted_at = self.true.now - 1000
        return self.true.now - self.booted_at

    def boot(self) -> str:
        return f"boot-{self.box}{self.boots}"

    def synchronised(self) -> bool:
        return self.ntp

    def pause(self, seconds: int) -> None:
        """A virtual machine stands still, all of its clocks with it."""
        assert self.booted_at is not None
        self.true.pass_(seconds)
        self.booted_at += seconds
        self.ahead -= seconds

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
        ledger_origin=LEDGER,
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
    boots: list[str] = field(default_factory=list)
    thawed: int | None = None
    lines: list[bytes] = field(default_factory=list)  # of the present epoch, applied
    earlier: list[PriorItem] = field(default_factory=list)
    undated: list[PriorUndated] = field(default_factory=list)
    earliest: dict[int, Instant] = field(default_factory=dict)  # of those that are the latest
    holds: list[StoreHold] = field(default_factory=list)
    acts: list[Envelope] = field(default_factory=list)
    due: tuple[Due, ...] | None = None  # None: what an honest enforcer says
    frozen: bool = False
    anew: bool = False  # a liar has the agent begin anew at its next greeting
    away: bool = False
    retired: bool = False  # it says so to whatever it is asked, and shows `retirement`
    retirement: Envelope | None = None
    backup_days: int | UnsetType = UNSET
    lie: int = 0  # seconds added to the time told
    version: int = 0
    leaves: list[bytes] = field(default_factory=list)  # of the ledger
    twist: Callable[[Fetched], Fetched] | None = None  # what a liar makes of an answer
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
        if self.frozen:
            raise FrozenError("two boxes")
        if hello.booted in self.boots[:-1]:
            self.freeze()
        if self.boots[-1:] != [hello.booted]:
            self.boots.append(hello.booted)
        if self.anew:
            self.anew = False
            self._renew()
        elif hello.epoch == self.epoch and hello.epoch:
            if hello.number <= len(self.lines) and hello.digest != self._digest(hello.number):
                self.freeze()
            if hello.number < len(self.lines):
                self._renew()
        elif hello.epoch is None or hello.epoch == self.thawed:
            self._renew()
        elif hello.epoch > self.epoch:
            self.epoch, self.lines = hello.epoch, []
        else:
            self.freeze()
        return Welcome(
            self.epoch, len(self.lines), self._digest(), GROUP, prior=bool(self._known())
        )

    def freeze(self) -> None:
        self.frozen = True
        raise FrozenError("two boxes")

    def thaw(self) -> None:
        """What two people's act has the centre do; the agents have to hear of it."""
        self.frozen, self.thawed, self.boots = False, self.epoch, []

    def _renew(self) -> None:
        books = Books.of(self.entries())
        for number, e in enumerate(self.entries(), start=self._known() + 1):
            known = books.live.get(e.item) if isinstance(e, report.Sighted) else None
            if known is None or known.how == DOUBTED:
                continue
            if known.anchor is None:
                self.undated.append(PriorUndated(number, e.fingerprint, known.seen))
                continue
            self.earlier.append(PriorItem(number, e.fingerprint, e.source, known.anchor, e.seen))
            if known.how == LATEST:
                self.earliest[number] = Instant(known.anchor - known.before)
        self.epoch += 1
        self.lines = []

    def prior(self, after: int) -> Prior:
        self._reach()
        items = tuple(i for i in self.earlier if i.number > after)
        earliest = [(i.number, self.earliest[i.number]) for i in items if i.number in self.earliest]
        undated = tuple(i for i in self.undated if i.number > after)
        return Prior(items, tuple(earliest) or UNSET, undated or UNSET)

    def _known(self) -> int:
        return max((each.number for each in (*self.earlier, *self.undated)), default=0)

    def push(self, *, epoch: int, first: int, packed: bytes) -> Applied:
        self._reach()
        if self.frozen:
            raise FrozenError("two boxes")
        if epoch != self.epoch or first > len(self.lines) + 1:
            raise GapError("a gap")
        lines = report.unpack(packed)
        known = len(self.lines) - first + 1
        if self.lines[first - 1 :][: len(lines)] != lines[:known]:
            self.freeze()
        self.lines += lines[known:]
        return Applied(len(self.lines), self._digest())

    def fetch(self, *, epoch: int, nonce: bytes, policy: int, ledger: int) -> Fetched:
        self._reach()
        now = Instant(self.true.now + self.lie)
        time = Time(self.store, nonce, now)
        fetched = Fetched(
            time=envelope.seal("time", codec.encode(time), [self.key]),
            directive=self.seal(self.directive(now)),
            policies=tuple(self.policies[policy:]),
            checkpoint=self.checkpoint() if self.leaves else "",
            consistency=self._consistency(ledger),
        )
        return fetched if self.twist is None else self.twist(fetched)

    def seal(self, said: Directive) -> Envelope:
        return envelope.seal("directive", codec.encode(said), [self.key])

    def checkpoint(self) -> str:
        root = merkle.root(map(merkle.leaf_hash, self.leaves))
        text = Checkpoint(LEDGER, len(self.leaves), root).encode()
        return sign_note(text, LEDGER, LEDGER_KEY)

    def _consistency(self, size: int) -> tuple[bytes, ...]:
        if not 0 < size < len(self.leaves):
            return ()
        node = merkle.subtrees_of([merkle.leaf_hash(leaf) for leaf in self.leaves])
        return tuple(merkle.consistency_proof(size, len(self.leaves), node))

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
            backup_days=self.backup_days,
        )

    def entries(self) -> list[report.AnyEntry]:
        return [report.decode(line) for line in self.lines]

    def _digest(self, number: int | None = None) -> bytes:
        digest = report.GENESIS
        for line in self.lines[:number]:
            digest = report.chained(digest, line)
        return digest

    def _reach(self) -> None:
        if self.away:
            raise UnreachableError("the centre is away")
        if self.retired:
            raise RetiredError("retired", self.retirement)


def _tree(root: Path, epoch: int) -> Store:
    return Tree(os.fsencode(root), STORE, epoch=epoch)


@dataclass
class World:
    """One terminal with its centre."""

    root: Path
    state: Path
    true: TrueTime
    clock: FakeClock
    centre: Centre
    agent: Agent = field(init=False)  # since `boot`
    act_number: int = 0
    options: dict[str, object] = field(default_factory=dict)
    open_store: Callable[[Path, int], Store] = _tree
    room: dict[str, int] = field(  # what of it the agent keeps: little, to be quick
        default_factory=lambda: {"log_bytes": 1 << 16, "free_pages": 16}
    )

    @classmethod
    def make(
        cls,
        path: Path,
        now: Instant,
        document: Policy | None = None,
        open_store: Callable[[Path, int], Store] = _tree,
        **options: object,
    ) -> "World":
        """A new terminal below `path`; `options` go to every `Agent` it starts.

        `open_store` is told the root and the epoch.
        """
        root, state = path / "root", path / "state"
        for directory in (root / "front", root / "copies", state):
            directory.mkdir(parents=True)
        true = TrueTime(now)
        centre = Centre(true, [signed_policy(document or first_policy())])
        world = cls(
            root, state, true, FakeClock(true), centre, options=options, open_store=open_store
        )
        enrol(os.fsencode(root), STORE)
        world.boot()
        return world

    def boot(self) -> Agent:
        """Start the agent's process on whatever its state directory holds."""
        catalogue = open_catalogue(self.state / "catalogue.sqlite")
        if catalogue.one("SELECT 1 FROM agent") is None:
            commission(catalogue, self.centre.enrol(Enrolment("code")))
            with catalogue.transaction() as db:
                for number, document in enumerate(self.centre.policies, start=1):
                    db.execute(
                        "INSERT INTO policies VALUES (?, ?)", (number, envelope.encode(document))
                    )
        epoch = catalogue.value("SELECT epoch FROM agent")
        store = self.open_store(self.root, epoch)
        self.agent = Agent(
            store=store,
            plant=getattr(store, "plant", None),
            catalogue=catalogue,
            uplink=self.centre,
            clock=self.clock,
            pin=self.centre.pin,
            reserve=Reserve(catalogue, **self.room),
            freeze=self.state / "freeze",
            events=self.state / "events",
            settle_seconds=0,
            **self.options,  # type: ignore[arg-type]
        )
        self.agent.start()
        return self.agent

    def hold(self, name: str, moment: Instant, source: str = "front") -> None:
        """The centre holds what this source recorded within a minute of it."""
        held = StoreHold(name, Instant(moment - 60), Instant(moment + 60), (source,))
        self.centre.holds.append(held)

    def stop(self) -> None:
        """The process ends."""
        self.agent.catalogue.close()
        self.agent.store.close()

    def crash(self) -> Agent:
        """The process dies and starts again."""
        self.stop()
        return self.boot()

    def lose_state(self) -> Agent:
        """The catalogue is deleted, and the agent enrolled again."""
        self.stop()
        for path in self.state.glob("catalogue*"):
            path.unlink()
        return self.boot()

    def adopt_inodes(self) -> None:
        """After a copy of everything: have the catalogue know the files by their new inodes."""
        db = sqlite3.connect(self.state / "catalogue.sqlite")
        for table in ("items", "others"):
            query = f"SELECT number, path, name FROM {table} JOIN directories ON id = directory"
            for number, directory, name in db.execute(query).fetchall():
                path = self.root / os.fsdecode(directory) / os.fsdecode(name)
                try:
                    inode = path.stat(follow_symlinks=False).st_ino
                except FileNotFoundError:  # a row is no file
                    continue
                db.execute(f"UPDATE {table} SET inode = ? WHERE number = ?", (inode, number))
        db.commit()
        db.close()

    def write(self, name: str, data: bytes | None = None, *, mtime: Instant | None = None) -> Path:
        """A recorder writes a file below the root; by default its bytes are its name's."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff\xd8\xff" + name.encode() if data is None else data)
        moment = self.clock.wall() if mtime is None else mtime
        os.utime(path, (moment, moment))
        return path

    def record(self, moment: Instant, *, tag: str = "", directory: str = "front") -> Path:
        """A picture with the moment in its name (by Riga's clock), written out seconds later."""
        local = datetime.fromtimestamp(moment, RIGA)
        return self.write(f"{directory}/{local:%Y%m%d-%H%M%S}{tag}.jpg", mtime=Instant(moment + 9))

    def due_at(self, moment: Instant) -> Instant:
        """When a picture of this moment may go."""
        limits = self.centre.chain.limits_of("terminal-image", civil_date(moment, RIGA))
        assert limits is not None
        return limits.due_at

    def activate(self, count: int = 1000, *, record_class: str = "terminal-image") -> None:
        self.sign(
            acts.Activation(
                id=self.act_id(),
                at=self.true.now,
                reason="test",
                stores=(STORE,),
                record_class=record_class,
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
        for _ in self.agent.scan():
            pass
        self.agent.look()

    def sweep(self) -> None:
        for _ in self.agent.sweep():
            pass

    def report(self) -> None:
        self.agent.exchange.report()

    def cycle(self) -> None:
        """A scan, a sweep and a report, as the daemon would do them in a day."""
        self.scan()
        self.sweep()
        self.report()

    def rest(self) -> None:
        """Work until there is nothing left to do, and say so."""
        for _ in range(3):
            self.cycle()
        self.agent.heartbeat()
        self.report()

    def books(self) -> Books:
        """What an honest centre has in its books; the log must be one it can read."""
        return Books.of(self.centre.entries())

    def told(self) -> Books:
        """What the agent's own log says, whether or not it could be sent; the log must be readable."""
        return Books.of(self.log())

    def log(self) -> list[AnyEntry]:
        """The entries of the agent's own log."""
        rows = self.agent.catalogue.rows("SELECT packed FROM log ORDER BY first")
        return [report.decode(line) for row in rows for line in report.unpack(row[0])]

    def check(self, *, ahead: int | None = None) -> Books:
        """Every invariant that shows from outside once the agent is at rest. Gives the books."""
        catalogue = self.agent.catalogue
        books = self.books()
        assert [] == catalogue.rows("SELECT * FROM intents"), "every intent has its outcome (I5)"
        assert [] == catalogue.rows(
            "SELECT number FROM items, agent WHERE (keyed(store_key, fingerprint), number)"
            " NOT IN (SELECT mac, number FROM contents)"
            " AND holds >= 0 AND number NOT IN (SELECT item FROM calls WHERE role > 0)"
        ), "every item is found by its content"
        rows = catalogue.rows(
            "SELECT number, path, name, holds FROM items JOIN directories ON id = directory"
        )
        assert {number: len(books.live[number].holds) for number in books.live} == {
            number: holds for number, _, _, holds in rows if not wholes.is_part(number)
        }, "the centre's books are the agent's (I14)"
        there = {(path + b"/" + name if path else name) for _, path, name, _ in rows}
        assert self.pictures() == there, "what lies there is what is known"
        wrong = self.clock.ahead if ahead is None else ahead
        books.assert_nothing_early(self.centre.chain, RIGA, wrong)
        number, digest = self.agent.outbox.end()
        assert (len(self.centre.lines), self.centre._digest()) == (number, digest)
        return books

    def pictures(self) -> set[bytes]:
        """What of it the catalogue has to know, by the names that the store gives."""
        return {os.fsencode(name) for name in self.files() if is_ours(name)}

    def files(self) -> set[str]:
        """What lies on the store, the agent's own directory apart."""
        return {
            str(path.relative_to(self.root))
            for path in self.root.rglob("*")
            if path.is_file() and ".retention" not in path.parts
        }


def is_ours(name: str) -> bool:
    return name.endswith((".jpg", ".wav", ".gsm", ".json", ".txt"))
