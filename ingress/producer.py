"""One Kafka producer's life: start, send batches, end. Never restarted; replaced if it fails.

All knowledge of aiokafka's producer is here. Four of its habits shape what is around it:

- With idempotence it never gives a batch up, so every caller needs a deadline of its own.
- A batch's sequence number is taken when it is sent and not given back when the broker refuses it
  for good (github.com/aio-libs/aiokafka/issues/1017): from then on the broker refuses every later
  batch of that partition from that producer. So one refused batch is the end of its producer.
- Its tasks do not expect RuntimeError, which uvloop raises for a write to a connection that has
  just been reset: the one that sends or the one that keeps metadata fresh ends, and with it all
  progress, without a word to any caller.
- It asks for metadata in a way that lets brokers create topics, so it may name a topic only after
  the topic was seen.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata, TopicPartition

from schemas.topics import MAX_MESSAGE_BYTES

log = structlog.get_logger(__name__)

START_SECONDS = 5.0
"""Longest wait for a first connection, a producer id and the topics' metadata."""

PROBE_SECONDS = 2.0

REQUEST_TIMEOUT_MS = 5_000
"""After so long without an answer a connection is given up and the request repeated: twice the
HTTP deadline, and short enough to be back within 10 s of a broker's death."""

BATCH_BYTES = 256 * 1024
"""Largest batch, unless one record alone is larger: so a record that is too large for its topic
always travels alone, and its refusal hurts no other."""


class Producer:
    """A started aiokafka producer that knows the topics it may write to."""

    def __init__(self, kafka: dict[str, Any], topics: Iterable[str]) -> None:
        self._topics = tuple(topics)
        self._producer = AIOKafkaProducer(
            **kafka,
            client_id="geophone-ingress",
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            max_request_size=MAX_MESSAGE_BYTES,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            retry_backoff_ms=50,
            metadata_max_age_ms=30_000,
        )

    async def start(self) -> None:
        """Connect; leaves nothing behind if it fails.

        Raises:
            KafkaError, TimeoutError, OSError: Kafka does not answer, or not in time.
        """
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._producer.start()
                await self._producer.client.force_metadata_update()
        except BaseException:
            await self.end(0)
            raise
        self._narrow()

    def existing(self) -> dict[str, int]:
        """Return the partition count of each wanted topic that exists, as last heard."""
        cluster = self._producer.client.cluster
        found = {topic: cluster.partitions_for_topic(topic) for topic in self._topics}
        return {topic: len(partitions) for topic, partitions in found.items() if partitions}

    def single_copies(self) -> list[str]:
        """Return the wanted topics that have a partition with one replica, as last heard."""
        # The cluster's public methods tell of leaders only.
        partitions = self._producer.client.cluster._partitions  # noqa: SLF001
        return [
            topic
            for topic in self._topics
            if any(len(one.replicas) == 1 for one in partitions.get(topic, {}).values())
        ]

    async def probe(self) -> bool:
        """Ask for metadata; say whether a broker answered in time."""
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                answered = bool(await self._producer.client.force_metadata_update())
        except TimeoutError:
            return False
        self._narrow()
        return answered

    @property
    def broken(self) -> bool:
        """Whether a task of aiokafka's own has ended, so that nothing will come of this one."""
        tasks = (self._producer.client._sync_task, self._producer._sender.sender_task)  # noqa: SLF001 - nothing public tells
        return any(task is not None and task.done() for task in tasks)

    def _narrow(self) -> None:
        """Ask for our topics only from now on, not for all the cluster has, once they exist."""
        if len(self.existing()) == len(self._topics):
            self._producer.client.set_topics(self._topics)

    def new_batch(self) -> BatchBuilder:
        """Return an empty batch."""
        return self._producer.create_batch()

    def send(
        self, batch: BatchBuilder, topic: str, partition: int
    ) -> "asyncio.Future[RecordMetadata]":
        """Hand over a batch; done once every in-sync replica has it, however long that takes.

        The future fails with a KafkaError if the broker refuses the batch for good, or if this
        producer has ended. At most one batch of a partition may be under way.
        """
        # send_batch() would do the same, after a wait for metadata and for an earlier batch, of
        # which there is none here: two coroutines, a shield and a task, 15 µs a batch.
        accumulator = self._producer._message_accumulator  # noqa: SLF001 - see above
        cause = accumulator._exception  # noqa: SLF001 - see above
        if cause or accumulator._closed:  # noqa: SLF001 - see above
            # What ended it may be a bug of aiokafka's: any exception there is.
            return _failed(cause if isinstance(cause, KafkaError) else ProducerClosed())
        sent = accumulator._append_batch(batch, TopicPartition(topic, partition))  # noqa: SLF001 - see above
        acknowledged: asyncio.Future[RecordMetadata] = sent.future
        return acknowledged

    async def end(self, grace: float) -> None:
        """Let batches under way finish for `grace` seconds, then fail them; never raises."""
        try:
            async with asyncio.timeout(grace):
                await self._producer.stop()
        except Exception:  # noqa: BLE001 - whatever it is, a successor has taken over
            await _abandon(self._producer)


def _failed(error: KafkaError) -> "asyncio.Future[RecordMetadata]":
    future: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    return future


async def _abandon(producer: AIOKafkaProducer) -> None:
    """End a producer whose batches do not finish, or that is broken.

    There is no public way: stop() waits for every batch, and a stop() cut short leaves the sender
    running, which would go on writing records long given up. So its batches are failed (waking
    whoever waits for them), its sender is cancelled, its connections are closed. A batch that was
    never sent is marked as drained first: nobody would hear of its failure otherwise.
    """
    accumulator, sender = producer._message_accumulator, producer._sender.sender_task  # noqa: SLF001 - see above
    for batches in accumulator._batches.values():  # noqa: SLF001 - see above
        for batch in batches:
            batch.drain_ready()
    accumulator.fail_all(ProducerClosed())
    if sender:
        sender.cancel()
    try:
        await producer.client.close()
    except Exception as error:  # noqa: BLE001 - what its task ended with, before any connection was closed
        log.info("abandoned", error=repr(error))
        for connection in producer.client._conns.values():  # noqa: SLF001 - see above
            connection.close()
    if sender:
        await asyncio.wait({sender}, timeout=1)
