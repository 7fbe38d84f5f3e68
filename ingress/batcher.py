"""Micro-batches: many requests, one round trip; each request answered from its own outcome.

A lane is one partition of one topic. It has at most one batch in flight, which keeps the order;
what arrives meanwhile waits in the order of its arrival and makes the next batch. A lane whose turn
it is (see `ingress.rounds`) sends at the end of the loop's turn, so that what was read together
travels together.

A record waits outside of any batch until it is sent. So one whose deadline passes while it waits is
withdrawn and costs nothing more. One that is in flight cannot be withdrawn: its caller gets 503,
and the record may still be written; the sender comes again and the deduplication absorbs it. Until
its batch is resolved it counts against the budget.
"""

import asyncio
from functools import partial
from itertools import count
from typing import Protocol

import structlog
from aiokafka.producer.message_accumulator import BatchBuilder

from ingress.budget import Budget
from ingress.metrics import Metrics
from ingress.producer import Producer
from ingress.record import Record
from ingress.rounds import Rounds
from ingress.sink import Cause, Settle, Unavailable
from schemas.partitioner import partition_for

log = structlog.get_logger(__name__)

CACHED_TENANTS = 50_000
"""Partitions of so many tenants are remembered: murmur2 in Python costs as much as an append."""


class Producers(Protocol):
    """Where a lane gets its producer from, and says that one is no good any more."""

    def ready(self, avoid: Producer | None) -> Producer | None:
        """Return the newest producer; None while there is none, or it is the one to avoid."""

    async def current(self, avoid: Producer | None) -> Producer:
        """Return the newest producer; wait while there is none, or it is the one to avoid."""

    def failed(self, producer: Producer, error: BaseException) -> None:
        """Report that a batch was refused for good."""

    def acknowledged(self) -> None:
        """Report that a batch was acknowledged."""

    @property
    def partitions(self) -> int:
        """Partition count of every topic; raises Unavailable while it is unknown or wrong."""


class _Entry:
    """One record that waits; `settle` is called exactly once."""

    __slots__ = ("deadline", "record", "settle", "settled")

    def __init__(self, record: Record, deadline: float, settle: Settle) -> None:
        self.record = record
        self.deadline = deadline
        self.settle = settle
        self.settled = False

    def finish(self, outcome: Unavailable | None) -> None:
        if not self.settled:
            self.settled = True
            try:
                self.settle(self.record, outcome)
            except Exception:  # its lane has others to answer
                log.exception("bug")


class _Lane:
    """One partition of one topic; `sent` is the batch in flight, since loop time `sent_at`."""

    __slots__ = ("avoid", "partition", "sent", "sent_at", "topic", "waiting", "working")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.waiting: dict[_Entry, None] = {}
        self.sent: list[_Entry] = []
        self.sent_at = 0.0
        self.working = False
        self.avoid: Producer | None = None


