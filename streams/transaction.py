"""One transaction per batch: outputs, marks and the source offset become visible together.

The transactional.id is stable per source partition, so starting a producer fences whoever owned
the partition before; aiokafka 0.14 sends no group generation with its offsets (it speaks
TxnOffsetCommit v0), so this fence is the only one and everything else has to come after it.

Every send is awaited before the commit: aiokafka commits even when a batch has failed
(its sender only marks the batch; flush_for_commit waits and does not look).
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from schemas.headers import Headers
from streams.decided import until_decided
from streams.standing import Committed, Standing, committed, coordinator

STEP_SECONDS = 60.0
"""Longest a broker step may take before the process ends. As long as the transaction time-out:
by then the broker has given the transaction up itself."""

TRANSACTION_TIMEOUT_MS = 60_000
"""When the broker aborts an abandoned transaction. Shorter values hang transactions on a
restarting single broker (KAFKA-20734): none of 4 crashes at 30 s and above, 7 of 10 at 10 s."""

NEIGHBOUR_SECONDS = 3.0
"""How long others may need to end their transactions in a topic that we share with them: a dead
worker's are ended by the takeover of its other partitions, which goes on beside ours."""

_RETRY_BACKOFF_MS = 20
"""The first produce of a transaction is often refused once while the broker still finishes the
previous one; at aiokafka's default of 100 ms the p95 of a transaction is 136 ms, at 20 ms 40 ms."""

_BATCH_BYTES = 512 * 1024
_AGAIN_SECONDS = 0.1

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Output:
    """One record to write; `timestamp_ms` None lets the producer's clock decide.

    Nobody changes one. It is not frozen because there are two for each event, and making a frozen
    one costs 1.0 µs instead of 0.6.
    """

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    timestamp_ms: int | None = None


