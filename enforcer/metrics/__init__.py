"""The enforcer's facts as Prometheus metrics: read at scrape, out of one consistent state.

Nothing is counted in code: what is in the database is in the metric, after a restart as before.
Labels are classes, store groups, states, reasons and grounds, never an item, a path or a second
(I8; docs/metrics.md).
"""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Engine

from enforcer import comply
from enforcer.index.engine import reading
from enforcer.index.policies import Chains
from enforcer.metrics.audits import audits
from enforcer.metrics.erasing import erasures
from enforcer.metrics.family import Family
from enforcer.metrics.fleet import fleet
from enforcer.metrics.head import head
from enforcer.metrics.holding import holding
from enforcer.metrics.promise import promise
from retention.calendar import Instant
from retention.policy import Chain


class Facts(Collector):
    """Collects everything the index knows, as of one transaction."""

    def __init__(self, engine: Engine, chains: Chains, clock: Callable[[], Instant]) -> None:
        self._engine = engine
        self._chains = chains
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not read the database."""
        return ()

    def collect(self) -> Iterable[Family]:
        """One scrape."""
        now = self._clock()
        with reading(self._engine) as connection:
            return list(families(connection, self._chains.read(connection), now))


def families(connection: Connection, chain: Chain, now: Instant) -> Iterator[Family]:
    """Every name of the contract with what the index has of it (docs/metrics.md)."""
    found = comply.positions(connection, chain, now)
    yield from promise(connection, found, chain, now)
    yield from erasures(connection, {position.record_class for position in found})
    yield from fleet(connection, now)
    yield from holding(connection, now)
    yield from head(connection)
    yield from audits(connection)
