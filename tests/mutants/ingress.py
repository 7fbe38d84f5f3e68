"""The ingress with the defect that the environment names: trials start this instead of it."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from unittest.mock import patch

import orjson
from aiokafka import AIOKafkaProducer

from ingress import __main__, producer
from ingress.kafka_sink import KafkaSink
from ingress.record import Record
from tests.mutants.defects import VARIABLE


def _ack_before_write() -> None:
    async def store(sink: KafkaSink, record: Record, deadline: float) -> None:
        sink._batcher.put(record, deadline, lambda _: None)

    patch.object(KafkaSink, "store", store).start()


def _acks_1() -> None:
    def one_copy(**arguments: Any) -> AIOKafkaProducer:
        return AIOKafkaProducer(**{**arguments, "acks": 1, "enable_idempotence": False})

    patch.object(producer, "AIOKafkaProducer", one_copy).start()


def _stored_as(changed: Callable[[Record], Record]) -> None:
    store = KafkaSink.store

    async def store_changed(sink: KafkaSink, record: Record, deadline: float) -> None:
        await store(sink, changed(record), deadline)

    patch.object(KafkaSink, "store", store_changed).start()


def _without_key(record: Record) -> Record:
    return record._replace(key=None)


def _reencoded(record: Record) -> Record:
    """What was set aside may be no JSON at all."""
    if record.reason:
        return record
    return record._replace(value=orjson.dumps(orjson.loads(record.value)))


PATCHES: Mapping[str, Callable[[], None]] = {
    "ack-before-write": _ack_before_write,
    "acks-1": _acks_1,
    "no-key": partial(_stored_as, _without_key),
    "body-reencoded": partial(_stored_as, _reencoded),
}

if __name__ == "__main__":
    PATCHES.get(os.environ[VARIABLE], lambda: None)()
    __main__.main()
