"""A hold is placed at every point of a sweep; what was acknowledged as effective is never erased after.

Installing a directive excludes erasing: it comes before a batch or after its outcomes are down, and
what it came too late for is told with it, by civil date and count (I2, I15).
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from itertools import count
from pathlib import Path

import pytest
from bucket_world import BucketWorld
from fake_s3 import FakeS3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from row_worlds import CallWorld, CsvWorld, SqlWorld, sqlite_file
from waiting import wait_until
from world import RIGA, World, at, signed_policy

from agents.engine.erasing import sweep
from agents.stores.rows.postgres import Postgres
from retention.acts import Release
from retention.calendar import DAY, Instant, civil_date
from retention.hold import StoreHold
from retention.policy import Migration
from retention.report import Acknowledged, Erased

NOON = at("2026-03-16 12:00")
#: Days that are due at NOON, the oldest first: the order in which a sweep takes them.
DUE_DAYS = [at(f"2026-01-{day:02} 10:00") for day in range(5, 15)]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two items a batch, so that a sweep of ten has places in between."""
    for name in ("_BY_DATE", "_UNDATED", "_GRANTED"):
        query = getattr(sweep, name).replace(f"LIMIT {sweep.BATCH_ITEMS}", "LIMIT 2")
        monkeypatch.setattr(sweep, name, query)


Terminal = Callable[[Path], World]


KINDS = ("tree", "bucket", "bucket in memory", "bucket without versions", "CSV", "SQLite", "calls")


@pytest.fixture(params=[*KINDS, "PostgreSQL"])
def terminal(request: pytest.FixtureRequest) -> Terminal:
    """Make a store with ten items that are due, in each kind of place."""
    if request.param == "bucket":
        gateway = request.getfixturevalue("gateway")
        return lambda path: _filled(BucketWorld.found(path, NOON, gateway))
    if request.param == "PostgreSQL":
        new_schema = request.getfixturevalue("new_schema")
        return lambda path: _filled(SqlWorld.found(path, NOON, _postgres(new_schema())))
    return LOCAL[request.param]


def _postgres(dsn: str) -> Callable[[], Postgres]:
    return lambda: Postgres(dsn)


def _in_memory(path: Path, versioning: str = "Enabled") -> World:
    server = FakeS3(lambda: NOON)
    world = BucketWorld.found(path, NOON, server, versioning=versioning)  # type: ignore[arg-type]
    server.clock = lambda: world.true.now
    return world


LOCAL: dict[str, Terminal] = {
    "tree": lambda path: _filled(World.make(path, NOON)),
    "bucket in memory": lambda path: _filled(_in_memory(path)),
    "bucket without versions": lambda path: _filled(_in_memory(path, "")),
    "CSV": lambda path: _filled(CsvWorld.found(path, NOON)),
    "SQLite": lambda path: _filled(SqlWorld.found(path, NOON, sqlite_file(path / "calls.db"))),
    "calls": lambda path: _filled(CallWorld.found(path, NOON)),
}


def _filled(world: World) -> World:
    for moment in DUE_DAYS:
        world.record(moment)
    world.activate()
    world.scan()
    world.report()
    return world


def _hold(hold: str, first: Instant, last: Instant | None = None) -> StoreHold:
    return StoreHold(hold, Instant(first - 60), Instant((last or first) + 60))


def _civil(moment: Instant) -> int:
    return civil_date(moment, RIGA).toordinal()


def _assert_words_true(world: World) -> None:
    """Nothing erased after a hold on it was acknowledged, and `gone` is what was erased before."""
    books = world.check()  # Books refuse an erasure of what is held
    erased_before: Counter[int] = Counter()
    holds = {hold.id: hold for hold in world.centre.holds}
    for entry in world.centre.entries():
        if isinstance(entry, Erased):
            for first, last in entry.items:
                for number in range(first, last + 1):
                    item = books.ended[number].item
                    assert item.anchor is not None
                    erased_before[_civil(item.anchor)] += 1
        elif isinstance(entry, Acknowledged):
            for hold in {told for told, _, _ in entry.gone}:
                expected = {
                    day: erased_before[day] for day in _days(holds[hold]) if erased_before[day]
                }
                assert expected == {d: items for told, d, items in entry.gone if told == hold}


