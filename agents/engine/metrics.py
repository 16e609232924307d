"""What the agent itself counts. The registry is passed in; facts of the catalogue are read at scrape."""

from collections.abc import Iterable, Iterator
from datetime import date

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from agents.engine.agent import Agent
from retention.permit import WAITS, waits_for

#: Name, labels and sentence.
Told = tuple[str, tuple[str, ...], str]

# All that is shown (docs/metrics.md).
FAILURES: Told = ("retention_agent_failures_total", ("task",), "Turns of its loops that failed.")
CONSULTED: Told = (
    "retention_agent_consulted_timestamp_seconds",
    (),
    "When a directive was last fetched; 0: not since it started.",
)
ITEMS: Told = ("retention_items", ("class", "state"), "Items on this store.")
TRUSTED: Told = ("retention_clock_trusted", ("role",), "1 while the wall clock is trusted.")
OFFSET: Told = (
    "retention_clock_offset_seconds",
    ("role",),
    "By how much it is ahead of the enforcer's.",
)
SCANNED: Told = (
    "retention_agent_scan_last_complete_timestamp_seconds",
    (),
    "When the last complete scan ended; 0: never.",
)
OLDEST: Told = (
    "retention_agent_oldest_limit_timestamp_seconds",
    ("class",),
    "The limit of the oldest item that nothing holds, by the agent's own policy.",
)
UNREPORTED: Told = (
    "retention_agent_unreported_entries",
    (),
    "Entries of its log that the enforcer has not taken yet.",
)
WAITING: Told = (
    "retention_agent_sweep_waiting",
    ("reason",),
    "1 if the last sweep erased nothing for this reason.",
)
TROUBLED: Told = ("retention_agent_troubled", ("reason",), "1 for each thing that is amiss.")
CONTRACT = (
    *(FAILURES, CONSULTED, ITEMS, TRUSTED, OFFSET),
    *(SCANNED, OLDEST, UNREPORTED, WAITING, TROUBLED),
)

_ROLE = ("agent",)
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
        name, labels, sentence = FAILURES
        self._failures = Counter(name, sentence, labels, registry=registry)
        name, labels, sentence = CONSULTED
        self._talked = Gauge(name, sentence, labels, registry=registry)
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
        agent = self._agent
        yield _gauge(ITEMS, {(name, state): count for name, state, count in agent.counts()})
        yield _gauge(TRUSTED, {_ROLE: int(agent.time.trusted)})
        yield _gauge(OFFSET, {_ROLE: agent.time.offset})
        value = agent.catalogue.value
        yield _gauge(
            SCANNED,
            {(): value("SELECT coalesce(max(ended), 0) FROM scans JOIN agent USING (epoch)")},
        )
        yield _gauge(OLDEST, {(name,): limit for name, limit in self._limits()})
        yield _gauge(UNREPORTED, {(): value("SELECT log_number - log_acknowledged FROM agent")})
        waits = waits_for(agent.waiting) if agent.waiting else ""
        yield _gauge(WAITING, {(word,): int(word == waits) for word in WAITS})
        yield _gauge(TROUBLED, {(note,): 1 for note in agent.notes()})

    def _limits(self) -> Iterator[tuple[str, int]]:
        """The first limit of each class: an item of the index for each, however many there are."""
        for record_class, civil in self._agent.catalogue.rows(_OLDEST):
            if civil is None:  # a word of something else, or a class of which nothing is left
                continue
            limits = self._agent.chain().limits_of(record_class, date.fromordinal(civil))
            if limits is not None:
                yield record_class, limits.outer_bound


def _gauge(told: Told, values: dict[tuple[str, ...], float]) -> GaugeMetricFamily:
    name, labels, sentence = told
    family = GaugeMetricFamily(name, sentence, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
