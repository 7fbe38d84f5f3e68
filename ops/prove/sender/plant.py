"""Puts poison into the raw topic past the ingress, each body once, however long Kafka is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from ops.prove.sender.plan import Planting

ROUTE = "kafka"
ACKNOWLEDGED = 200

_END_SECONDS = 5.0


class Planter:
    """An idempotent producer never gives up by itself: a minute without brokers is only slow."""

    def __init__(self, planting: Planting, patience_seconds: float) -> None:
        self._planting = planting
        self._patience = patience_seconds
        self.producer = AIOKafkaProducer(
            bootstrap_servers=planting.bootstrap_servers,
            client_id="geophone-prove",
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=5_000,
            retry_backoff_ms=500,  # a minute without brokers is not to cost a minute of asking
        )

    async def plant(self, number: int, body: bytes) -> int | None:
        """Return 200 once all in-sync replicas have it, None if that is not known in time."""
        try:
            future = await self.producer.send(
                self._planting.topic, body, partition=number % self._planting.partitions
            )
            # Not wait_for: the record cannot be called back.
            done, _ = await asyncio.wait({future}, timeout=self._patience)
            if done:
                await future
        except KafkaError:
            return None
        return ACKNOWLEDGED if done else None


@asynccontextmanager
async def planter(planting: Planting, patience_seconds: float) -> AsyncIterator[Planter]:
    """Open one and close it; what is not acknowledged by then is let go.

    Raises:
        KafkaError: there is no broker at the start.
    """
    one = Planter(planting, patience_seconds)
    await one.producer.start()
    try:
        yield one
    finally:
        try:
            async with asyncio.timeout(_END_SECONDS):
                await one.producer.stop()
        except (KafkaError, TimeoutError):
            await one.producer.client.close()
