"""Plain numbers say to Prometheus what its own client's would have said."""

import re

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.registry import Collector

from ingress.tallies import Answers, Bytes, Sizes

BOUNDS = (0.001, 0.25, 1, 2.5)
TIMES = st.one_of(st.sampled_from(BOUNDS), st.floats(0, 10))


def said(*collectors: Collector) -> list[str]:
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    return lines(registry)


def lines(registry: CollectorRegistry) -> list[str]:
    """The text, but for the moment at which a metric was created."""
    text = generate_latest(registry).decode()
    return re.sub(r"(_created\S*) \d\S*", r"\1 then", text).splitlines()


@given(st.lists(st.sampled_from(["stored", "full"])))
def test_answers(names: list[str]) -> None:
    ours = Answers("answers_total", "Answers.", "answer", ["stored", "full"])
    registry = CollectorRegistry()
    theirs = Counter("answers_total", "Answers.", ["answer"], registry=registry)
    for name in ("stored", "full"):
        theirs.labels(name)
    for name in names:
        ours.count(name)
        theirs.labels(name).inc()
    assert said(ours) == lines(registry)


@given(st.lists(st.integers(0, 2**20)))
def test_bytes(sizes: list[int]) -> None:
    ours, registry = Bytes("bytes_total", "Bytes."), CollectorRegistry()
    theirs = Counter("bytes_total", "Bytes.", registry=registry)
    for size in sizes:
        ours.count(size)
        theirs.inc(size)
    assert said(ours) == lines(registry)


@given(st.lists(TIMES))
def test_seconds(times: list[float]) -> None:
    ours, registry = Sizes("seconds", "Time.", BOUNDS), CollectorRegistry()
    theirs = Histogram("seconds", "Time.", registry=registry, buckets=BOUNDS)
    for seconds in times:
        ours.count(seconds)
        theirs.observe(seconds)
    assert said(ours) == lines(registry)