def _days(hold: StoreHold) -> range:
    return range(_civil(hold.begins), _civil(hold.ends) + 1)


def test_a_hold_between_any_two_batches_keeps_what_is_left_and_counts_what_is_gone(
    memory_path: Path, terminal: Terminal
):
    for batches in range(7):
        world = terminal(memory_path / str(batches))
        sweeping = world.agent.sweep()
        for _ in range(batches):
            next(sweeping, None)
        left = world.files()
        world.centre.holds.append(_hold("h", DUE_DAYS[2], DUE_DAYS[7]))
        world.agent.exchange.consult()
        for _ in sweeping:
            pass
        world.rest()
        held = {f"front/{date.fromordinal(_civil(m)):%Y%m%d}-120000.jpg" for m in DUE_DAYS[2:8]}
        assert held & left == world.files()
        books = world.books()
        assert {"h"} <= books.effective
        gone = {_civil(m): 1 for m in DUE_DAYS[2:8] if _name(m) not in left}
        assert gone == dict(books.gone.get("h", {}))
        _assert_words_true(world)
        world.stop()


def test_a_store_that_is_frozen_between_two_batches_erases_no_more(
    memory_path: Path, terminal: Terminal
):
    world = terminal(memory_path / "store")
    sweeping = world.agent.sweep()
    next(sweeping)
    left = world.files()
    with world.agent.catalogue.transaction() as db:
        db.execute("UPDATE agent SET frozen = 'two boxes'")
    assert [] == list(sweeping)
    assert left == world.files() != set()
    world.stop()


def _policy(world: World) -> None:
    """From today on a recording is kept for 70 days, and so are older ones: two owners signed that."""
    before = world.centre.chain
    migration = Migration("terminal-image", 1, reason="a longer notice")
    document = replace(
        before.current,
        version=2,
        previous=before.head,
        issued_at=NOON,
        effective_from=civil_date(NOON, RIGA),
        classes=tuple(
            replace(each, period="P70D") if each.name == "terminal-image" else each
            for each in before.current.classes
        ),
        migrations=(migration,),
    )
    world.centre.policies.append(signed_policy(document))
    world.agent.exchange.consult()


def _technician(world: World) -> None:
    freeze = world.state / "freeze"
    freeze.touch()
    os.utime(freeze, (NOON, NOON))


def _jump(world: World) -> None:
    world.clock.ahead = DAY


def _held_back(world: World) -> None:
    """The directive says so, and it is more than an hour before the own target."""
    world.centre.due = ()
    world.agent.exchange.consult()


@pytest.mark.parametrize("meanwhile", [_policy, _technician, _jump, _held_back])
def test_what_would_keep_a_sweep_from_beginning_keeps_it_from_going_on(
    tmp_path: Path, meanwhile: Callable[[World], None]
):
    """All but what is over its time by any rule."""
    young = [Instant(at("2026-01-16 10:00") + n * 60) for n in range(6)]
    for batches in range(3):
        world = World.make(tmp_path / str(batches), at("2026-03-16 12:00"))
        for moment in young:
            world.record(moment)
        world.activate()
        world.scan()
        world.report()
        sweeping = world.agent.sweep()
        for _ in range(batches):
            next(sweeping)
        left = world.files()
        assert 6 - 2 * batches == len(left)
        meanwhile(world)
        assert all(True for _ in sweeping)
        assert left == world.files()
        world.stop()


def _name(moment: Instant) -> str:
    return f"front/{date.fromordinal(_civil(moment)):%Y%m%d}-120000.jpg"


def _at_each_step(world: World, act: Callable[[str], None]) -> None:
    """Have `act` called within a batch: before and after the intents, the erasing, the outcomes."""
    receipts, store = world.agent._receipts, world.agent.store

    def around(owner: object, name: str) -> None:
        before = getattr(owner, name)

        def after(*args: object, **kwargs: object) -> object:
            act(f"before {name}")
            result = before(*args, **kwargs)
            act(f"after {name}")
            return result

        setattr(owner, name, after)

    around(receipts, "intend")
    around(store, "erase")
    around(receipts, "record")


