"""The raw topic, filled as the ingress fills it: a fifth of the events comes twice."""

import random
import time
from collections.abc import Iterator

import orjson
from confluent_kafka import Producer

from schemas import envelope, headers
from schemas.partitioner import partition_for

TENANTS = 20
TWICE = 0.2
BYTES = 480


def events(first: int, count: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield tenant and body of events `first` and following; the same ones every time."""
    chance = random.Random(first)  # noqa: S311 - nobody guesses a benchmark
    sent: list[tuple[bytes, bytes]] = []
    for number in range(first, first + count):
        if sent and chance.random() < TWICE:
            yield chance.choice(sent)
            continue
        sent.append(_event(number, chance.randrange(TENANTS)))
        yield sent[-1]


def _event(number: int, tenant: int) -> tuple[bytes, bytes]:
    event = {
        "id": f"event-{number}",
        "version": "LivesendUpdatedV1",
        "tenantId": f"tenant-{tenant}",
        "occurredAt": "2026-01-01T00:00:00.000Z",
        "data": {"number": number, "text": ""},
    }
    event["data"] = {"number": number, "text": "x" * (BYTES - len(orjson.dumps(event)))}
    return f"tenant-{tenant}".encode(), orjson.dumps(event)


def fill(kafka: str, topic: str, first: int, count: int, partitions: int) -> int:
    """Write so many records; return how many different events they are."""
    producer = Producer({"bootstrap.servers": kafka, "queue.buffering.max.messages": 1_000_000})
    now = int(time.time() * 1000)
    seen = set()
    for key, body in events(first, count):
        seen.add(body)
        read = envelope.read(body, legacy_tenant="legacy")
        producer.produce(
            topic,
            body,
            key,
            partition_for(key, partitions),
            timestamp=now,
            headers=dict(headers.of_event(read, now)),
        )
    producer.flush()
    return len(seen)