class Batcher:
    """All lanes of the process."""

    def __init__(
        self, producers: Producers, budget: Budget, metrics: Metrics, tasks: asyncio.TaskGroup
    ) -> None:
        self._producers = producers
        self._budget = budget
        self._metrics = metrics
        self._tasks = tasks
        self._at_work: set[asyncio.Task[None]] = set()
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._tenants: dict[bytes, int] = {}
        self._spread = count()
        self._loop = asyncio.get_running_loop()
        self._rounds = Rounds(self._start)

    def put(self, record: Record, deadline: float, settle: Settle) -> None:
        """Take a record; `settle` is called once, with None when it is safe.

        Raises:
            Unavailable: not taken, `settle` will not be called.
        """
        partitions = self._producers.partitions
        partition = (
            next(self._spread) % partitions
            if record.key is None
            else self._partition(record.key, partitions)
        )
        self._budget.take(len(record.value))
        lane = self._lanes.get((record.topic, partition))
        if lane is None:
            lane = self._lanes[record.topic, partition] = _Lane(record.topic, partition)
        lane.waiting[_Entry(record, deadline, settle)] = None
        if not lane.working:
            lane.working = True
            self._rounds.join(lane)

    def expire(self, now: float) -> int:
        """Give up on what is past its deadline; return how many that were."""
        return sum(self._expire(lane, now) for lane in self._lanes.values() if lane.working)

    def stalled_since(self) -> float | None:
        """Return since when the oldest batch is in flight, in loop time; None if none is."""
        return min((lane.sent_at for lane in self._lanes.values() if lane.sent), default=None)

    def end(self) -> None:
        """Stop working; for when every caller has its answer."""
        self._rounds.end()
        for task in self._at_work:
            task.cancel()

    def _partition(self, key: bytes, partitions: int) -> int:
        partition = self._tenants.get(key)
        if partition is None:
            if len(self._tenants) >= CACHED_TENANTS:
                self._tenants.clear()
            partition = self._tenants[key] = partition_for(key, partitions)
        return partition

    def _expire(self, lane: _Lane, now: float) -> int:
        late = [entry for entry in lane.waiting if entry.deadline <= now]
        for entry in late:
            del lane.waiting[entry]
            self._budget.give_back(len(entry.record.value))
        late += [entry for entry in lane.sent if entry.deadline <= now and not entry.settled]
        for entry in late:
            entry.finish(Unavailable(Cause.LATE))
        return len(late)

    def _start(self, lane: _Lane) -> None:
        if producer := self._producers.ready(lane.avoid):
            self._work(lane, producer)
        else:
            task = self._tasks.create_task(self._wait(lane))
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)

    async def _wait(self, lane: _Lane) -> None:
        self._work(lane, await self._producers.current(lane.avoid))

    def _work(self, lane: _Lane, producer: Producer) -> None:
        lane.avoid = None
        try:
            sent = self._send(lane, producer)
        except Exception:
            log.exception("bug")
            lane.sent, lane.waiting = list(dict.fromkeys((*lane.sent, *lane.waiting))), {}
            self._resolve(lane, Unavailable(Cause.REFUSED, "a bug"))
            sent = False
        if not sent:
            self._go_on(lane)

    def _go_on(self, lane: _Lane) -> None:
        if lane.waiting:
            self._rounds.join(lane)
        else:
            lane.working = False
        self._rounds.answered()

    def _fill(self, lane: _Lane, producer: Producer) -> BatchBuilder:
        """Move what fits from waiting to sent, in order."""
        batch = producer.new_batch()
        for entry in lane.waiting:
            record = entry.record
            if not batch.append(
                timestamp=record.timestamp_ms,
                key=record.key,
                value=record.value,
                headers=record.headers,
            ):
                break
            lane.sent.append(entry)
        if len(lane.sent) == len(lane.waiting):
            lane.waiting.clear()
        else:
            for entry in lane.sent:
                del lane.waiting[entry]
        return batch

    def _send(self, lane: _Lane, producer: Producer) -> bool:
        """Send what waits; say whether anything did that has not expired."""
        batch = self._fill(lane, producer)
        if not lane.sent:
            return False
        lane.sent_at = self._loop.time()
        self._metrics.batch.count(len(lane.sent))
        answer = producer.send(batch, lane.topic, lane.partition)
        answer.add_done_callback(partial(self._answered, lane, producer))
        return True

    def _answered(self, lane: _Lane, producer: Producer, answer: asyncio.Future[object]) -> None:
        if error := answer.exception():
            lane.avoid = producer
            self._producers.failed(producer, error)
            self._resolve(lane, Unavailable(Cause.REFUSED, type(error).__name__))
        else:
            self._producers.acknowledged()
            self._metrics.stored(lane.topic, len(lane.sent))
            self._resolve(lane, None)
        self._go_on(lane)

    def _resolve(self, lane: _Lane, outcome: Unavailable | None) -> None:
        for entry in lane.sent:
            self._budget.give_back(len(entry.record.value))
            entry.finish(outcome)
        lane.sent = []
