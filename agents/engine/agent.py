"""One store's agent: the rooms of the engine, put together once.

Built by a composition root (`agents.service.building`, a test) from a store, a catalogue, a wire
and a clock. The methods are what a daemon, a command or a test has an agent do; each may be
repeated, and after a crash at any point `start` puts things right. All but `talk` and
`heartbeat` use the store, and are for one thread.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from msgspec import UNSET

from agents.engine.canary import Canaries, Plant
from agents.engine.clock import Clock, TrustedTime
from agents.engine.erasing.planning import Planner
from agents.engine.erasing.receipts import Receipts
from agents.engine.erasing.recover import recover
from agents.engine.erasing.sweep import Sweeper, Swept
from agents.engine.finding.dating import Dater, Parts, Tells
from agents.engine.finding.evidence import Evidence
from agents.engine.finding.indexing import Indexer
from agents.engine.finding.recorders import skewed
from agents.engine.finding.redating import Redater
from agents.engine.finding.restoring import Restorations
from agents.engine.finding.scan import SETTLE_SECONDS, Scanner
from agents.engine.holding.digests import Digests
from agents.engine.holding.holds import Holds
from agents.engine.holding.protecting import Protector
from agents.engine.memory import counting
from agents.engine.memory.catalogue import Catalogue, CatalogueFullError, Words
from agents.engine.memory.numbering import Keying
from agents.engine.memory.outbox import Outbox
from agents.engine.memory.reserve import Reserve
from agents.engine.obeying.acting import Acting
from agents.engine.obeying.chain import PolicyChain
from agents.engine.obeying.directives import Obedience
from agents.engine.obeying.markers import Markers
from agents.engine.talking.exchange import Exchange
from agents.engine.talking.uplink import Uplink
from agents.engine.turns import Turns
from agents.stores import Store
from retention import permit
from retention.calendar import Instant
from retention.decide import Rules
from retention.errors import RetentionError, StoreUnreachableError
from retention.policy import DueRange
from retention.report import Heartbeat
from retention.tombstones import wanted_seconds

_ROOT_MISSING, _DISK_FULL = "root-missing", "disk-full"
#: As much of a reason as a heartbeat tells (`retention.report`).
_LONGEST_REASON = 400


class Agent:
    """Everything one store's agent can do.

    `freeze` is the technician's marker file: while it is younger than 72 h nothing is erased.
    `events` is where the locker's software drops its event files. `spread` seconds shift this
    store's sweeps, so that a fleet does not sweep all at once. `plant` writes a canary into the
    store, where that is possible. `parts` and `tells` tell what belongs together, where there is
    anything that does (`wholes`); `keying` is what may be known of a telephone number (`numbering`).
    """

    def __init__(
        self,
        *,
        store: Store,
        catalogue: Catalogue,
        uplink: Uplink,
        clock: Clock,
        pin: bytes,
        reserve: Reserve,
        freeze: Path | None = None,
        events: Path | None = None,
        offline: permit.Offline = "delete",
        settle_seconds: int = SETTLE_SECONDS,
        spread: int = 0,
        plant: Plant | None = None,
        parts: Parts = lambda _directory, _title: None,
        tells: Tells = lambda _directory, _title, _source: (),
        keying: Keying = lambda _number: (),
    ) -> None:
        row = catalogue.one("SELECT store_group, commissioned_at, epoch FROM agent")
        assert row is not None, "the agent was enrolled before"
        self.catalogue = catalogue
        self.store = store
        self.clock = clock
        self._freeze = freeze
        self._offline = offline
        self._spread = spread
        self._epoch: int = row[2]  # the one that the store is in
        self._trouble: set[str] = set()
        self.reserve = reserve
        self._turns = turns = Turns()
        words = Words(catalogue)
        self.outbox = Outbox(catalogue)
        self.time = TrustedTime(catalogue, clock)
        self.chain = PolicyChain(catalogue, pin)
        dater = Dater(
            store,
            group=row[0],
            commissioned_at=Instant(row[1]),
            chain=self.chain,
            parts=parts,
            tells=tells,
            keying=keying,
            clocks=self.time.clocks_of,
        )
        self.restorations = Restorations(catalogue)
        holds = Holds(catalogue, words, self.outbox, dater.zone_of)
        indexer = Indexer(
            catalogue=catalogue,
            words=words,
            outbox=self.outbox,
            holds=holds,
            store=store,
            zone_of=dater.zone_of,
        )
        self._protector = Protector(catalogue, store)
        self._digests = Digests(catalogue, store)
        self._receipts = Receipts(
            catalogue, self.outbox, reserve, holds=holds, touch=self._protector.touch
        )
        self.scanner = Scanner(
            store=store,
            catalogue=catalogue,
            outbox=self.outbox,
            dater=dater,
            indexer=indexer,
            clock=clock,
            time=self.time,
            restorations=self.restorations,
            settle_seconds=settle_seconds,
        )
        self._redater = Redater(
            catalogue=catalogue,
            store=store,
            dater=dater,
            indexer=indexer,
            holds=holds,
            outbox=self.outbox,
            clock=clock,
            time=self.time,
            restorations=self.restorations,
        )
        self.obedience = Obedience(
            catalogue=catalogue,
            outbox=self.outbox,
            holds=holds,
            acting=Acting(holds, indexer, self.outbox, self.chain),
            protector=self._protector,
            clock=clock,
            time=self.time,
            chain=self.chain,
            turns=turns,
        )
        self.markers = Markers(
            catalogue=catalogue,
            store=store,
            holds=holds,
            obedience=self.obedience,
            events=events,
        )
        self.sweeper = Sweeper(
            store=store,
            catalogue=catalogue,
            words=words,
            receipts=self._receipts,
            planner=Planner(catalogue, words, self.markers),
            clock=clock,
            reserve=reserve,
            turns=turns,
            remembers=self._remembers,
        )
        self.exchange = Exchange(
            uplink=uplink,
            catalogue=catalogue,
            outbox=self.outbox,
            obedience=self.obedience,
            evidence=Evidence(
                catalogue=catalogue,
                indexer=indexer,
                holds=holds,
                outbox=self.outbox,
                clock=clock,
                time=self.time,
                zone_of=dater.zone_of,
                touch=self._protector.touch,
            ),
            chain=self.chain,
            time=self.time,
            clock=clock,
            turns=turns,
        )
        self._canaries = plant and Canaries(
            plant,
            group=row[0],
            catalogue=catalogue,
            clock=clock,
            time=self.time,
            chain=self.chain,
        )
        self.waiting = ""  # why the last sweep did nothing: refused or braked
        self.stays: Counter[str] = Counter()  # why something due stayed, with how many items

    def start(self) -> None:
        """Settle what a crash left open, before anything else.

        Raises `StoreUnreachableError`, and `RefusedError` if another process is at work.
        """
        self.catalogue.claim()
        with self._noticing(_ROOT_MISSING):
            self.store.claim(self.catalogue.inode)
            self._recover()
            self.reserve.keep()
            self._protector.go_through_all()
            self._catch_up()

    def begin(self) -> None:
        """Greet, `start`, and hear what there is to know before anything new is looked at.

        An old copy of the state shows before anything is written by it, and what people say of the
        store, that its files came from a backup perhaps, before they are dated. If nobody answers,
        whoever talks next will say so. Raises as `start` does.
        """
        with suppress(RetentionError):
            self.exchange.greet()
        self.start()
        with suppress(RetentionError):
            self.reserve.spent_on(self.exchange.consult)

    def scan(self) -> Iterator[None]:
        """One scan of everything, step by step; what came to be held is protected as it is met."""
        with self._noticing(_ROOT_MISSING, _DISK_FULL):
            self._keep_room()
            self._recover()
            for _ in self.scanner.run():
                self._catch_up()
                yield
                self._keep_room()
            self._catch_up()
            if self.scanner.complete:
                self.store.reclaim()

    def look(self) -> None:
        """Date what has settled since the last look, and what the sweep found changed."""
        with self._noticing():
            self._keep_room()
            changed, self.sweeper.changed = self.sweeper.changed, []
            for directory, name in changed:
                self.scanner.hint(directory, name, closed=False)
            self.scanner.settle()
            self._catch_up()

    def tick(self) -> list[str]:
        """Once a minute: keep the time, see to the canary, and read event files; why some are refused."""
        with suppress(CatalogueFullError):  # running time is kept by the machine until it stops
            self.time.tick()
        self._digests.turn()
        if self._canaries:
            self._canaries.tick()
        refused = self.reserve.spent_on(lambda: list(self.markers.read()))
        self._catch_up()
        return refused

    def talk(self) -> None:
        """Report, consult, and report what that brought. A full disk keeps no hold waiting."""
        for step in (self.exchange.report, self.exchange.consult, self.exchange.report):
            self.reserve.spent_on(step)

    def sweep(self) -> Iterator[Swept]:
        """Fetch a directive for this sweep, or go by the offline rule, and erase what may go.

        Yields after each batch; nothing at all if a sweep is refused, and `waiting` says why.
        """
        with self._noticing(_ROOT_MISSING):
            self.store.check()
            self._recover()
            fresh = self._consult()
            self.reserve.spent_on(self._redate)
            rules = self._rules(fresh=fresh)
            if rules is None:
                return
            for swept in self.sweeper.run(rules, partial(self._rules, fresh=fresh)):
                self.waiting, self.stays = swept.braking.reason, swept.stays
                self.reserve.spent_on(self._catch_up)
                yield swept
            if fresh and not self.waiting:
                self.restorations.swept(self._due(self.standing(fresh=fresh)))
            self.reserve.keep()
            if self._canaries:  # the first one as soon as the store may erase
                self._canaries.tick()

    def would_wait(self) -> str:
        """Why a sweep by what is known now would erase nothing; "" where what is due would go."""
        refusal = permit.refusal(self.standing(fresh=False))
        if refusal is not None:
            return refusal.reason
        rules = permit.rules(self.standing(fresh=True), self.chain())
        return self.sweeper.braking(rules).reason

    def standing(self, *, fresh: bool) -> permit.Standing:
        """How this agent stands just now, for `permit` to judge."""
        self.reserve.spent_on(self.time.tick)
        activated = self.catalogue.rows("SELECT record_class FROM activations")
        return permit.Standing(
            bound=self.time.lower_bound(),
            wall=self.clock.wall(),
            trusted=self.time.trusted,
            frozen=self.catalogue.value("SELECT frozen FROM agent"),
            freeze=self._frozen_at(),
            activated=frozenset(name for (name,) in activated),
            directive=self.obedience.in_force(),
            fresh=fresh,
            offline=self._offline,
            retired=bool(self.exchange.retired),
        )

    def notes(self) -> Iterator[str]:
        """What is amiss, in words out of a closed list."""
        yield from sorted(self._trouble)
        if self.exchange.ledger_refused:
            yield "ledger-refused"
        if self.exchange.policy_refused:
            yield "policy-refused"
        if self.exchange.directive_refused:
            yield "directive-refused"
        if self.exchange.retired:
            yield "retired"
        if self.obedience.refused:
            yield "act-refused"
        if self._protector.unsafe:
            yield "held-unprotected"
        if self._canaries and self._canaries.failed:
            yield "canary-not-planted"
        if self.restorations.quarantined:
            yield "from-backup"
        if skewed(self.catalogue, self.clock.wall()):
            yield "recorder-clock"

    def heartbeat(self) -> None:
        """Report how the agent is, with its own count of everything (I14)."""
        with suppress(RetentionError):
            self.exchange.greet_once()  # an old copy of the state shows before it is written to
        now = self.clock.wall()
        with self.catalogue.transaction() as db:  # what is counted is what the log tells by then
            beat = Heartbeat(
                at=now,
                booted=self.clock.boot(),
                clock_trusted=self.time.trusted,
                clock_offset=self.time.offset,
                brake=self.waiting[:_LONGEST_REASON],
                frozen=bool(self.catalogue.value("SELECT frozen FROM agent")),
                counts=tuple(self.counts()),
                notes=tuple(self.notes()),
            )
            self.outbox.append(db, now, [beat])

    def counts(self) -> Iterator[tuple[str, str, int]]:
        """Items by (class, state); a held item counts as held, whatever else it is."""
        return counting.counts(self.catalogue)

    def _remembers(self) -> int:
        """For how many seconds erased content is to be known again, by the newest directive."""
        said = self.obedience.in_force()
        days = said.backup_days if said is not None and said.backup_days is not UNSET else 0
        return wanted_seconds(self.chain(), days)

    def _due(self, standing: permit.Standing) -> Iterator[DueRange]:
        """All that is due by now of what is erased here, spread or not."""
        assert standing.bound is not None, "else it was refused"
        for name in standing.activated:
            yield from self.chain().due_ranges(name, standing.bound)

    def _rules(self, *, fresh: bool) -> Rules | None:
        """What may go just now; None if nothing may, and `waiting` says why."""
        standing = self.standing(fresh=fresh)
        refusal = permit.refusal(standing)
        if refusal is not None:
            self.waiting = refusal.reason
            return None
        return permit.rules(standing, self.chain(), spread=self._spread)

    def _consult(self) -> bool:
        """Whether a directive could be fetched for this sweep.

        A refused credential, a forged or an old directive: as good as no enforcer.
        """
        try:
            self.reserve.spent_on(self.exchange.consult)
        except RetentionError:
            return False
        return True

    def _keep_room(self) -> None:
        """Nothing new is indexed where the room is missing that deleting may need."""
        if not self.reserve.keep():
            raise CatalogueFullError("the room that deleting may need cannot be filled up")

    def _recover(self) -> None:
        """Give every intent that is still open its outcome, in the epoch in which it was one."""
        with self._turns.erasing():
            recover(self.catalogue, self.store, self._receipts, self.clock)

    def _catch_up(self) -> None:
        """Have the store do what was found or decided meanwhile, by this thread or another."""
        epoch = self.catalogue.value("SELECT epoch FROM agent")
        if epoch != self._epoch:
            self.store.begin(epoch)
            self._receipts.begin()
            self._epoch = epoch
            self._protector.go_through_all()  # under the numbers of this epoch
        marked = self.scanner.marked | self.sweeper.marked
        self.scanner.marked, self.sweeper.marked = {}, {}
        self.markers.take(marked)
        held, self.scanner.newly_held = self.scanner.newly_held, []
        self._protector.touch(held)
        self._protector.settle()

    def _redate(self) -> None:
        for held in self._redater.run():
            self._protector.touch(held)
        self._catch_up()

    @contextmanager
    def _noticing(self, *overcome: str) -> Iterator[None]:
        """Remember for the heartbeat what kept the agent from its work, until work overcomes it."""
        try:
            yield
        except StoreUnreachableError:
            self._trouble.add(_ROOT_MISSING)
            raise
        except CatalogueFullError:
            self._trouble.add(_DISK_FULL)
            raise
        self._trouble.difference_update(overcome)

    def _frozen_at(self) -> Instant | None:
        if self._freeze is None:
            return None
        try:
            return Instant(int(self._freeze.stat().st_mtime_ns // 10**9))
        except FileNotFoundError:
            return None
