"""Kafka's own acknowledgement: a producer that awaits each send before the next, no more."""

import json
import os
import sys
import time
from collections.abc import AsyncIterator
from statistics import quantiles

import orjson
import uvloop
from aiokafka import AIOKafkaProducer

from bench import machine

BYTES = 591
WARM_UP_SECONDS = 1.0
"""As the load generator's: what comes before is not measured."""

_PERCENTILES = {"p50": 500, "p99": 990, "p999": 999}


async def _sent(kafka: str, topic: str, seconds: float) -> AsyncIterator[tuple[str, int | None]]:
    """Yield the id and the microseconds of each send; None while it warms up."""
    async with AIOKafkaProducer(
        bootstrap_servers=kafka, acks="all", enable_idempotence=True
    ) as producer:
        await producer.send_and_wait(topic, _body("first"), b"tenant-0")
        begin, number = time.monotonic() + WARM_UP_SECONDS, 0
        while time.monotonic() < begin + seconds:
            name = f"ack-{number}"
            started = time.perf_counter_ns()
            await producer.send_and_wait(topic, _body(name), b"tenant-0")
            took = (time.perf_counter_ns() - started) // 1000
            yield name, took if time.monotonic() > begin else None
            number += 1


def _body(name: str) -> bytes:
    return orjson.dumps({"id": name}).ljust(BYTES)


async def _measured(kafka: str, topic: str, seconds: float) -> dict[str, object]:
    spent = machine.cpu_seconds(os.getpid())
    found = [each async for each in _sent(kafka, topic, seconds)]
    measured = [took for _, took in found if took is not None]
    steps = quantiles(measured, n=1000, method="inclusive")
    return {
        "acked": [name for name, _ in found],
        "cpu_us": (machine.cpu_seconds(os.getpid()) - spent) / len(found) * 1e6,
        "resident_mib": machine.resident_mib(os.getpid()),
        "per_second": len(measured) / seconds,
        "microseconds": {name: int(steps[at - 1]) for name, at in _PERCENTILES.items()},
    }


if __name__ == "__main__":
    machine.pin(os.getpid(), machine.SERVER)
    address, where, how_long = sys.argv[1:]
    sys.stdout.write(json.dumps(uvloop.run(_measured(address, where, float(how_long)))))
