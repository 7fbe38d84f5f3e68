"""Wait until every transaction that reaches into some partitions has been decided.

A broker that restarts may drop the markers of a transaction (KAFKA-20734). Its records then lie in
the log undecided: the last stable offset stands before them, and the next marker of the same
producer id decides them, whatever it was meant for.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection
from itertools import chain
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, NotLeaderForPartitionError, for_code
from aiokafka.protocol.offset import OffsetRequest

_CONSUMER, _NO_CONSUMER = -1, -2
"""Replica ids of ListOffsets. A consumer is told how far it may read; whoever says -2 how far the
log goes, replicated or not (Kafka's `Partition.fetchOffsetForTimestamp`)."""

_READ_COMMITTED = 1
_LATEST = -1
_PAUSE_SECONDS = 0.02

log = structlog.get_logger(__name__)


async def until_decided(
    client: AIOKafkaClient, partitions: Collection[TopicPartition], seconds: float
) -> None:
    """Wait until each partition's last stable offset has reached what is its log's end now.

    Args:
        client: a started one that knows the topics; no connection is added to its own.
        partitions: where to look.
        seconds: longest wait.

    Raises:
        TimeoutError: it has not, or the leaders did not answer; the message names the partitions.
    """
    deadline = time.monotonic() + seconds
    ends = await _answered(client, partitions, _NO_CONSUMER, deadline)
    while True:
        stable = await _answered(client, partitions, _CONSUMER, deadline)
        undecided = [one for one in partitions if stable[one] < ends[one]]
        if not undecided:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"transactions hang in {_names(undecided)}: if the next takeover does not end "
                "them either, Kafka's `kafka-transactions.sh find-hanging` does"
            )
        await asyncio.sleep(_PAUSE_SECONDS)


async def _answered(
    client: AIOKafkaClient, partitions: Collection[TopicPartition], replica: int, deadline: float
) -> dict[TopicPartition, int]:
    """Ask until all leaders answer: one that has just moved is an error, and no more."""
    while True:
        try:
            return await _offsets(client, partitions, replica)
        except KafkaError as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the end of {_names(partitions)} is not known") from error
            log.info("asking_again_for_offsets", error=repr(error))
            await client.force_metadata_update()
            await asyncio.sleep(_PAUSE_SECONDS)


async def _offsets(
    client: AIOKafkaClient, partitions: Collection[TopicPartition], replica: int
) -> dict[TopicPartition, int]:
    asked: defaultdict[int, defaultdict[str, list[Any]]]
    asked = defaultdict(lambda: defaultdict(list))
    for one in partitions:
        asked[_leader(client, one)][one.topic].append((one.partition, _LATEST))
    requests = (
        client.send(node, OffsetRequest(replica, _READ_COMMITTED, list(topics.items())))
        for node, topics in asked.items()
    )
    return dict(chain.from_iterable(map(_read, await asyncio.gather(*requests))))


def _leader(client: AIOKafkaClient, partition: TopicPartition) -> int:
    node: int | None = client.cluster.leader_for_partition(partition)
    if node is None or node < 0:
        raise NotLeaderForPartitionError(f"{_names([partition])} has no leader just now")
    return node


def _read(response: Any) -> list[tuple[TopicPartition, int]]:
    found = []
    for topic, answers in response.topics:
        for partition, error, _, offset, *_ in answers:
            if error:
                raise for_code(error)(f"{topic}-{partition}")
            found.append((TopicPartition(topic, partition), offset))
    return found


def _names(partitions: Collection[TopicPartition]) -> str:
    return ", ".join(sorted(f"{one.topic}-{one.partition}" for one in partitions))
