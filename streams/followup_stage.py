"""The followup stage on one partition of an event topic: decide, commit."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import structlog
from aiokafka import ConsumerRecord

from schemas.topics import Topics
from streams import metrics
from streams.followup import Decision
from streams.ownership import First, Handler
from streams.transaction import TransactionalProducer

STAGE = "followup"

log = structlog.get_logger(__name__)


class FollowupHandler(Handler):
    """Owns the transactional producer of one source partition."""

    def __init__(
        self,
        producer: TransactionalProducer,
        topics: Topics,
        decide: Callable[[Sequence[ConsumerRecord]], Decision],
    ) -> None:
        self._producer = producer
        self._topics = topics
        self._decide = decide

    async def open(self, first: First) -> int:
        shared = [self._topics.task.name, self._topics.quarantine.name]
        return await first((await self._producer.start([], shared)).committed)

    async def handle(self, records: Sequence[ConsumerRecord], next_offset: int) -> bool:
        decision = self._decide(records)
        started = time.monotonic()
        await self._producer.commit(decision.outputs, next_offset)
        metrics.TRANSACTION_SECONDS.labels(STAGE).observe(time.monotonic() - started)
        for reason, count in decision.quarantined.items():
            metrics.QUARANTINED.labels(STAGE, reason).inc(count)
        for topic, count in Counter(output.topic for output in decision.outputs).items():
            metrics.WRITTEN.labels(topic).inc(count)
        self._tell_of(decision.left_out, records)
        return True

    async def close(self) -> None:
        await self._producer.stop()

    def _tell_of(
        self, left_out: Mapping[tuple[int, str], int], records: Sequence[ConsumerRecord]
    ) -> None:
        for (offset, why), count in left_out.items():
            metrics.LEFT_OUT.inc(count)
            log.warning(
                "recipients_left_out",
                topic=records[0].topic,
                partition=records[0].partition,
                offset=offset,
                reason=why,
                count=count,
            )
