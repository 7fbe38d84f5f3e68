"""The crm stage on one partition of task commands: carry out, then commit.

A command's offset is committed only after the CRM has the task or the command is among the dead
letters. A CRM that is down or throttling is asked again for ever; the partition waits, the group's
heartbeats go on, and other partitions are not held up.

Each target has a group of its own that reads all commands and passes over those of tenants that
another one serves. A further target begins where the default one stands, as that has delivered
what came before. So the default one, before it passes over anything, gives each group that has
committed nothing yet its own place: else it would have passed over what nobody delivers.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import faust
import structlog
from aiokafka import ConsumerRecord, TopicPartition

from schemas import headers
from schemas.reasons import Reason
from schemas.task import TaskCommand, UnreadableTask
from schemas.topics import Topics
from streams import metrics
from streams.crm import CRM
from streams.crm.deliver import Delivery
from streams.crm.target import Target
from streams.crm.targets import DEFAULT
from streams.ownership import First, Handler
from streams.transaction import Output, TransactionalProducer

STAGE = "crm"
MAX_RECORDS = 100
"""Most commands of one batch, all of them given to the connector at once: so many fit into one
request of the CRMs that take several. It is also what a restart may send a second time."""

FETCH_BYTES = 256 * 1024
"""Of one partition, for each target: several batches. With 4 MiB, a backlog and three targets a
process would hold 276 MiB of commands that wait."""

log = structlog.get_logger(__name__)


def stage_of(target: Target) -> str:
    """Return the stage's name, and so the group's, that serves this target."""
    return STAGE if target.name == DEFAULT else f"{STAGE}-{target.name}"


class Connection(faust.Service):
    """Closes the CRM's connections after the stage that uses them has stopped."""

    def __init__(self, crm: CRM) -> None:
        super().__init__()
        self._crm = crm

    async def on_stop(self) -> None:
        await self._crm.close()


@dataclass(frozen=True, slots=True)
class Neighbours:
    """A target's group, and those of the others: the default one's if it is further, or theirs."""

    own: str
    default: str | None = None
    further: Sequence[str] = ()


class CrmHandler(Handler):
    """Delivers the commands of one partition to one target."""

    def __init__(
        self,
        producer: TransactionalProducer,
        topics: Topics,
        target: Target,
        source: TopicPartition,
        neighbours: "Neighbours",
    ) -> None:
        self._producer = producer
        self._topics = topics
        self._target = target
        self._partition = source.partition
        self._neighbours = neighbours
        self._delivery = Delivery(target, source.partition)
        self._interrupted = asyncio.Event()

    async def open(self, first: First) -> int:
        # Shared: each target has a producer of its own for this partition of the dead letters.
        standing = await self._producer.start([], [self._topics.task_dead.name])
        self._target.breaker.take_over(self._partition, standing.note)
        start = await first(await self._begin(standing.committed))
        for group in self._neighbours.further:
            if await self._producer.committed_by(group) is None:
                await self._producer.place(group, start)
        return start

    async def handle(self, records: Sequence[ConsumerRecord], next_offset: int) -> bool:
        if self._interrupted.is_set():
            return False
        letters = await self._unless_interrupted(records)
        if letters is None:
            return False
        note = self._target.breaker.note(self._partition)
        await self._producer.commit(letters, next_offset, note)
        return True

    def interrupt(self) -> None:
        self._interrupted.set()

    def active_at(self) -> float:
        return self._target.active_at

    async def close(self) -> None:
        self._target.breaker.let_go(self._partition)
        await self._producer.stop()

    async def _begin(self, committed: int | None) -> int | None:
        if committed is not None or self._neighbours.default is None:
            return committed
        default = await self._producer.committed_by(self._neighbours.default)
        # Asked in this order: had it passed over anything by then, we would have a place by now.
        own = await self._producer.committed_by(self._neighbours.own)
        return default if own is None else own

    async def _unless_interrupted(self, records: Sequence[ConsumerRecord]) -> list[Output] | None:
        """Carry all out; None if the partition has to be let go before that is done."""
        work = asyncio.ensure_future(self._carried_out(records))
        interruption = asyncio.ensure_future(self._interrupted.wait())
        either: set[asyncio.Future[Any]] = {work, interruption}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        interruption.cancel()
        if work.done():
            return work.result()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        return None

    async def _carried_out(self, records: Sequence[ConsumerRecord]) -> list[Output]:
        """Return the dead letters, once the CRM has the tasks of all the others."""
        letters: list[Output] = []
        tasks: dict[int, TaskCommand] = {}
        for record in records:
            try:
                task = TaskCommand.decode(record.value or b"")
            except UnreadableTask as error:
                if self._target.serves(None):
                    letters.append(self._dead(record, Reason.UNREADABLE_TASK, str(error)))
            else:
                if self._target.serves(task.tenant_id):
                    tasks[record.offset] = task
        since = {each.offset: each.timestamp / 1000 for each in records if each.offset in tasks}
        refused = {each.offset: each.reason for each in await self._delivery.deliver(tasks, since)}
        return letters + [
            self._dead(record, Reason.REFUSED_BY_CRM, refused[record.offset])
            for record in records
            if record.offset in refused
        ]

    def _dead(self, record: ConsumerRecord, reason: Reason, detail: str) -> Output:
        metrics.TASKS.labels(self._target.name, "dead").inc()
        log.error(
            "task_dead",
            target=self._target.name,
            offset=record.offset,
            partition=record.partition,
            reason=detail,
        )
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
