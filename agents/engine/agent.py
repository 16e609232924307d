"""One store's agent: the rooms of the engine, put together once.

Built by a composition root (`agents.terminal.compose`, a test) from a store, a catalogue, a wire
and a clock. The methods are what a daemon, a command or a test has an agent do; each may be
repeated, and after a crash at any point `start` puts things right.
"""

import threading
from collections.abc import Iterator
from pathlib import Path

from agents.engine.acting import Acting
from agents.engine.catalogue import Catalogue, Words
from agents.engine.chain import PolicyChain
from agents.engine.clock import Clock, TrustedTime
from agents.engine.dating import Dater
from agents.engine.exchange import Exchange
from agents.engine.holding import Holds
from agents.engine.indexing import Indexer
from agents.engine.obeying import Obedience
from agents.engine.outbox import Outbox
from agents.engine.receipts import Receipts
from agents.engine.recover import recover
from agents.engine.redating import redate
from agents.engine.reserve import Reserve
from agents.engine.scan import SETTLE_SECONDS, Scanner
from agents.engine.sweep import Sweeper, Swept
from agents.engine.uplink import Uplink
from agents.stores import Store
from retention import permit
from retention.calendar import Instant
from retention.errors import RetentionError, UnreachableError
from retention.report import Heartbeat

_STATES = ("present", "undated", "late", "restricted")


