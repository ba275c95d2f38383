"""Counters and histograms as plain numbers, since counting must be cheap.

The Prometheus library's own counters look up their labels and take a lock at each count: that took a tenth of a
server's time. Here the library reads the numbers only when it is scraped. Count each series in one thread.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Seconds. The upper bounds of the buckets; the library's own."""


class LabelledCounter(Collector):
    """How often something happened, by labels."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...]) -> None:
        self._names = (name, text, labels)
        self._counts: defaultdict[tuple[object, ...], int] = defaultdict(int)

    def add(self, *labels: object, count: int = 1) -> None:
        self._counts[labels] += count

    def collect(self) -> Iterator[CounterMetricFamily]:
        """What the registry asks for."""
        name, text, label_names = self._names
        family = CounterMetricFamily(name, text, labels=label_names)
        for labels, count in self._counts.copy().items():
            family.add_metric([str(label) for label in labels], count)
        yield family


class DurationHistogram(Collector):
    """How long something took, by one label."""

    def __init__(self, name: str, text: str, label: str) -> None:
        self._names = (name, text, label)
        self._counts: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BOUNDS) + 1))
        self._sums: defaultdict[str, float] = defaultdict(float)

    def observe(self, label: str, seconds: float) -> None:
        self._counts[label][bisect_left(BOUNDS, seconds)] += 1
        self._sums[label] += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What the registry asks for."""
        name, text, label_name = self._names
        family = HistogramMetricFamily(name, text, labels=(label_name,))
        bounds = [*map(str, BOUNDS), "+Inf"]
        for label, counts in self._counts.copy().items():
            family.add_metric([label], list(zip(bounds, accumulate(counts), strict=True)), self._sums[label])
        yield family
