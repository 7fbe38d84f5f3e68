"""The ingress without Kafka: what is left when storing costs nothing. The records go nowhere."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest import mock

from ingress import server
from ingress.__main__ import run
from ingress.metrics import Metrics
from ingress.record import Record
from ingress.settings import Settings
from ingress.sink import Settle


class Nowhere:
    """See `ingress.sink.Sink`: says that a record is safe in the loop's next turn."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def put(self, record: Record, deadline: float, settle: Settle) -> None:
        self._loop.call_soon(settle, record, None)

    async def store(self, record: Record, deadline: float) -> None:
        await asyncio.sleep(0)

    def trouble(self) -> str | None:
        return None


@asynccontextmanager
async def nowhere(settings: Settings, metrics: Metrics) -> AsyncIterator[Nowhere]:
    """Stand in for `ingress.kafka_sink.kafka_sink`."""
    yield Nowhere()


if __name__ == "__main__":
    with mock.patch.object(server, "kafka_sink", nowhere):
        sys.exit(run([]))
