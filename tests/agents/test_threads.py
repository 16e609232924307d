"""The agent's threads share one catalogue: whatever one does between two queries of another, both are right.

A daemon's worker looks and sweeps, its talker tells and listens, and somebody reads its metrics. Each
act of one is done after the nth query or transaction of each act of another, for every n where there
are few and for some that are the same each time where there are many. Where the product has one wait
for the other, it waits.
"""

import random
import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any, Self

import pytest
from bucket_world import BucketWorld
from fake_s3 import FakeS3
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from row_worlds import CallWorld, CsvWorld, SqlWorld, sqlite_file
from world import RIGA, STORE, World, at, signed_act, signed_policy

from agents.engine.erasing import sweep as sweeping
from agents.engine.metrics import Metrics
from agents.stores import Batch, Erased
from retention.acts import Correction, Lift, Release, Restoration, Retirement, Thaw
from retention.calendar import DAY, Instant
from retention.errors import RefusedError, StoreUnreachableError
from retention.hold import ItemRef, StoreHold

NOON = at("2026-03-16 12:00")
DUE = [at(f"2026-01-{day:02} 10:00") for day in range(5, 10)]
YOUNG = [at(f"2026-03-{day:02} 10:00") for day in (5, 6)]
LATER = at("2026-03-16 11:00")
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two items a batch, so that a sweep has places in between."""
    for name in ("_BY_DATE", "_UNDATED", "_GRANTED"):
        query = getattr(sweeping, name).replace(f"LIMIT {sweeping.BATCH_ITEMS}", "LIMIT 2")
        monkeypatch.setattr(sweeping, name, query)


def _bucket(path: Path) -> World:
    server = FakeS3(lambda: NOON)
    world = BucketWorld.found(path, NOON, server)
    server.clock = lambda: world.true.now
    return world


Act = Callable[[World], None]
Scene = Callable[[Path, str], World]

PLACES: dict[str, Callable[[Path], World]] = {
    "tree": lambda path: World.make(path, NOON),
    "bucket": _bucket,
    "calls": lambda path: CallWorld.found(path, NOON),
    "CSV": lambda path: CsvWorld.found(path, NOON),
    "rows": lambda path: SqlWorld.found(path, NOON, sqlite_file(path / "calls.db")),
}


def at_work(path: Path, place: str) -> World:
    """A store on which some is due, some held, some new, and something went."""
    world = PLACES[place](path)
    for moment in (*DUE, *YOUNG):
        world.record(moment)
    world.hold("kept", DUE[0])
    world.activate()
    world.scan()
    world.report()
    restricted = StoreHold("restriction-1", Instant(1), Instant(0), items=(item(world, DUE[3]),))
    world.centre.holds.append(restricted)
    world.agent.exchange.consult()
    world.record(LATER)
    return world


def item(world: World, moment: Instant) -> ItemRef:
    """The item of that moment, as people name it; none of this store if there is none (any more)."""
    number, fingerprint = world.agent.catalogue.one(
        "SELECT number, fingerprint FROM items WHERE anchor = ?", (moment,)
    ) or (0, b"")
    return ItemRef(STORE, world.centre.epoch, number, "front", moment, moment, fingerprint)


def restarted(path: Path, place: str) -> World:
    """The same, with an agent that has just been started again."""
    world = at_work(path, place)
    world.crash()
    return world


def first_start(path: Path, place: str) -> World:
    """A store of which nothing was ever scanned, and whose agent has not spoken yet."""
    world = PLACES[place](path)
    for moment in (*DUE, *YOUNG, LATER):
        world.record(moment)
    world.hold("kept", DUE[0])
    world.activate()
    return world


def interrupted(path: Path, place: str) -> World:
    """A batch was erased, and nobody has written down yet what became of it."""
    world = at_work(path, place)
    erase = world.agent.store.erase

    def cut_off(batch: Batch) -> list[Erased]:
        erase(batch)
        raise StoreUnreachableError("the store is away")

    world.agent.store.erase = cut_off  # type: ignore[method-assign]
    with suppress(StoreUnreachableError):
        world.sweep()
    del world.agent.store.erase
    return world


def doubted(path: Path, place: str) -> World:
    """All was seen by a clock that turns out to be wrong at the next word of the enforcer."""
    world = PLACES[place](path)
    world.hold("kept", DUE[0])
    world.activate()
    world.agent.exchange.consult()
    world.centre.away = True
    world.clock.reboot()
    world.clock.ahead = 300
    world.crash()
    for moment in (*DUE, *YOUNG):
        world.record(moment)
    world.scan()
    world.centre.away = False
    world.record(LATER)
    return world


def restored(path: Path, place: str) -> World:
    """Two people said that all came from a backup; it was scanned since, and is not dated anew yet."""
    world = at_work(path, place)
    act = Restoration(
        id=world.act_id(), at=NOON, reason="new disk", store=STORE, since=Instant(NOON - 60)
    )
    world.sign(act)
    world.agent.exchange.consult()
    world.scan()
    return world


def frozen(path: Path, place: str) -> World:
    """Two boxes speak with its identity, as the enforcer says."""
    world = at_work(path, place)
    freeze(world)
    return world


def old_copy(path: Path, place: str) -> World:
    """The state of an hour ago came back."""
    world = at_work(path, place)
    for _ in range(3):
        world.agent.heartbeat()
        world.report()
    world.stop()
    copy = path / "copy"
    shutil.copytree(world.state, copy)
    world.boot()
    for _ in range(5):
        world.agent.heartbeat()
        world.report()
    world.stop()
    shutil.rmtree(world.state)
    shutil.copytree(copy, world.state)
    world.true.pass_(3600)
    world.boot()
    return world


def long_ago(path: Path, place: str) -> World:
    """The enforcer came back from a backup, and what it lacks is about to be forgotten here."""
    world = at_work(path, place)
    for _ in range(3):
        world.agent.heartbeat()
        world.report()
    del world.centre.lines[-2:]
    world.true.pass_(31 * DAY)
    world.agent.exchange._greeted = False
    return world


# What the worker does.


def begin(world: World) -> None:
    world.agent.begin()


def scan(world: World) -> None:
    world.scan()


def sweep(world: World) -> None:
    world.sweep()


def look(world: World) -> None:
    for directory in (b"front", b""):
        for name in sorted(world.pictures()):
            where, _, called = name.rpartition(b"/")
            if where == directory:
                world.agent.scanner.hint(directory, called, closed=True)
    world.agent.look()


def tick(world: World) -> None:
    events = world.state / "events"
    events.mkdir(exist_ok=True)
    (events / "one.json").write_text('{"at": "2026-01-06T10:00:00Z"}')
    assert [] == world.agent.tick()


# What the talker does.


def greet(world: World) -> None:
    world.agent.exchange.greet()


def report(world: World) -> None:
    world.report()


def heartbeat(world: World) -> None:
    world.agent.heartbeat()


def consult(world: World) -> None:
    world.agent.exchange.consult()


def hold(world: World) -> None:
    world.hold("new", DUE[2])
    world.agent.exchange.consult()


def release(world: World) -> None:
    world.sign(Release(id=world.act_id(), at=world.true.now, reason="over", hold="kept"))
    world.centre.holds = [hold for hold in world.centre.holds if hold.id != "kept"]
    world.agent.exchange.consult()


def lift(world: World) -> None:
    now, ref = world.true.now, item(world, DUE[3])
    act = Lift(id=world.act_id(), at=now, reason="over", items=(ref,), subject_informed_at=now)
    world.sign(act)
    world.centre.holds = [hold for hold in world.centre.holds if hold.id != "restriction-1"]
    world.agent.exchange.consult()


def correct(world: World) -> None:
    ref = item(world, YOUNG[0])
    world.sign(
        Correction(
            id=world.act_id(), at=world.true.now, reason="wrong", items=(ref,), anchor=YOUNG[1]
        )
    )
    world.agent.exchange.consult()


def activate(world: World) -> None:
    world.activate()
    world.agent.exchange.consult()


def policy(world: World) -> None:
    before = world.centre.chain
    document = replace(
        before.current,
        version=before.current.version + 1,
        previous=before.head,
        issued_at=NOON,
        effective_from=date(2026, 4, 1),
    )
    world.centre.policies.append(signed_policy(document))
    world.agent.exchange.consult()


def anew(world: World) -> None:
    world.centre.anew = True
    world.agent.exchange.greet()
    world.agent.exchange.consult()


def freeze(world: World) -> None:
    world.centre.frozen = True
    world.agent.exchange.consult()


def thaw(world: World) -> None:
    world.centre.thaw()
    epoch = world.centre.epoch
    act = Thaw(id=world.act_id(), at=world.true.now, reason="ours", store=STORE, epoch=epoch)
    world.sign(act)
    world.agent.exchange.consult()


def retire(world: World) -> None:
    act = Retirement(
        id=world.act_id(), at=world.true.now, reason="sold", store=STORE, how="destroyed"
    )
    world.centre.retired, world.centre.retirement = True, signed_act(act)
    with pytest.raises(RefusedError, match="two people retired this store"):
        world.agent.exchange.consult()


def scrape(world: World) -> None:
    registry = CollectorRegistry()
    Metrics(registry, world.agent)
    list(registry.collect())


WORKER: Sequence[Act] = (begin, scan, sweep, look, tick)
TALKER: Sequence[Act] = (
    *(greet, report, heartbeat, consult, hold, release, lift, correct, activate, policy, anew),
    *(freeze, thaw, retire),
)
PAIRS = [
    *product(WORKER, (*TALKER, scrape)),
    *product(TALKER, (*WORKER, scrape)),
    *product((scrape,), (*WORKER, *TALKER)),
]
#: What once went wrong between two threads.
FOUND: Sequence[tuple[Scene, Act, Act]] = (
    (at_work, heartbeat, scan),  # it counted what it had not told yet
    (restarted, scrape, policy),  # the older chain was kept
    (first_start, consult, tick),  # both began the same stretch of the clock
    (interrupted, scan, anew),  # the new epoch was told what became of the old one's items
    (doubted, tick, consult),  # the enforcer's word about the time was written over
    (doubted, sweep, correct),  # people's date was written over
    (doubted, sweep, anew),  # an item was dated that was no more
    (restored, sweep, anew),  # nobody scanned what had come from the backup
    (long_ago, begin, heartbeat),  # what was to be sent again was forgotten
)


class _Lock:
    """A lock that tells when somebody comes to wait for it."""

    def __init__(self, waits: threading.Event) -> None:
        self._lock = threading.Lock()
        self._waits = waits

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self._waits.set()
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class Meanwhile:
    """Has another thread act after the nth query or transaction of this one's, of which it takes note."""

    def __init__(self, world: World, act: Act, nth: int) -> None:
        self._world = world
        self._act = act
        self._nth = nth
        self._waits = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        agent, here = self._world.agent, threading.get_ident()
        turns, catalogue = agent.sweeper._turns, agent.catalogue
        turns._door, turns._turn = _Lock(self._waits), _Lock(self._waits)  # type: ignore[assignment]
        agent.exchange._turn, agent.time._turn = _Lock(self._waits), _Lock(self._waits)  # type: ignore[assignment]
        query, transaction = catalogue.rows, catalogue.transaction

        def rows(sql: str, args: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
            found = query(sql, args)
            if threading.get_ident() == here and not catalogue.in_transaction:
                self._pass(sql)
            return found

        @contextmanager
        def transacted() -> Iterator[Any]:
            with transaction() as db:
                yield db
            if threading.get_ident() == here:
                self._pass("a transaction")

        catalogue.rows, catalogue.transaction = rows, transacted  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        del self._world.agent.catalogue.rows, self._world.agent.catalogue.transaction
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def _pass(self, what: str) -> None:
        self.asked.append(what)
        if len(self.asked) == self._nth:
            self._thread = threading.Thread(target=self._run)
            self._thread.start()
            self._waits.wait()  # until it is done, or waits for this one

    def _run(self) -> None:
        try:
            self._act(self._world)
        except BaseException as error:  # noqa: BLE001 - raised by who waits for it
            self._error = error
        finally:
            self._waits.set()


@dataclass
class Life:
    """One store's life in which one act comes in the midst of another."""

    world: World
    first: Act
    second: Act
    epochs: Collection[int]  # in which it may be then
    kept: set[str] = field(default_factory=set)  # by a hold that is in force
    frozen: set[str] = field(default_factory=set)  # what was there when the store was frozen
    restricted: bool = True  # one recording, from the beginning
    quarantined: bool = False  # whether it was when an epoch began

    def run(self, nth: int) -> None:
        with Meanwhile(self.world, self._noting(self.second), nth) as meanwhile:
            self._noting(self.first)(self.world)
        after = meanwhile.asked[nth - 1]
        try:
            self._assert_right()
        except Exception as error:
            error.add_note(f"{self.second.__name__} after {after} of {self.first.__name__}")
            raise
        self.world.stop()

    def _noting(self, act: Act) -> Act:
        def noted(world: World) -> None:
            act(world)
            there = world.files()
            self.kept |= there & {_name(moment) for moment in HELD_BY.get(act, ())}
            self.frozen |= there if act is freeze else set()
            if act is self.second is anew:
                self.quarantined = world.agent.restorations.quarantined

        return noted

    def _assert_right(self) -> None:
        world, acts = self.world, {self.first, self.second}
        assert self.frozen <= world.files(), "nothing goes from a frozen store"
        assert not self.quarantined or world.agent.restorations.quarantined, "nothing was scanned"
        if consult in acts:
            heard = world.agent.catalogue.value("SELECT heard FROM clock")
            assert world.clock.boot() == heard, "the enforcer's word is not forgotten"
        world.centre.frozen, world.centre.retired, world.clock.ahead = False, False, 0
        world.rest()
        books = world.check()
        assert world.centre.epoch in self.epochs, "no epoch begins untold"
        young = {_name(moment) for moment in (*YOUNG, LATER) if world.true.now < moment + 60 * DAY}
        held = self.kept if release in acts else self.kept | {_name(DUE[0])}
        if self.restricted:  # and when that is over there is a day of grace
            held = held | {_name(DUE[3])}
        assert held | young <= world.files(), "nothing goes early or held"
        policies = 2 if policy in acts else 1
        assert policies == world.agent.chain().current.version
        if correct in acts:
            assert YOUNG[0] not in {item.anchor for item in books.live.values()}, (
                "people's word stands"
            )


HELD_BY: dict[Act, Sequence[Instant]] = {hold: (DUE[2],), tick: (DUE[1],)}


def _name(moment: Instant) -> str:
    return f"front/{datetime.fromtimestamp(moment, RIGA):%Y%m%d-%H%M%S}.jpg"


def _epochs(scene: Scene, acts: Collection[Act]) -> Collection[int]:
    last = 1 + (scene is old_copy) + (anew in acts)
    return range(last, last + 1 + (scene is long_ago))  # what was forgotten before it greeted


@cache
def _asked(scene: Scene, place: str, act: Act) -> Sequence[str]:
    """What an act asks the catalogue when nobody comes in between."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as path:
        world = scene(Path(path), place)
        with Meanwhile(world, act, 0) as meanwhile:
            act(world)
        world.stop()
    return meanwhile.asked


def _places(asked: Sequence[str], most: int, seed: str) -> Sequence[int]:
    """So many of the places behind a query at most, and not twice behind the same two."""
    pairs = dict(reversed([(pair, n) for n, pair in enumerate(pairwise(["", *asked]), start=1)]))
    different = sorted(pairs.values())
    return sorted(random.Random(seed).sample(different, min(most, len(different))))


def _meet(scene: Scene, place: str, first: Act, second: Act, most: int) -> None:
    seed = f"{scene.__name__} {place} {first.__name__} {second.__name__}"
    for nth in _places(_asked(scene, place, first), most, seed):
        with tempfile.TemporaryDirectory(dir=MEMORY) as path:
            world = scene(Path(path), place)
            life = Life(world, first, second, _epochs(scene, {first, second}))
            life.restricted = scene not in {first_start, doubted}
            life.run(nth)


def _called(each: object) -> str:
    return getattr(each, "__name__", str(each))


@pytest.mark.parametrize(("scene", "first", "second"), FOUND, ids=_called)
def test_nothing_goes_wrong_any_more_when(scene: Scene, first: Act, second: Act):
    _meet(scene, "tree", first, second, 24)


@pytest.mark.slow
@pytest.mark.parametrize("first", [*WORKER, *TALKER, scrape], ids=_called)
def test_whatever_another_thread_does_comes_in_between(first: Act):
    for one, second in PAIRS:
        if one is first:
            _meet(at_work, "tree", first, second, 1)


@pytest.mark.slow
@pytest.mark.parametrize("place", [place for place in PLACES if place != "tree"])
def test_it_is_the_same_in_other_places(place: str):
    for first, second in random.Random(place).sample(PAIRS, 8):
        _meet(at_work, place, first, second, 1)


@pytest.mark.slow
@pytest.mark.parametrize("scene", [interrupted, doubted, restored, long_ago], ids=_called)
def test_it_is_the_same_in_trouble(scene: Scene):
    pairs = [pair for pair in PAIRS if freeze not in pair]  # which only who has greeted hears
    for first, second in random.Random(_called(scene)).sample(pairs, 8):
        _meet(scene, "tree", first, second, 1)


@pytest.mark.parametrize("other", [scan, sweep, look, tick, heartbeat, scrape], ids=_called)
def test_a_thaw_comes_in_between(other: Act):
    _meet(frozen, "tree", other, thaw, 3)
    _meet(frozen, "tree", thaw, other, 3)


def test_an_old_copy_of_the_state_shows_before_a_heartbeat_is_written_by_it(tmp_path: Path):
    world = old_copy(tmp_path, "tree")
    heartbeat(world)
    begin(world)
    world.rest()
    world.check()
    assert 2 == world.centre.epoch
