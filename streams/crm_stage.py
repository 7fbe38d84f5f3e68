"""The crm stage on one partition of task commands: carry out, then commit.

A command's offset is committed only after the CRM has the task or the command is among the dead
letters. A CRM that is down or throttling is asked again for ever; the partition waits, the group's
heartbeats go on, and other partitions are not held up.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any

import faust
import structlog
from aiokafka import ConsumerRecord

from schemas import headers
from schemas.reasons import Reason
from schemas.task import TaskCommand, UnreadableTask
from schemas.topics import Topics
from streams import metrics
from streams.crm import CRM, AlreadyThere, Refused, Unavailable
from streams.crm.retry import delay
from streams.ownership import First, Handler
from streams.transaction import Output, TransactionalProducer

STAGE = "crm"
MAX_RECORDS = 50
"""Most commands of one batch: what a restart may send to the CRM a second time."""

log = structlog.get_logger(__name__)


class Connection(faust.Service):
    """Closes the CRM's connections after the stage that uses them has stopped."""

    def __init__(self, crm: CRM) -> None:
        super().__init__()
        self._crm = crm

    async def on_stop(self) -> None:
        await self._crm.close()


class CrmHandler(Handler):
    """Delivers the commands of one partition, a few at a time."""

    def __init__(
        self, producer: TransactionalProducer, topics: Topics, crm: CRM, concurrency: int
    ) -> None:
        self._producer = producer
        self._topics = topics
        self._crm = crm
        self._slots = asyncio.Semaphore(concurrency)
        self._interrupted = asyncio.Event()

    async def open(self, first: First) -> int:
        return await first((await self._producer.start([self._topics.task_dead.name])).committed)

    async def handle(self, records: Sequence[ConsumerRecord], next_offset: int) -> bool:
        letters = await self._unless_interrupted(records)
        if letters is None:
            return False
        await self._producer.commit([letter for letter in letters if letter], next_offset)
        return True

    def interrupt(self) -> None:
        self._interrupted.set()

    async def close(self) -> None:
        await self._producer.stop()

    async def _unless_interrupted(
        self, records: Sequence[ConsumerRecord]
    ) -> list[Output | None] | None:
        """Carry all out; None if the partition has to be let go before that is done."""
        work = asyncio.ensure_future(asyncio.gather(*map(self._carry_out, records)))
        interruption = asyncio.ensure_future(self._interrupted.wait())
        either: set[asyncio.Future[Any]] = {work, interruption}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        interruption.cancel()
        if work.done():
            return work.result()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        return None

    async def _carry_out(self, record: ConsumerRecord) -> Output | None:
        """Return nothing once the CRM has the task, or the dead letter if it never will."""
        async with self._slots:
            try:
                task = TaskCommand.decode(record.value or b"")
                await self._create(task)
            except UnreadableTask as error:
                return self._dead(record, Reason.UNREADABLE_TASK, str(error))
            except Refused as refused:
                return self._dead(record, Reason.REFUSED_BY_CRM, refused.reason)
        return None

    async def _create(self, task: TaskCommand) -> None:
        attempt = 0
        while True:
            started = self._active(0)
            try:
                outcome = await self._crm.create(task)
            except Unavailable as unavailable:
                metrics.CRM_RETRIES.inc()
                wait = delay(attempt, unavailable.retry_after, random.random)
                log.warning(
                    "crm_unavailable",
                    task=str(task.key),
                    attempt=attempt,
                    reason=unavailable.reason,
                    wait_seconds=round(wait, 3),
                )
                attempt += 1
                self._active(wait)
                await asyncio.sleep(wait)
            else:
                there = isinstance(outcome, AlreadyThere)
                metrics.TASKS.labels("already_there" if there else "created").inc()
                return
            finally:
                metrics.CRM_SECONDS.observe(time.monotonic() - started)

    def _active(self, seconds: float) -> float:
        """Count as alive for so long from now; a CRM may ask for a wait of ten minutes."""
        now = time.monotonic()
        self.active_at = max(self.active_at, now + seconds)
        return now

    def _dead(self, record: ConsumerRecord, reason: Reason, detail: str) -> Output:
        metrics.TASKS.labels("dead").inc()
        log.error("task_dead", offset=record.offset, partition=record.partition, reason=detail)
        return Output(
            topic=self._topics.task_dead.name,
            key=record.key,
            value=record.value or b"",
            headers=[
                *record.headers,
                *headers.reason(reason, detail),
                *headers.source(record.topic, record.partition, record.offset),
            ],
            timestamp_ms=record.timestamp,
        )
