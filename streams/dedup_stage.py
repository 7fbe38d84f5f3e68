"""The dedup stage on one partition of the raw topic: decide, commit, remember."""

import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import chain

from aiokafka import ConsumerRecord

from schemas.topics import Topics
from streams import metrics
from streams.dedup import Decision, decide
from streams.marks import Marks, MemoryMarks, Position
from streams.ownership import First, Handler
from streams.transaction import Output, TransactionalProducer

STAGE = "dedup"

RestoredMarks = Callable[[int, int, Callable[[], None]], Awaitable[Marks]]
"""Takes where the group stands, how far the changelog reaches at the least, and what to call
whenever there is progress."""


class DedupHandler(Handler):
    """Owns the transactional producer and the marks of one source partition."""

    def __init__(
        self,
        producer: TransactionalProducer,
        topics: Topics,
        legacy_tenant: str,
        restored_marks: RestoredMarks,
    ) -> None:
        self._producer = producer
        self._topics = topics
        self._legacy_tenant = legacy_tenant
        self._restored_marks = restored_marks
        self._marks: Marks = MemoryMarks()
        self._restoring_at = -math.inf

    async def open(self, first: First) -> int:
        """Fence first, then read: nobody can add marks or commit offsets any more but we."""
        changelog = self._topics.dedup.name
        events = [topic.name for topic in self._topics.events.values()]
        found = await self._producer.start([changelog, *events], [self._topics.quarantine.name])
        start = await first(found.committed)
        self._marks = await self._restored_marks(start, found.ends[changelog], self._restoring)
        return start

    def opening_at(self) -> float:
        """Return when the restore last moved: millions of marks take minutes."""
        return self._restoring_at

    def _restoring(self) -> None:
        self._restoring_at = time.monotonic()

    async def handle(self, records: Sequence[ConsumerRecord], next_offset: int) -> bool:
        decision = decide(records, self._marks, self._topics, self._legacy_tenant)
        started = time.monotonic()
        ends = await self._producer.commit(
            chain(decision.outputs, self._changelog_entries(decision)), next_offset
        )
        metrics.TRANSACTION_SECONDS.labels(STAGE).observe(time.monotonic() - started)
        changelog = ends.get(self._topics.dedup.name, self._marks.position().changelog)
        self._marks.add(decision.marks, Position(changelog, next_offset))
        _count(decision)
        return True

    async def close(self) -> None:
        await self._producer.stop()
        self._marks.close()

    def _changelog_entries(self, decision: Decision) -> Iterator[Output]:
        topic = self._topics.dedup.name
        for key, offset in decision.marks.items():
            yield Output(topic, key, b"%d" % offset, [])


def _count(decision: Decision) -> None:
    metrics.DUPLICATES.inc(decision.duplicates)
    for reason, count in decision.quarantined.items():
        metrics.QUARANTINED.labels(STAGE, reason).inc(count)
    for topic, count in Counter(output.topic for output in decision.outputs).items():
        metrics.WRITTEN.labels(topic).inc(count)