class TransactionalProducer:
    """The one writer on behalf of one source partition.

    Everything it writes goes to the partition of the same number, in every topic.
    """

    def __init__(self, client: dict[str, Any], group: str, source: TopicPartition) -> None:
        self._group = group
        self._source = source
        self._producer = AIOKafkaProducer(
            **client,
            transactional_id=f"{group}-{source.topic}-{source.partition}",
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            acks="all",
            linger_ms=0,
            max_batch_size=_BATCH_BYTES,
            retry_backoff_ms=_RETRY_BACKOFF_MS,
        )

    async def start(self, own: Sequence[str], shared: Sequence[str] = ()) -> Standing:
        """Fence the predecessor, then rule out what it left open.

        The fence ends the predecessor's transaction, but a restarting broker may have dropped
        its markers: then our first commit would make those orphaned records visible as well.

        One small aborted transaction comes first, on the first of `own` and the group's offset:
        who reads there afterwards reads behind it, so from a broker that leads, and the group's
        committed offset is read from the coordinator that has acknowledged it.

        Args:
            own: topics whose partition nobody else writes.
            shared: topics that others write, too. What hangs there may be theirs: it is waited
                for and ours is ended, but theirs keeps nobody from starting.

        Raises:
            TimeoutError, KafkaError: nothing may be assumed; the process has to end.
        """
        async with asyncio.timeout(STEP_SECONDS):
            await self._producer.start()
            await self._producer.client.set_topics([*own, *shared])
            standing = await self._standing(own[:1])
        try:
            await self._until_decided([*own, *shared], NEIGHBOUR_SECONDS)
        except TimeoutError as error:
            log.warning("cleansing", source=_name(self._source), because=str(error))
            await self._touch([*own, *shared])
            await self._until_decided(own, STEP_SECONDS)
        return standing

    async def _standing(self, topics: Sequence[str]) -> Standing:
        """Touch, and read from the same coordinator where the group stands.

        One that was just elected may answer without the last commits, as long as its high
        watermark is behind; none that has acknowledged the touch. So whatever goes wrong in
        between, both are done again.
        """
        while True:
            node = await self._coordinator(self._group)
            ends = await self._touch(topics)
            try:
                found = await self._committed(node, self._group)
            except KafkaError as error:
                await self._pause(error)
            else:
                return Standing(ends, found.offset, found.note)

    async def committed_by(self, group: str) -> int | None:
        """Return where another group stands in our source; None if it has committed nothing.

        Its last commits may be missing in the answer, when its coordinator has just moved.

        Raises:
            TimeoutError, KafkaError: nothing may be assumed; the process has to end.
        """
        async with asyncio.timeout(STEP_SECONDS):
            while True:
                try:
                    return (await self._committed(await self._coordinator(group), group)).offset
                except KafkaError as error:
                    await self._pause(error)

    async def place(self, group: str, offset: int) -> None:
        """Commit an offset of our source on behalf of another group.

        Raises:
            TimeoutError, KafkaError: nothing may be assumed; the process has to end.
        """
        async with asyncio.timeout(STEP_SECONDS):
            await self._producer.begin_transaction()
            await self._producer.send_offsets_to_transaction({self._source: (offset, "")}, group)
            await self._producer.commit_transaction()

    async def _committed(self, node: int, group: str) -> Committed:
        return await committed(self._producer.client, node, group, self._source)

    async def _coordinator(self, group: str) -> int:
        while True:
            try:
                return await coordinator(self._producer.client, group)
            except KafkaError as error:
                await self._pause(error)

    async def _pause(self, error: KafkaError) -> None:
        """Wait before another try, if it may help."""
        if not error.retriable:
            raise error
        log.info("asking_again_for_offset", source=_name(self._source), error=repr(error))
        await self._producer.client.force_metadata_update()
        await asyncio.sleep(_AGAIN_SECONDS)

    async def _touch(self, topics: Sequence[str]) -> dict[str, int]:
        """Write to these topics and the group's offset, and abort.

        The markers of this abort decide whatever else of this producer id is undecided there.
        """
        async with asyncio.timeout(STEP_SECONDS):
            await self._producer.begin_transaction()
            ends = await self._settled(
                await self._send(Output(topic, b"touch", b"touch", []) for topic in topics)
            )
            await self._producer.send_offsets_to_transaction({self._source: 0}, self._group)
            await self._producer.abort_transaction()
        return ends

    async def _until_decided(self, topics: Sequence[str], seconds: float) -> None:
        where = [TopicPartition(topic, self._source.partition) for topic in topics]
        await until_decided(self._producer.client, where, seconds)

    async def commit(
        self, outputs: Iterable[Output], next_offset: int, note: str = ""
    ) -> dict[str, int]:
        """Write `outputs` and commit `next_offset` of the source, all or nothing.

        Args:
            outputs: the records to write.
            next_offset: the first source offset that is not handled.
            note: what the next owner finds beside the offset, in `Standing`.

        Returns:
            Per topic written, the offset after the last record written there.

        Raises:
            TimeoutError, KafkaError: nothing may be assumed; the process has to end.
        """
        async with asyncio.timeout(STEP_SECONDS):
            await self._producer.begin_transaction()
            sent = await self._send(outputs)
            await self._producer.send_offsets_to_transaction(
                {self._source: (next_offset, note)}, self._group
            )
            ends = await self._settled(sent)
            await self._producer.commit_transaction()
        return ends

    async def stop(self) -> None:
        """Close the connection; an open transaction is left to the next owner's fence."""
        async with asyncio.timeout(STEP_SECONDS):
            await self._producer.stop()

    async def _send(self, outputs: Iterable[Output]) -> "list[_Sent]":
        sent: list[_Sent] = []
        open_batches: dict[str, BatchBuilder] = {}
        for output in outputs:
            batch = open_batches.get(output.topic) or self._open(open_batches, output.topic)
            if not _append(batch, output):
                sent.append(await self._send_batch(output.topic, batch))
                _append(self._open(open_batches, output.topic), output)
        for topic, batch in open_batches.items():
            sent.append(await self._send_batch(topic, batch))
        return sent

    def _open(self, batches: dict[str, BatchBuilder], topic: str) -> BatchBuilder:
        batch = batches[topic] = self._producer.create_batch()
        return batch

    async def _send_batch(self, topic: str, batch: BatchBuilder) -> "_Sent":
        batch.close()
        partition = self._source.partition
        acknowledged = await self._producer.send_batch(batch, topic, partition=partition)
        return _Sent(topic, batch.record_count(), acknowledged)

    async def _settled(self, sent: "list[_Sent]") -> dict[str, int]:
        return {one.topic: (await one.acknowledged).offset + one.records for one in sent}


@dataclass(frozen=True, slots=True)
class _Sent:
    topic: str
    records: int
    acknowledged: "asyncio.Future[RecordMetadata]"


def _append(batch: BatchBuilder, output: Output) -> bool:
    """Append if there is room; the first record of a batch always has room."""
    appended = batch.append(
        timestamp=output.timestamp_ms, key=output.key, value=output.value, headers=output.headers
    )
    return appended is not None


def _name(source: TopicPartition) -> str:
    return f"{source.topic}-{source.partition}"


def now_ms() -> int:
    """Return the wall clock in epoch milliseconds."""
    return int(time.time() * 1000)
