"""How erasures ended, and how much time was left."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from sqlalchemy import Connection, select

from enforcer.index.histograms import SLACK_BOUNDS
from enforcer.index.tables import erasure_tallies
from enforcer.metrics.family import Labels, counter, histogram

#: Reasons of erasing by which the own target decided; of the others the slack says nothing.
_BY_DATE = frozenset({"due", "early"})


def erasures(connection: Connection) -> Iterator[Metric]:
    """Counts by reason and outcome, and the slack."""
    counts: Counter[Labels] = Counter()
    reappeared: Counter[Labels] = Counter()
    buckets: defaultdict[Labels, Counter[int]] = defaultdict(Counter)
    seconds: Counter[Labels] = Counter()
    for row in connection.execute(select(erasure_tallies)).mappings():
        key, why, items = (row["record_class"],), row["why"], row["items"]
        counts[*key, why, row["outcome"]] += items
        reappeared[key] += items if why == "zombie" else 0
        if why in _BY_DATE:
            buckets[key][row["slack"]] += items
            seconds[key] += row["seconds"]
    yield counter(
        "retention_erasures",
        "Intents by how they ended.",
        ("class", "reason", "outcome"),
        counts,
    )
    yield counter(
        "retention_reappeared_items",
        "Items erased again after they came back.",
        ("class",),
        reappeared,
    )
    yield histogram(
        "retention_erasure_slack_seconds",
        "From erasing to the own target; negative: late.",
        ("class",),
        {key: (each, seconds[key]) for key, each in buckets.items()},
        SLACK_BOUNDS,
    )
