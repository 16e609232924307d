"""Families of samples for a collector, out of numbers by label values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    UnknownMetricFamily,
)
from prometheus_client.metrics_core import Metric

from enforcer.index.histograms import ENDLESS

Labels = tuple[str, ...]
_Family = CounterMetricFamily | GaugeMetricFamily | UnknownMetricFamily


def gauge(name: str, sentence: str, labels: Labels, values: Mapping[Labels, float]) -> Metric:
    """What goes up and down."""
    return _filled(GaugeMetricFamily(name, sentence, labels=labels), values)


def counter(name: str, sentence: str, labels: Labels, values: Mapping[Labels, float]) -> Metric:
    """What only grows; `_total` is added to the name."""
    return _filled(CounterMetricFamily(name, sentence, labels=labels), values)


def untyped(name: str, sentence: str, labels: Labels, values: Mapping[Labels, float]) -> Metric:
    """What a name says to be of another type than it is."""
    return _filled(UnknownMetricFamily(name, sentence, labels=labels), values)


def number(name: str, sentence: str, value: float) -> Metric:
    """A gauge without labels."""
    return GaugeMetricFamily(name, sentence, value=value)


def histogram(
    name: str,
    sentence: str,
    labels: Labels,
    values: Mapping[Labels, tuple[Mapping[int, int], int]],
    bounds: Sequence[int],
) -> Metric:
    """Counts by the upper bound of their bucket, and the sum of what was counted."""
    family = HistogramMetricFamily(name, sentence, labels=labels)
    for key, (buckets, total) in sorted(values.items()):
        family.add_metric(key, _cumulative(buckets, bounds), total)
    return family


def _filled(family: _Family, values: Mapping[Labels, float]) -> Metric:
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _cumulative(buckets: Mapping[int, int], bounds: Sequence[int]) -> list[tuple[str, float]]:
    """Prometheus wants every bucket, each to hold those below it too, and a last one for all."""
    counts = Counter(buckets)
    sums = accumulate(counts[bound] for bound in bounds)
    names = ("+Inf" if bound == ENDLESS else str(float(bound)) for bound in bounds)
    return list(zip(names, sums, strict=True))
