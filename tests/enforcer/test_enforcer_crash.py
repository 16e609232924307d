"""The enforcer is killed at every call of the kernel by which it makes receipts into proof, and restarts.

Whatever call it was, the agent sends again what was not acknowledged, and everything comes to the
same books and the same facts in the ledger (I6, I14); no head that was published is taken back (I7).
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from fleet import CHAIN, NOW, Log, add_store, books, sight
from killing import kill_at, trace
from prometheus_client import CollectorRegistry
from small_policy import LEDGER_KEY
from sqlalchemy import select

from enforcer.index.engine import open_index, reading
from enforcer.index.tables import leaves
from enforcer.tasks.rounds import Rounds, verified_gauge
from retention import ledger, merkle
from retention.calendar import DAY, Instant
from retention.ledger import Certificate, verifiers
from retention.note import Checkpoint, open_note
from retention.outcome import Outcome
from retention.report import Erased

SHARDS = 2
OLD = Instant(NOW - 59 * DAY)
RECEIPTS = (
    Erased(NOW, ((1, 3),), "due", Outcome.ERASED_VERIFIED),
    Erased(NOW, ((5, 5),), "due", Outcome.ALREADY_ABSENT),
)


@contextmanager
def enforcer(directory: Path) -> Iterator[tuple[Log, Rounds]]:
    """An enforcer as it starts, and the agent whose log it gets."""
    engine = open_index(f"sqlite:///{directory / 'index.db'}")
    rounds = Rounds(
        engine=engine,
        chains=SimpleNamespace(read=lambda _connection: CHAIN),  # type: ignore[arg-type]
        clock=lambda: NOW,
        ledger_key=LEDGER_KEY,
        directory=directory / "heads",
        verified=verified_gauge(CollectorRegistry()),
    )
    log = Log(engine)
    log.write([sight(n, anchor=OLD, seen=OLD) for n in range(1, 7)])
    log.write(RECEIPTS)
    yield log, rounds
    engine.dispose()


def work(directory: Path) -> Callable[[], Callable[[], None]]:
    """For a forked process: open the index; then, under the tracer's eyes, take receipts and prove."""

    def start() -> Callable[[], None]:
        log, rounds = enforcer(directory).__enter__()

        def deed() -> None:
            log.send(7, len(log.lines))
            rounds.prove()

        return deed

    return start


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Six items were reported and a first head was published."""
    base = tmp_path / "base"
    (base / "heads").mkdir(parents=True)
    with enforcer(base) as (log, rounds):
        add_store(log.engine)
        log.send(1, 6)
        rounds.prove()
    return base


def published(directory: Path) -> list[Checkpoint]:
    """The heads that others can have seen."""
    notes = (directory / "heads").glob("*.note")
    return [Checkpoint.parse(open_note(n.read_text(), verifiers(CHAIN))) for n in notes]


def at_rest(directory: Path) -> tuple[object, Counter[object]]:
    """What is on the books and in the ledger, when agent and enforcer have nothing more to do."""
    before = published(directory)
    with enforcer(directory) as (log, rounds):
        rounds.remember()
        log.send(1, len(log.lines))
        rounds.prove()
        rounds.check()
        with reading(log.engine) as connection:
            chosen = select(leaves.c.data).order_by(leaves.c.position)
            stored = list(connection.execute(chosen).scalars())
        hashes = [merkle.leaf_hash(data) for data in stored]
        assert all(merkle.root(hashes[: h.size]) == h.root for h in before), "a head was taken back"
        return books(log.engine), proved(map(ledger.decode, stored))


def proved(entries: Iterable[object]) -> Counter[object]:
    """How many items the certificates speak of, by all that they say of them."""
    facts: Counter[object] = Counter()
    for leaf in entries:
        if isinstance(leaf, Certificate):
            for count in leaf.counts:
                facts[leaf.civil, count.why, count.outcome, count.timing] += count.items
    return facts


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_kill_at_any_changing_call_loses_no_receipt_and_proves_none_twice(
    scene: Path, tmp_path: Path, need: Callable[[str], str], shard: int
):
    strace = need("strace")

    def copied() -> Path:
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        return Path(shutil.copytree(scene, tmp_path / "run"))

    calls = trace(strace, work(copied()), tmp_path / "calls")
    expected = at_rest(tmp_path / "run")
    assert 4 == expected[1].total()
    deaths = 0
    for call in calls[shard::SHARDS]:
        directory = copied()
        deaths += kill_at(strace, work(directory), call)
        assert expected == at_rest(directory), f"after a kill at {call.name} number {call.nth}"
    assert deaths >= len(calls) // SHARDS - 2
    assert len(calls) > 20
