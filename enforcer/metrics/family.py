"""Families of samples for a collector, out of numbers by label values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate

from prometheus_client.metrics_core import Metric

from enforcer.index.histograms import ENDLESS

Labels = tuple[str, ...]


class Family(Metric):
    """One name of the contract. It knows its labels also while it has no series (docs/metrics.md)."""

    def __init__(self, name: str, sentence: str, kind: str, labels: Labels) -> None:
        super().__init__(name, sentence, kind)
        self.labels = labels

    def add(self, key: Labels, value: float, suffix: str = "", **more: str) -> None:
        """One sample under these values of the labels."""
        named = dict(zip(self.labels, key, strict=True))
        self.add_sample(f"{self.name}{suffix}", named | more, value)


def gauge(name: str, sentence: str, labels: Labels, values: Mapping[Labels, float]) -> Family:
    """What goes up and down."""
    return _filled(Family(name, sentence, "gauge", labels), values)


def counter(name: str, sentence: str, labels: Labels, values: Mapping[Labels, float]) -> Family:
    """What only grows; `_total` is added to the name."""
    return _filled(Family(name, sentence, "counter", labels), values, "_total")


def untyped(name: str, sentence: str, labels: Labels, values: Mapping[Labels, float]) -> Family:
    """What a name says to be of another type than it is."""
    return _filled(Family(name, sentence, "unknown", labels), values)


def number(name: str, sentence: str, value: float | None) -> Family:
    """A gauge without labels; None: not known, and so no series."""
    return gauge(name, sentence, (), {} if value is None else {(): value})


def histogram(
    name: str,
    sentence: str,
    labels: Labels,
    values: Mapping[Labels, tuple[Mapping[int, int], int]],
    bounds: Sequence[int],
) -> Family:
    """Counts by the upper bound of their bucket, and the sum of what was counted."""
    family = Family(name, sentence, "histogram", labels)
    for key, (buckets, total) in sorted(values.items()):
        cumulative = _cumulative(buckets, bounds)
        for bound, count in cumulative:
            family.add(key, count, "_bucket", le=bound)
        family.add(key, cumulative[-1][1], "_count")
        family.add(key, total, "_sum")
    return family


def _filled(family: Family, values: Mapping[Labels, float], suffix: str = "") -> Family:
    for key, value in sorted(values.items()):
        family.add(key, value, suffix)
    return family


def _cumulative(buckets: Mapping[int, int], bounds: Sequence[int]) -> list[tuple[str, float]]:
    """Prometheus wants every bucket, each to hold those below it too, and a last one for all."""
    counts = Counter(buckets)
    sums = accumulate(counts[bound] for bound in bounds)
    names = ("+Inf" if bound == ENDLESS else str(float(bound)) for bound in bounds)
    return list(zip(names, sums, strict=True))
