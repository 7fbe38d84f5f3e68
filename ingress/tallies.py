"""What is counted for every request or batch: plain numbers, read when somebody asks for them.

prometheus_client takes a lock for each count, as it has to serve threads: three of them cost a
request 2.6 µs, this 0.6.
"""

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Answers(Collector):
    """A counter of answers by name."""

    def __init__(self, metric: str, meaning: str, label: str, names: Iterable[str]) -> None:
        self._named = (metric, meaning, [label])
        self._created = time.time()
        self._counts = dict.fromkeys(names, 0)

    def count(self, name: str) -> None:
        """Count one."""
        self._counts[name] += 1

    def collect(self) -> Iterator[Metric]:
        metric, meaning, labels = self._named
        family = CounterMetricFamily(metric, meaning, labels=labels)
        for name, count in self._counts.items():
            family.add_metric([name], count, created=self._created)
        yield family


class Bytes(Collector):
    """A counter without labels."""

    def __init__(self, metric: str, meaning: str) -> None:
        self._named = (metric, meaning)
        self._created = time.time()
        self._count = 0

    def count(self, more: int) -> None:
        """Count so many."""
        self._count += more

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(*self._named, value=self._count, created=self._created)


class Sizes(Collector):
    """A histogram without labels."""

    def __init__(self, metric: str, meaning: str, bounds: Sequence[float]) -> None:
        self._named = (metric, meaning)
        self._created = time.time()
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def count(self, size: float) -> None:
        """Count one of this size; a bound belongs to its bucket."""
        self._counts[bisect_left(self._bounds, size)] += 1
        self._sum += size

    def collect(self) -> Iterator[Metric]:
        names = [*map(floatToGoString, self._bounds), "+Inf"]
        buckets = list(zip(names, accumulate(self._counts), strict=True))
        family = HistogramMetricFamily(*self._named, buckets=buckets, sum_value=self._sum)
        family.add_sample(f"{family.name}_created", {}, self._created)
        yield family
