"""The same job without Faust: a consumer, one producer per partition, the same transactions.

Marks are in memory and in a changelog, as the product's are; nothing here survives a rebalance.
"""

import asyncio
import os
from typing import Any

import orjson
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.__main__ import spare_the_collector

PREFIX = os.environ["GEOPHONE_TOPIC_PREFIX"]
KAFKA = os.environ["GEOPHONE_KAFKA_BOOTSTRAP_SERVERS"]
GROUP = f"{PREFIX}plain"
EVENTS, MARKS = f"{PREFIX}event.LivesendUpdatedV1", f"{PREFIX}dedup"


class Partition:
    """One partition of the raw topic: its producer and its marks."""

    def __init__(self, source: TopicPartition) -> None:
        self.source = source
        self.seen: set[str] = set()
        self.producer = AIOKafkaProducer(
            bootstrap_servers=KAFKA, transactional_id=f"{GROUP}-{source.partition}", acks="all"
        )

    async def handle(self, records: list[Any]) -> None:
        """Write what is new, its marks and the offset, in one transaction."""
        sent = []
        async with self.producer.transaction():
            for record in records:
                event = orjson.loads(record.value)
                mark = f"{event['tenantId']}|{event['id']}"
                if mark in self.seen:
                    continue
                self.seen.add(mark)
                sent.append(await self._send(EVENTS, record.key, record.value))
                sent.append(await self._send(MARKS, mark.encode(), b"%d" % record.offset))
            await asyncio.gather(*sent)
            done = {self.source: records[-1].offset + 1}
            await self.producer.send_offsets_to_transaction(done, GROUP)

    async def _send(self, topic: str, key: bytes, value: bytes) -> asyncio.Future[Any]:
        partition = self.source.partition
        future: asyncio.Future[Any] = await self.producer.send(topic, value, key, partition)
        return future


async def main() -> None:
    """Run until the process is ended."""
    partitions: dict[TopicPartition, Partition] = {}
    consumer = AIOKafkaConsumer(
        f"{PREFIX}raw",
        bootstrap_servers=KAFKA,
        group_id=GROUP,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    async with consumer:
        while True:
            found = await consumer.getmany(timeout_ms=100, max_records=500)
            for source, records in found.items():
                if source not in partitions:
                    partitions[source] = Partition(source)
                    await partitions[source].producer.start()
                await partitions[source].handle(records)


if __name__ == "__main__":
    spare_the_collector()
    uvloop.run(main())
