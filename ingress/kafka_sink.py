"""The sink that is Kafka: a supervised producer behind micro-batches."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from ingress import metrics as table
from ingress.batcher import Batcher
from ingress.budget import Budget
from ingress.metrics import Metrics
from ingress.record import Record
from ingress.settings import Settings
from ingress.sink import Settle, Unavailable
from ingress.supervisor import Supervisor

TICK_SECONDS = 0.05
"""How late a deadline may be noticed."""


class KafkaSink:
    """See `ingress.sink.Sink`."""

    def __init__(self, supervisor: Supervisor, batcher: Batcher) -> None:
        self._supervisor = supervisor
        self._batcher = batcher
        self._loop = asyncio.get_running_loop()

    def put(self, record: Record, deadline: float, settle: Settle) -> None:
        self._batcher.put(record, deadline, settle)

    async def store(self, record: Record, deadline: float) -> None:
        future: asyncio.Future[Unavailable | None] = self._loop.create_future()
        self._batcher.put(record, deadline, partial(_set, future))
        if outcome := await future:
            raise outcome

    def trouble(self) -> str | None:
        return self._supervisor.trouble()

    async def expire(self) -> None:
        """Enforce the deadlines, for ever."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self._batcher.expire(self._loop.time()):
                self._supervisor.unacknowledged()


@asynccontextmanager
async def kafka_sink(settings: Settings, metrics: Metrics) -> AsyncIterator[KafkaSink]:
    """Open the sink at once, whether Kafka is up or not, and close it after all it took is done.

    Raises:
        Misconfigured: a file of the login cannot be read.
    """
    settings.kafka_arguments()
    budget = Budget(settings.max_in_flight, settings.max_in_flight_bytes)
    metrics.watch(table.UNRESOLVED, lambda: budget.records)
    metrics.watch(table.UNRESOLVED_BYTES, lambda: budget.bytes)
    async with asyncio.TaskGroup() as tasks:
        supervisor = Supervisor(settings, settings.kafka_arguments, metrics, tasks)
        batcher = Batcher(supervisor, budget, metrics, tasks)
        sink = KafkaSink(supervisor, batcher)
        background = (
            tasks.create_task(supervisor.run(batcher.stalled_since)),
            tasks.create_task(sink.expire()),
        )
        try:
            yield sink
        finally:
            for task in background:
                task.cancel()
            batcher.end()
            await supervisor.end()


def _set(
    future: asyncio.Future[Unavailable | None], _: Record, outcome: Unavailable | None
) -> None:
    if not future.done():
        future.set_result(outcome)
