"""The ingress with the defect that the environment names: trials start this instead of it."""

import asyncio
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from unittest.mock import patch

import orjson
from aiokafka import AIOKafkaProducer

from ingress import __main__, producer
from ingress.batcher import Batcher
from ingress.record import Record
from ingress.sink import Settle
from tests.mutants.defects import VARIABLE


def _ack_before_write() -> None:
    put = Batcher.put

    def put_and_settle(batcher: Batcher, record: Record, deadline: float, settle: Settle) -> None:
        put(batcher, record, deadline, lambda *_: None)
        asyncio.get_running_loop().call_soon(settle, record, None)

    patch.object(Batcher, "put", put_and_settle).start()


def _acks_1() -> None:
    def one_copy(**arguments: Any) -> AIOKafkaProducer:
        return AIOKafkaProducer(**{**arguments, "acks": 1, "enable_idempotence": False})

    patch.object(producer, "AIOKafkaProducer", one_copy).start()


def _stored_as(changed: Callable[[Record], Record]) -> None:
    put = Batcher.put

    def put_changed(batcher: Batcher, record: Record, deadline: float, settle: Settle) -> None:
        put(batcher, changed(record), deadline, settle)

    patch.object(Batcher, "put", put_changed).start()


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
