"""What the agent itself counts. The registry is passed in; facts of the catalogue are read at scrape."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from agents.engine.agent import Agent


class Metrics:
    """Counters of the daemon's loops, and a collector over the catalogue."""

    def __init__(self, registry: CollectorRegistry, agent: Agent) -> None:
        self._failures = Counter(
            "retention_agent_failures", "Failed turns of a loop.", ["task"], registry=registry
        )
        self._talked = Gauge(
            "retention_agent_consulted_timestamp_seconds",
            "When a directive was last fetched.",
            registry=registry,
        )
        self._agent = agent
        registry.register(_Facts(agent))

    def failed(self, task: str) -> None:
        """A turn of this loop failed."""
        self._failures.labels(task).inc()

    def talked(self) -> None:
        """Report and consultation went through."""
        self._talked.set(self._agent.clock.wall())


class _Facts(Collector):
    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def collect(self) -> Iterable[GaugeMetricFamily]:
        items = GaugeMetricFamily(
            "retention_items", "Items on this store.", labels=["class", "state"]
        )
        for record_class, state, count in self._agent.counts():
            items.add_metric([record_class, state], count)
        yield items
        trusted = GaugeMetricFamily(
            "retention_clock_trusted", "1 while the wall clock is trusted.", labels=["role"]
        )
        trusted.add_metric(["agent"], int(self._agent.time.trusted))
        yield trusted
