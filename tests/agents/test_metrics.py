"""The agent's own word: what it says must not need the enforcer's."""

from prometheus_client import CollectorRegistry
from world import World, at

from agents.engine.metrics import Metrics


def test_the_oldest_limit_and_the_last_scan_are_told_without_the_enforcer(world: World):
    registry = CollectorRegistry()
    metrics = Metrics(registry, world.agent)
    oldest = "retention_agent_oldest_limit_timestamp_seconds"
    scanned = "retention_agent_scan_last_complete_timestamp_seconds"
    consulted = "retention_agent_consulted_timestamp_seconds"
    labels = {"class": "terminal-image"}
    assert registry.get_sample_value(oldest, labels) is None
    assert 0 == registry.get_sample_value(consulted)
    world.centre.away = True
    world.record(at("2026-03-10 12:00"))
    world.record(at("2026-01-20 12:00"))
    world.scan()
    assert at("2026-03-21 22:00") == registry.get_sample_value(oldest, labels)
    assert world.true.now == registry.get_sample_value(scanned)
    metrics.talked()
    assert world.true.now == registry.get_sample_value(consulted)
