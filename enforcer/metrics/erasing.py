"""How erasures ended, and how much time was left."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, select

from enforcer.index.histograms import SLACK_BOUNDS
from enforcer.index.tables import erasure_tallies
from enforcer.metrics.family import Family, Labels, counter, histogram
from retention.outcome import Outcome

#: Reasons of erasing by which the own target decided; of the others the slack says nothing.
_BY_DATE = frozenset({"due", "early"})


def erasures(connection: Connection, classes: Iterable[str]) -> Iterator[Family]:
    """Counts by reason and outcome, and the slack. Of `classes` also the first one is seen to come."""
    names: list[Labels] = [(name,) for name in classes]
    counts = Counter[Labels]({(*n, "due", Outcome.ERASED_VERIFIED.value): 0 for n in names})
    reappeared: Counter[Labels] = Counter(dict.fromkeys(names, 0))
    buckets: defaultdict[Labels, Counter[int]] = defaultdict(Counter, {n: Counter() for n in names})
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
        "Histogram of own target minus time of erasing; negative: late.",
        ("class",),
        {key: (each, seconds[key]) for key, each in buckets.items()},
        SLACK_BOUNDS,
    )
