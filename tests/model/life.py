"""One store's life: what happens to it, and after each event whether the promise was kept.

The real agent on a real store of one kind (`model.grounds`), the real enforcer on a real index, a wire between them, and the
observer of `model.reference`, who sees everything. What can happen is a method of `Life` or of its
parts; a failing example of the state machine is a list of these calls.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from model.box import Box
from model.checks import ALWAYS_ALLOWED, check, check_at_rest, check_promptness
from model.disk import DISKS, Disk
from model.grounds import GROUNDS, DiedError
from model.office import Office
from model.people import People
from model.reference import File, Observer
from sqlalchemy import Row, select
from world import TrueTime, at

from enforcer.index import tables, tree
from enforcer.index.tree import Head
from retention import merkle
from retention.calendar import DAY, Instant
from retention.errors import RetentionError, VerificationError

MINUTE, HOUR = 60, 3600
BEGINNING = at("2026-03-16 12:00")


class Life:
    """A store from the day its agent was enrolled."""

    def __init__(self, directory: Path, kind: str = "tree") -> None:
        self.true = TrueTime(BEGINNING)
        self.skew = 0  # seconds by which the enforcer's clock is ahead
        (directory / "office").mkdir()
        self.office = Office(directory / "office", lambda: Instant(self.true.now + self.skew))
        self.ground = GROUNDS[kind](directory, self.true)
        self.box = Box(directory, self.true, self.office, self.ground)
        self.observer = Observer()
        self.disk = DISKS.get(kind, Disk)(self.box, self.observer)
        self.people = People(self.office, self.box, self.observer)
        self.errors: list[str] = []  # of the agent's, each a sentence of the error tree
        self.heads: list[Head] = []  # published that the present index knows
        self.heads_known: list[Head] = []  # all that were ever published
        self.scans: dict[int, Instant] = {}  # wall clock at the beginning -> true time
        self.erased_now: set[str] = set()  # items, by the sweep under way, that the brake counts
        self.allowed = ALWAYS_ALLOWED  # by the brake, for that sweep
        self._swept: Instant | None = (
            None  # what had passed for certain when one went through all due
        )
        self._ticked = self.true.now  # when it was last known how long the machine runs
        self.memory_lost = False  # once, or more often
        self.memory_doubtful = False  # and the enforcer does not know yet
        self.activations_lost = (
            False  # by the enforcer: the store erases, and it calls it not activated
        )
        self._misled = False  # by a clock, once
        self._scanning: Iterator[object] | None = None
        self._sweeping: Iterator[object] | None = None
        self._windows: list[Instant | None] = []
        self._copied_heads: list[Head] = []

    # What the agent does, as its daemon would have it do.

    def scan(self) -> None:
        """A whole scan."""
        while self.step_scan():
            pass

    def step_scan(self) -> bool:
        """A step of a scan, which begins it if none is under way; False when it is done."""
        agent = self.box.agent
        if agent is None:
            return False
        if self._scanning is None:
            self._scanning = agent.scan()
            self.disk.scanning = self.true.now
            self.scans.setdefault(self.box.clock.wall(), self.true.now)
        done = self._agent(lambda: next(self._scanning, "done"))
        if done is None:
            return True
        if done == "done":
            self._agent(agent.look)
            self.disk.scanned(self.disk.scanning)
        self._scanning = self.disk.scanning = None
        return False

    def sweep(self, *, dies_after: int | None = None) -> None:
        """A whole sweep; or one in whose next batch the process dies after so many files."""
        self.box.store.dies_after = dies_after
        while self.step_sweep():
            pass
        self.box.store.dies_after = None

    def step_sweep(self) -> bool:
        """A batch of a sweep, which begins it if none is under way; False when it is done."""
        if self.box.agent is None:
            return False
        if self._sweeping is None:
            self._sweeping = self.box.agent.sweep()
            self.erased_now, self.allowed = set(), self._allowed()
        done = self._agent(lambda: next(self._sweeping, "done"))
        if not isinstance(done, str):
            return True
        self._sweeping = None
        if done == "done" and not self.box.agent.waiting:
            self._swept = self.box.agent.time.lower_bound()
        return False

    def look(self) -> None:
        """What the daemon does every half second."""
        if self.box.agent is not None:
            self._agent(self.box.agent.look)

    def report(self) -> None:
        """The log goes up."""
        if self.box.agent is not None:
            self._agent(self.box.agent.exchange.report)

    def consult(self) -> None:
        """Time, policies and the directive come down."""
        if self.box.agent is not None:
            done = self._agent(self.box.agent.exchange.consult)
            self.memory_doubtful = self.memory_doubtful and done in {"failed", "died"}

    def beat(self) -> None:
        """A heartbeat."""
        if self.box.agent is not None:
            self._agent(self.box.agent.heartbeat)

    def tick(self) -> None:
        """The minute's look at the clocks."""
        if self.box.agent is not None:
            self._agent(self.box.agent.tick)
            self._ticked = self.true.now

    def talk(self) -> None:
        """What the daemon's talker does."""
        if self.box.agent is not None:
            done = self._agent(self.box.agent.talk)
            self.memory_doubtful = self.memory_doubtful and done in {"failed", "died"}

    def cycle(self) -> None:
        """What the daemon does in six hours, once."""
        for step in (self.tick, self.beat, self.report, self.scan, self.sweep, self.talk):
            step()
        self.check()

    def live(self, hours: int) -> None:
        """Ordinary days."""
        for _ in range(0, hours, 6):
            self.cycle()
            self.true.pass_(6 * HOUR)

    # What befalls the agent.

    def die(self) -> None:
        """Its process ends."""
        self.box.die()
        self._scanning = self._sweeping = self.disk.scanning = None

    def start(self) -> None:
        """It starts again."""
        if self.box.agent is None:
            self._agent(self.box.start)

    def reboot(self, *, off: int, ahead: int) -> None:
        """Its machine was without power, and comes up with this clock.

        While it ran the daemon had its minute's look at the clocks. What else passed until now nobody
        counted, and what was seen in a boot that nobody told the time, or lay there since its last scan,
        goes so much later. Nobody may call that well.
        """
        self.tick()
        self.die()
        self.box.reboot(off=off, ahead=ahead)
        doubted = {os.fsdecode(path) for path, _ in self.box.rows(_DOUBTED_PATHS)}
        since_scan = self.box.rows(_LAST_SCAN_DOUBTED) == [(1,)]
        for path, file in self.observer.files.items():
            if path in doubted or (since_scan and file.met is None):
                file.untold = True
                file.unsure += self.true.now - self._ticked
        if since_scan:  # what comes until the next one may have come since then
            self.disk.window_unsure += self.true.now - self._ticked
        self._ticked = self.true.now
        self.start()

    def turn_the_clock(self, ahead: int) -> None:
        """Its clock jumps. If nobody had a look at it for more than a minute, nobody can tell when it did."""
        if self.true.now - self._ticked > MINUTE:
            for file in self.observer.files.values():
                file.untold = True
        self.box.clock.ahead = ahead

    def forget_everything(self) -> None:
        """Its state is lost; it is enrolled again at once, if that can be."""
        if self.box.wire.cut or self.box.wire.fates or not self.office.running:
            return
        self.die()
        self.box.forget_everything()
        self.box.enrol()
        self._forgot(None)
        self.start()

    def copy_state(self) -> None:
        """Somebody copies its state."""
        self.box.copy_state()
        self._windows.append(self.disk.window)

    def restore_state(self) -> None:
        """The copy comes back in place of its state."""
        if self._windows:
            self.die()
            self.box.restore_state()
            self._forgot(self._windows[-1])
            self.memory_doubtful = True
            self.start()

    # What befalls the enforcer.

    def restart_office(self) -> None:
        """Its process ends and starts."""
        self.office.stop()
        self.office.start()

    def copy_office(self) -> None:
        """Its index is backed up."""
        self.office.copy()
        self._copied_heads = list(self.heads)

    def restore_office(self) -> None:
        """The backup comes back."""
        if self.office.restore():
            self.heads = list(self._copied_heads)
            self._activations_lost()

    def prove(self) -> None:
        """Certificates, a heartbeat and a head; each head goes on from every one before it (I7)."""
        if not self.office.running:
            return
        try:
            self.office.rounds.prove()
        except VerificationError:  # restored: two people sign what the last head was
            self.people.succeed(self.heads_known[-1])
            self.office.rounds.prove()
        with self.office.reading() as connection:
            newest = tree.last_head(connection)
            assert newest is not None
            for head in self.heads:
                proof = merkle.consistency_proof(head.size, newest.size, tree.node(connection))
                merkle.verify_consistency(head.size, newest.size, proof, head.root, newest.root)
        if newest not in self.heads:
            self.heads.append(newest)
            self.heads_known.append(newest)

    # What must be true.

    def check(self) -> None:
        """Hear and see what is new, and hold it against the promise."""
        if self.office.running:
            self.people.hear()
        self._heed()
        self._misled |= abs(self.box.clock.ahead) > MINUTE
        self.observer.look()
        check(self)

    def rest(self) -> None:
        """Everything is healed and goes its way for some days; then nothing is open."""
        self._heal()
        self.prove()  # people say how a restored ledger goes on, else no agent believes its heads
        for _ in range(3):
            self._attended()
            self.true.pass_(HOUR)
        self.errors.clear()
        for _ in range(6):
            self._attended()
            check_promptness(self)
            self.true.pass_(9 * HOUR)
        self.cycle()
        self.prove()
        check_at_rest(self)

    def _heal(self) -> None:
        self.box.wire.heal()
        self.box.wire.deliver_late()
        self.box.clock.ahead = self.skew = 0
        if not self.office.running:
            self.office.start()
        if self.box.is_shut_out:
            self.die()
            self.box.enrol()
        self.start()
        if self.box.is_refused:
            self.forget_everything()
        self.start()

    def _attended(self) -> None:
        """A cycle; if it waits for people they see it, do what only people can, and it goes on."""
        self.cycle()
        if self.box.agent.waiting or self._store().frozen:
            self.beat()
            self.report()
            self._unblock()
            self.cycle()
        if self.box.is_refused:  # thawed, it is told that another one has its place
            self.forget_everything()
            self.cycle()

    def _store(self) -> Row:
        """What the enforcer has of the store itself."""
        with self.office.reading() as connection:
            return connection.execute(select(tables.stores)).one()

    def _unblock(self) -> None:
        """Thaw a store, let go of the brake."""
        row, frozen = self._store(), self.box.rows("SELECT frozen, epoch FROM agent")[0]
        if row.frozen or frozen[0]:
            self.people.thaw(frozen[1])  # the box that is there
        if "usual" in row.brake:
            self.people.release_brake(1000)

    def _allowed(self) -> int:
        """How many at most a sweep may erase now: three times what is usual, and what people let go.

        Rounded in the agent's favour. Whoever goes by a clock that was once wrong may be wrong
        about what is usual, and who has forgotten everything knows nothing of it.
        """
        arrivals = self.disk.arrivals + [self.true.now] * len(self.disk.unseen)
        came = [moment for moment in arrivals if moment > self.true.now - 29 * DAY]
        granted = sum(self.people.granted)
        swept = self.true.now if self._swept is None else self._swept
        since = (self.true.now - swept) // DAY + 1
        if self.memory_lost or self._misled:
            return max(ALWAYS_ALLOWED, 3 * len(arrivals) * since) + granted
        watched = (self.true.now - min([swept, *arrivals])) // DAY
        usual = 3 * len(came) * since // max(1, min(27, watched))
        return max(ALWAYS_ALLOWED, usual) + granted

    def _forgot(self, window: Instant | None) -> None:
        for file in self.observer.files.values():
            file.erase_by = None  # it is found again by a date that may be another now
        self.disk.window = window
        self.disk.forget_windows()
        self.memory_lost = True

    def _activations_lost(self) -> None:
        """What two people signed and neither the enforcer nor the store knows any more, nobody has signed."""
        with self.office.reading() as connection:
            known = set(connection.execute(select(tables.documents.c.id)).scalars())
        carried_out = {act for (act,) in self.box.rows("SELECT act FROM activations")}
        self.activations_lost = not carried_out <= known
        known |= carried_out
        signed = self.people.activations.items()
        self.observer.active = {record_class for act, record_class in signed if act in known}

    def _begun_anew(self) -> None:
        """In a new epoch the agent has to find what it knows before it can erase it."""
        self.memory_lost = True
        for file in self.observer.files.values():
            self.observer.excuse(file, self.true.now)

    def _agent(self, deed: Callable[[], object]) -> object:
        """Let the agent do something, and see what became of the files."""
        self.observer.look()
        epoch = self._epoch()
        try:
            result = deed()
        except DiedError:
            self.die()
            result = "died"
        except RetentionError as error:
            self.errors.append(f"{type(error).__name__}: {error}")
            result = "failed"
        self._see()
        if self._epoch() != epoch and epoch:
            self._begun_anew()
        return result

    def _epoch(self) -> int:
        found = self.box.rows("SELECT epoch FROM agent")
        return found[0][0] if found else 0

    def _see(self) -> None:
        """What the agent did to the files, after what it has heard of: a sweep begins by asking."""
        self._heed()
        there = dict(self.ground.walk())
        before = list(self.observer.files.values())
        for path in sorted(self.observer.files.keys() - there.keys()):
            self._gone(self.observer.files.pop(path), there)
        self._recordings_are_last(before)
        for path in sorted(there.keys() - self.observer.files.keys()):
            self.observer.files[path] = self._given_back(path, there[path])
        known = {os.fsdecode(path): inode for path, inode in self.box.rows(_PATHS)}
        for path, file in self.observer.files.items():
            if file.replaces and known.get(path) != file.inode:
                continue  # the agent knows what had the name before
            if file.met is None and path in known:
                file.met, file.doubted = self.true.now, abs(self.box.clock.ahead) > MINUTE
            elif path not in known:
                file.met = None

    def _given_back(self, path: str, inode: int) -> File:
        """A held file has a name again: others removed it, or moved it where no scan has met it yet."""
        file = self.observer.away.pop(inode, None)
        if file is None:
            moved = self.observer.of_inode(inode)
            held = self.box.rows("SELECT inode FROM items WHERE holds > 0")
            assert (inode,) in held, f"the agent made {path}"
            perhaps = set(moved[0].perhaps)
            return replace(moved[0], path=path, holds=set(moved[0].holds), perhaps=perhaps)
        # Found again by an agent that has lost its memory, it is of no known source.
        is_known = "/" in path or self.box.number_of(path) is not None
        file.was, file.path = (file.source if is_known else ""), path
        return file

    def _gone(self, file: File, there: dict[str, int]) -> None:
        """The agent removed a name: it may have moved the file, else it erased it (I1, I2, I13)."""
        for path, inode in there.items():
            if inode == file.inode and path not in self.observer.files:
                file.path = path
                self.observer.files[path] = file
                return
        why = self.observer.why_it_stays(file, self.true.now)
        assert not why, f"{file.path} was erased: {why}"
        self.disk.erased.append(file)
        if not file.doomed and not file.asked:
            self.erased_now.add(file.item)
        for other in self.observer.files.values():
            if other.content == file.content and other.met is None:
                other.doomed = True

    def _heed(self) -> None:
        """Releases and corrections that the store has carried out by now."""
        for (hold,) in self.box.rows("SELECT id FROM holds WHERE released_at IS NOT NULL"):
            self._let_go(hold)
        known = {hold for (hold,) in self.box.rows("SELECT id FROM holds")}
        in_force = self.box.rows("SELECT id FROM holds WHERE released_at IS NULL")
        for hold in self.observer.holds.values():
            if self.memory_lost and hold.omitted and (hold.id,) not in in_force:
                self.observer.lose(hold.id)
        for (act,) in self.box.rows("SELECT id FROM acts"):
            if act in self.people.corrections:
                self.people.corrected(act, frozenset(known))
            if act in self.people.erasures:
                self.people.heard_erasure(act)

    def _let_go(self, hold: str) -> None:
        known = self.observer.holds.get(hold)
        if known is not None and not known.let_go:
            self.observer.let_go(hold, self.true.now)

    def _recordings_are_last(self, before: Sequence[File]) -> None:
        """What the agent leaves of a call has a recording, if it had one (docs/rules.md, Calls)."""
        left = self.observer.files.values()
        for call in {
            file.whole for file in before if file.whole and file.path not in self.observer.files
        }:
            had = [file for file in before if file.whole == call and file.met is not None]
            has = [file for file in left if file.whole == call and file.met is not None]
            if has and any(file.recording for file in had):
                assert any(file.recording for file in has), f"{call} lost its recording first"


_PATHS = """
SELECT CASE WHEN path = x'' THEN name ELSE CAST(path || '/' || name AS BLOB) END, inode
  FROM items JOIN directories ON id = directory
"""
_DOUBTED_PATHS = f"""
{_PATHS} WHERE period IN (
    SELECT id FROM periods WHERE vouched = 0 AND (offset IS NULL OR NOT agreed))
"""
_LAST_SCAN_DOUBTED = """
SELECT vouched = 0 AND (offset IS NULL OR NOT agreed) FROM scans JOIN periods ON periods.id = period
 WHERE scans.rowid = (SELECT max(rowid) FROM scans)
"""
