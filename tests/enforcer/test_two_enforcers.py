"""Two enforcers prove by one index and publish in one directory: one ledger, and no false alarm (I7)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fleet import CHAIN, NOW
from prometheus_client import CollectorRegistry
from small_policy import LEDGER_KEY
from sqlalchemy import Engine

from enforcer import heads, prove
from enforcer.index import engine as engines
from enforcer.index import tree
from enforcer.index.engine import open_index, reading
from enforcer.tasks import rounds as tasks
from enforcer.tasks.rounds import Rounds, verified_gauge
from retention.calendar import Instant
from retention.ledger import HEARTBEAT_SECONDS, verifiers
from retention.note import Checkpoint, open_note


class Pair:
    """Two enforcers with one index and one directory for heads; each round has a heartbeat."""

    def __init__(self, first: Engine, directory: Path) -> None:
        directory.mkdir()
        self.now = NOW
        self.directory = directory
        self.second = open_index(first.url)
        self.ours, self.theirs = (self._rounds(engine) for engine in (first, self.second))

    def _rounds(self, engine: Engine) -> Rounds:
        return Rounds(
            engine=engine,
            chains=SimpleNamespace(read=lambda _connection: CHAIN),  # type: ignore[arg-type]
            clock=self._clock,
            ledger_key=LEDGER_KEY,
            directory=self.directory,
            verified=verified_gauge(CollectorRegistry()),
        )

    def _clock(self) -> Instant:
        self.now = Instant(self.now + HEARTBEAT_SECONDS)
        return self.now

    def published(self) -> int:
        """How many leaves the newest head shown is over."""
        newest = max(self.directory.glob("*.note"))
        return Checkpoint.parse(open_note(newest.read_text(), verifiers(CHAIN))).size

    def check(self) -> None:
        with reading(self.second) as connection:
            head = prove.check(connection, verifiers(CHAIN))
            assert head is not None
            assert head.size == self.published() == tree.size(connection)
            heads.require_memory(connection, CHAIN, self.directory)


@pytest.fixture
def pair(either: Engine, tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(either, tmp_path / "heads")
    yield pair
    pair.second.dispose()


def test_one_proves_after_any_transaction_of_the_other(pair: Pair, monkeypatch: pytest.MonkeyPatch):
    ours = pair.ours.engine

    def interrupted(after: int) -> int:
        """A round in which the other one has its own after so many transactions."""
        passed = 0

        def between(way: Callable[..., AbstractContextManager[Any]]) -> Callable[..., Any]:
            @contextmanager
            def counted(engine: Engine, **options: Any) -> Iterator[Any]:
                nonlocal passed
                with way(engine, **options) as connection:
                    yield connection
                if engine is ours:
                    passed += 1
                    if passed == after:
                        pair.theirs.prove()

            return counted

        with monkeypatch.context() as patch:
            for name in ("reading", "writing"):
                patch.setattr(tasks, name, between(getattr(engines, name)))
            pair.ours.prove()
        return passed

    for after in range(1, interrupted(0) + 1):
        interrupted(after)
        pair.check()


def test_both_prove_at_once(pair: Pair):
    def work(rounds: Rounds) -> None:
        for _ in range(10):
            rounds.prove()

    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(work, each) for each in (pair.ours, pair.theirs)]:
            done.result()
    pair.check()