@pytest.mark.parametrize("moment", range(6))
def test_a_hold_that_comes_in_the_middle_of_a_batch_waits_for_its_outcomes(
    memory_path: Path, terminal: Terminal, moment: int
):
    _hold_at(moment, terminal(memory_path / "store"))


@pytest.mark.parametrize("moment", range(6, 10))
def test_a_hold_that_comes_between_two_parts_of_a_call_waits_as_well(
    memory_path: Path, moment: int
):
    """Parts of calls are erased in three stages; to the hold they are one."""
    _hold_at(moment, LOCAL["calls"](memory_path / "store"))


def _waits(world: World, thread: threading.Thread) -> bool:
    """Whether this thread comes to wait for its turn to decide, and not to its end."""
    door = world.agent.sweeper._turns._door
    wait_until(lambda: door.locked() or not thread.is_alive(), "it waits, or is done")
    return thread.is_alive()


def _hold_at(moment: int, world: World) -> None:
    steps: Iterator[int] = count()
    waited: list[bool] = []
    talker = threading.Thread(target=world.agent.exchange.consult)

    def place(_: str) -> None:
        if next(steps) != moment:
            return
        world.centre.holds.append(_hold("h", DUE_DAYS[0], DUE_DAYS[-1]))
        talker.start()
        waited.append(_waits(world, talker))  # nothing is installed while a batch is open
        assert "h" not in world.agent.obedience._holds.in_force()

    _at_each_step(world, place)
    world.sweep()
    talker.join()
    assert [True] == waited
    world.rest()
    assert {_name(m) for m in DUE_DAYS[2:]} == world.files(), "one batch of two had begun"
    assert {_civil(m): 1 for m in DUE_DAYS[:2]} == dict(world.books().gone["h"])
    _assert_words_true(world)
    world.stop()


def test_a_marker_that_comes_in_the_middle_of_a_batch_waits_for_its_outcomes_too(
    memory_path: Path, terminal: Terminal
):
    world = terminal(memory_path / "store")
    seen: list[bool] = []
    hold = _hold("marker-event-1", DUE_DAYS[0], DUE_DAYS[-1])
    marker = threading.Thread(target=world.agent.obedience.mark, args=(hold, "event"))

    def place(step: str) -> None:
        if step == "before erase" and not seen:
            marker.start()
            seen.append(_waits(world, marker))

    _at_each_step(world, place)
    world.sweep()
    marker.join()
    assert [True] == seen
    world.rest()
    assert {_name(m) for m in DUE_DAYS[2:]} == world.files()
    world.check()
    world.stop()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("batch"), st.just(0), st.just(0)),
        st.tuples(st.just("hold"), st.integers(0, 9), st.integers(0, 9)),
        st.tuples(st.just("release"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("record"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("day"), st.just(0), st.just(0)),
        st.tuples(st.just("crash"), st.just(0), st.just(0)),
        st.tuples(st.just("consult"), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@pytest.mark.slow
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=steps)
def test_whatever_is_placed_released_and_crashed_in_whichever_order_no_word_becomes_false(
    tmp_path_factory: pytest.TempPathFactory,
    terminal: Terminal,
    plan: list[tuple[str, int, int]],
):
    world = terminal(tmp_path_factory.mktemp("store"))
    sweeping: Iterator[object] = iter(())
    for number, (what, one, two) in enumerate(plan):
        if what == "batch":
            if next(sweeping, None) is None:
                sweeping = world.agent.sweep()
        elif what == "hold":
            first, last = sorted((DUE_DAYS[one], DUE_DAYS[two]))
            world.centre.holds.append(_hold(f"h{number}", first, last))
        elif what == "release" and one < len(world.centre.holds):
            hold = world.centre.holds[one].id
            world.sign(Release(id=world.act_id(), at=world.true.now, reason="over", hold=hold))
        elif what == "record":
            world.record(DUE_DAYS[one], tag=f"-{number}", directory="copies")
            world.scan()
        elif what == "day":
            world.true.pass_(DAY // 2)
        elif what == "crash":
            sweeping.close() if hasattr(sweeping, "close") else None
            world.crash()
        elif what == "consult":
            world.agent.exchange.consult()
    for _ in sweeping:
        pass
    world.rest()
    _assert_words_true(world)
    world.stop()