class Agent:
    """Everything one store's agent can do.

    `freeze` is the technician's marker file: while it is younger than 72 h nothing is erased.
    `spread` seconds shift this store's sweeps, so that a fleet does not sweep all at once.
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
        offline: permit.Offline = "delete",
        settle_seconds: int = SETTLE_SECONDS,
        spread: int = 0,
    ) -> None:
        row = catalogue.one("SELECT store_group, commissioned_at FROM agent")
        assert row is not None, "the agent was enrolled before"
        self.catalogue = catalogue
        self.store = store
        self.clock = clock
        self._freeze = freeze
        self._offline = offline
        self._spread = spread
        self.reserve = reserve
        erasing = threading.Lock()
        words = Words(catalogue)
        self.outbox = Outbox(catalogue)
        self.time = TrustedTime(catalogue, clock)
        self.chain = PolicyChain(catalogue, pin)
        holds = Holds(catalogue, words, self.outbox)
        self._indexer = Indexer(catalogue, words, self.outbox, holds, store)
        self._dater = Dater(store, group=row[0], commissioned_at=Instant(row[1]), chain=self.chain)
        self._receipts = Receipts(catalogue, self.outbox)
        self.scanner = Scanner(
            store=store,
            catalogue=catalogue,
            outbox=self.outbox,
            dater=self._dater,
            indexer=self._indexer,
            clock=clock,
            time=self.time,
            settle_seconds=settle_seconds,
        )
        self.sweeper = Sweeper(
            store=store,
            catalogue=catalogue,
            words=words,
            receipts=self._receipts,
            clock=clock,
            reserve=reserve,
            erasing=erasing,
        )
        self.obedience = Obedience(
            catalogue=catalogue,
            outbox=self.outbox,
            holds=holds,
            acting=Acting(holds, self._indexer, self.outbox, self.chain),
            store=store,
            clock=clock,
            chain=self.chain,
            erasing=erasing,
        )
        self.exchange = Exchange(
            uplink=uplink,
            catalogue=catalogue,
            outbox=self.outbox,
            obedience=self.obedience,
            chain=self.chain,
            time=self.time,
            clock=clock,
            store=store,
        )
        self.waiting = ""  # why the last sweep did nothing: refused or braked

    def start(self) -> None:
        """Settle what a crash left open, before anything else. Raises `StoreUnreachableError`."""
        recover(self.catalogue, self.store, self._receipts, self.clock)
        self.reserve.keep()
        held = self.catalogue.rows("SELECT number FROM items WHERE holds > 0")
        self.obedience.protect(number for (number,) in held)

    def scan(self) -> Iterator[None]:
        """One scan of everything, step by step; what came to be held is protected as it is met."""
        for _ in self.scanner.run():
            self._after_looking()
            yield
        self._after_looking()
        if self.exchange.new_epoch:
            self.store.reclaim()
            self.exchange.new_epoch = False

    def look(self) -> None:
        """Date what has settled since the last look, and what the sweep found changed."""
        changed, self.sweeper.changed = self.sweeper.changed, []
        for directory, name in changed:
            self.scanner.hint(directory, name, closed=False)
        self.scanner.settle()
        self._after_looking()

    def redate(self) -> Iterator[None]:
        """Date again what was seen by a clock now known to have been wrong."""
        return redate(
            catalogue=self.catalogue,
            store=self.store,
            dater=self._dater,
            indexer=self._indexer,
            outbox=self.outbox,
            clock=self.clock,
        )

    def sweep(self) -> Iterator[Swept]:
        """Fetch a directive for this sweep, or go by the offline rule, and erase what may go.

        Yields after each batch; nothing at all if a sweep is refused, and `waiting` says why.
        """
        fresh = self._consult()
        for _ in self.redate():
            pass
        standing = self.standing(fresh=fresh)
        refusal = permit.refusal(standing)
        if refusal is not None:
            self.waiting = refusal.reason
            return
        rules = permit.rules(standing, self.chain(), spread=self._spread)
        for swept in self.sweeper.run(rules):
            self.waiting = swept.braking.reason
            yield swept
        self.reserve.keep()

    def standing(self, *, fresh: bool) -> permit.Standing:
        """How this agent stands just now, for `permit` to judge."""
        self.time.tick()
        activated = self.catalogue.rows("SELECT record_class FROM activations")
        return permit.Standing(
            bound=self.time.lower_bound(),
            trusted=self.time.trusted,
            frozen=self.catalogue.value("SELECT frozen FROM agent"),
            freeze=self._frozen_at(),
            activated=frozenset(name for (name,) in activated),
            directive=self.obedience.in_force(),
            fresh=fresh,
            offline=self._offline,
        )

    def heartbeat(self, notes: tuple[str, ...] = ()) -> None:
        """Report how the agent is, with its own count of everything (I14)."""
        now = self.clock.wall()
        beat = Heartbeat(
            at=now,
            booted=self.clock.boot(),
            clock_trusted=self.time.trusted,
            clock_offset=self.time.offset,
            brake=self.waiting,
            frozen=bool(self.catalogue.value("SELECT frozen FROM agent")),
            counts=tuple(self.counts()),
            notes=notes,
        )
        with self.catalogue.transaction() as db:
            self.outbox.append(db, now, [beat])
        self.outbox.forget(now)

    def counts(self) -> Iterator[tuple[str, str, int]]:
        """Items by (class, state); a held item counts as held, whatever else it is."""
        rows = self.catalogue.rows(
            "SELECT word, CASE WHEN holds > 0 THEN -1 ELSE state END AS shown, count(*)"
            " FROM items JOIN words ON id = record_class GROUP BY word, shown ORDER BY 1, 2"
        )
        for name, shown, items in rows:
            yield name, "held" if shown < 0 else _STATES[shown], items

    def _consult(self) -> bool:
        """Whether a directive could be fetched for this sweep."""
        try:
            self.exchange.consult()
        except UnreachableError:
            return False
        except RetentionError as error:
            # A refused credential, a forged or an old directive: as good as no enforcer, and said.
            self.waiting = str(error)
            return False
        return True

    def _after_looking(self) -> None:
        held, self.scanner.newly_held = self.scanner.newly_held, []
        if held:
            self.obedience.protect(held)

    def _frozen_at(self) -> Instant | None:
        if self._freeze is None:
            return None
        try:
            return Instant(int(self._freeze.stat().st_mtime_ns // 10**9))
        except FileNotFoundError:
            return None
