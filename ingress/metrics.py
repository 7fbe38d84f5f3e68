"""Every metric of the ingress: name, kind, meaning, labels. Nothing is created elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from ingress import answers
from ingress.tallies import Answers, Bytes, Sizes


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table; `buckets` of a histogram in its own unit."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


REQUESTS = Metric(
    "geophone_ingress_requests_total", "counter", "Requests answered, by answer.", ("answer",)
)
ABANDONED = Metric(
    "geophone_ingress_abandoned_total",
    "counter",
    "Requests whose caller hung up before the body was complete.",
)
SECONDS = Metric(
    "geophone_ingress_request_seconds",
    "histogram",
    "From the end of the request's headers to its answer. The sender gives up after 3 s.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 2.5, 2.75, 3, 5),
)
CONNECTIONS = Metric("geophone_ingress_connections", "gauge", "Connections of the public port.")
CLOSED = Metric(
    "geophone_ingress_closed_total",
    "counter",
    "Connections closed without an answer, by reason. silent: nothing came; unread: its answers "
    "were not read; crowd: far too many; stuck: a bug.",
    ("reason",),
)
BODY_BYTES = Metric("geophone_ingress_body_bytes_total", "counter", "Bytes of complete bodies.")
RECORDS = Metric(
    "geophone_ingress_records_total",
    "counter",
    "Records that every in-sync replica has, by topic.",
    ("topic",),
)
QUARANTINED = Metric(
    "geophone_ingress_quarantined_total",
    "counter",
    "Signed bodies that are no event, stored in the quarantine, by reason.",
    ("reason",),
)
IN_FLIGHT = Metric("geophone_ingress_in_flight", "gauge", "Requests without an answer yet.")
UNRESOLVED = Metric(
    "geophone_ingress_unresolved_records",
    "gauge",
    "Records handed to Kafka or waiting for it, those already answered 503 included.",
)
UNRESOLVED_BYTES = Metric(
    "geophone_ingress_unresolved_bytes", "gauge", "The same in bytes of their bodies."
)
BATCH = Metric(
    "geophone_ingress_batch_records",
    "histogram",
    "Records per batch sent to Kafka.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
)
REPLACEMENTS = Metric(
    "geophone_ingress_producer_replacements_total",
    "counter",
    "Kafka producers replaced by a new one, by cause: error, stalled, silent.",
    ("cause",),
)
READY = Metric("geophone_ingress_ready", "gauge", "1 if /readyz answers 200, else 0.")
SECRETS = Metric("geophone_ingress_secrets", "gauge", "Signing secrets in force.")

METRICS = (
    REQUESTS,
    ABANDONED,
    SECONDS,
    CONNECTIONS,
    CLOSED,
    BODY_BYTES,
    RECORDS,
    QUARANTINED,
    IN_FLIGHT,
    UNRESOLVED,
    UNRESOLVED_BYTES,
    BATCH,
    REPLACEMENTS,
    READY,
    SECRETS,
)

_TALLIED = (REQUESTS, SECONDS, BODY_BYTES, BATCH)
"""Counted for every request or batch, see `ingress.tallies`."""


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        names = (answer.name for answer in answers.every())
        self._answers = Answers(*_named(REQUESTS), REQUESTS.labels[0], names)
        self._seconds = Sizes(*_named(SECONDS), SECONDS.buckets)
        self.batch = Sizes(*_named(BATCH), BATCH.buckets)
        self.body_bytes = Bytes(*_named(BODY_BYTES))
        for tally in (self._answers, self._seconds, self.body_bytes, self.batch):
            self.registry.register(tally)
        others = [metric for metric in METRICS if metric not in _TALLIED]
        self._made = {metric: _make(metric, self.registry) for metric in others}
        # Looked up once: a label lookup costs as much as the count itself.
        self.abandoned: Counter = self._made[ABANDONED]
        self._records: dict[str, Counter] = {}

    def answered(self, name: str, seconds: float) -> None:
        """Count one answer."""
        self._answers.count(name)
        self._seconds.count(seconds)

    def refused(self, name: str) -> None:
        """Count the answer to a request that never was complete: it took no time of ours."""
        self._answers.count(name)

    def closed(self, reason: str) -> None:
        """Count one connection closed without an answer."""
        self._made[CLOSED].labels(reason).inc()

    def stored(self, topic: str, records: int) -> None:
        """Count records that Kafka acknowledged."""
        if topic not in self._records:
            self._records[topic] = self._made[RECORDS].labels(topic)
        self._records[topic].inc(records)

    def quarantined(self, reason: str) -> None:
        """Count one body set aside."""
        self._made[QUARANTINED].labels(reason).inc()

    def replaced(self, cause: str) -> None:
        """Count one producer replaced."""
        self._made[REPLACEMENTS].labels(cause).inc()

    def watch(self, metric: Metric, read: Callable[[], float]) -> None:
        """Let a gauge be read when it is asked for."""
        self._made[metric].set_function(read)


def _named(metric: Metric) -> tuple[str, str]:
    return metric.name, metric.meaning


def _make(metric: Metric, registry: CollectorRegistry) -> Any:
    if metric.kind == "counter":
        return Counter(metric.name, metric.meaning, metric.labels, registry=registry)
    if metric.kind == "gauge":
        return Gauge(metric.name, metric.meaning, metric.labels, registry=registry)
    return Histogram(
        metric.name, metric.meaning, metric.labels, registry=registry, buckets=metric.buckets
    )
