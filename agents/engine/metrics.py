"""What the agent itself counts. The registry is passed in; facts of the catalogue are read at scrape."""

from collections.abc import Iterable, Iterator
from datetime import date

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from agents.engine.agent import Agent

# What waits for a date of its own (undated, late) or is restricted does not go by its limit.
_OLDEST = """
SELECT word, (
    SELECT civil FROM items INDEXED BY items_due
     WHERE record_class = words.id AND holds = 0 AND state = 0 ORDER BY civil LIMIT 1
) FROM words ORDER BY word
"""


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
        yield GaugeMetricFamily(
            "retention_agent_scan_last_complete_timestamp_seconds",
            "When the last complete scan ended; 0: never.",
            value=self._agent.catalogue.value("SELECT coalesce(max(ended), 0) FROM scans"),
        )
        limits = GaugeMetricFamily(
            "retention_agent_oldest_limit_timestamp_seconds",
            "The limit of the oldest item that nothing holds, by the agent's own policy.",
            labels=["class"],
        )
        for record_class, limit in self._limits():
            limits.add_metric([record_class], limit)
        yield limits

    def _limits(self) -> Iterator[tuple[str, int]]:
        """The first limit of each class: an item of the index for each, however many there are."""
        for record_class, civil in self._agent.catalogue.rows(_OLDEST):
            if civil is None:  # a word of something else, or a class of which nothing is left
                continue
            limits = self._agent.chain().limits_of(record_class, date.fromordinal(civil))
            if limits is not None:
                yield record_class, limits.outer_bound
