"""A real Prometheus that scrapes the metrics of an enforcer and of an agent."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fleet import add_store
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_server import Server, running
from sqlalchemy import insert
from test_comply import CHAIN, NOW, Store
from world import World, at

from agents.engine.metrics import Metrics
from enforcer import comply
from enforcer.clock import wall_clock
from enforcer.index import standings
from enforcer.index.engine import open_index, writing
from enforcer.index.tables import checkpoints, rescans
from enforcer.metrics import Facts
from enforcer.tasks.rounds import verified_gauge
from enforcer.tasks.side import SideTasks, Task
from retention.outcome import Outcome
from retention.report import Erased, Held, Marked, Sighted, runs

RULES = Path(__file__).parent.parent.parent / "deploy" / "prometheus" / "rules"


class _Chains:
    def read(self, _connection: object) -> object:
        return CHAIN


@pytest.fixture(scope="session")
def enforcer_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The enforcer's collectors over an index with something of everything, and one store in trouble."""
    index = open_index(f"sqlite:///{tmp_path_factory.mktemp('index') / 'index.db'}")
    store = Store(index)
    numbers = [store.sight(at("2026-03-10 12:00")) for _ in range(3)]
    store.say(Marked(NOW, "hold-1", NOW, NOW, (), "event"))
    store.say(Held(NOW, "hold-1", runs(numbers[:1])))
    gone = store.sight(at("2026-01-10 12:00"))
    store.say(Erased(NOW, ((gone, gone),), "due", Outcome.ERASED_VERIFIED))
    store.set(last_seen_at=NOW, clock_offset=2, clock_trusted=True)
    store.items += 1
    mark = bytes(16)
    store.say(Sighted(store.items, "canary", "canary", NOW, "name", 0, 0, 0, NOW, 100, mark))
    add_store(index, "riga-002", last_seen_at=NOW, scan_complete_at=NOW)
    add_store(index, "riga-003", state="invited")
    with writing(index) as connection:
        connection.execute(insert(checkpoints).values(size=1, root=bytes(32), note="note", at=NOW))
        connection.execute(insert(rescans).values(digest=b"", at=wall_clock(), report=b""))
    with writing(index) as connection:
        found = comply.standings(comply.positions(connection, CHAIN, NOW))
        standings.note(connection, {each.record_class: each.state for each in found}, NOW)
    registry = CollectorRegistry()
    registry.register(Facts(index, _Chains(), lambda: NOW))  # type: ignore[arg-type]
    verified_gauge(registry).set(wall_clock())
    SideTasks([Task("prove", 60, lambda: None)], registry, lambda: None)
    yield from served(registry)
    index.dispose()


@pytest.fixture(scope="session")
def agent_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """An agent's metrics, with one recording on its store."""
    world = World.make(tmp_path_factory.mktemp("world"), at("2026-03-16 12:00"))
    world.record(at("2026-03-10 12:00"))
    world.scan()
    registry = CollectorRegistry()
    Metrics(registry, world.agent)
    yield from served(registry)


def served(registry: CollectorRegistry) -> Iterator[int]:
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def prometheus(
    tmp_path_factory: pytest.TempPathFactory,
    need: Callable[[str], str],
    enforcer_port: int,
    agent_port: int,
) -> Iterator[Server]:
    """It has scraped both several times, and evaluated our rules."""
    jobs = {"retention-enforcer": enforcer_port, "retention-agent": agent_port}
    home = tmp_path_factory.mktemp("prometheus")
    with running(need("prometheus"), home, jobs, rules=str(RULES / "*.yml")) as server:
        yield server.settled(
            f"count(up == 1 and sum_over_time(up[1m]) >= 4) == {len(jobs)}",
            "class:retention_came_due_items:increase1d",
        )
