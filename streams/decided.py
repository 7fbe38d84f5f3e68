"""Wait until every transaction that reaches into some partitions has been decided.

A broker that restarts may drop the markers of a transaction (KAFKA-20734). Its records then lie in
the log undecided: the last stable offset stands before them, and the next marker of the same
producer id decides them, whatever it was meant for.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import chain
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, NotLeaderForPartitionError, for_code
from aiokafka.protocol.offset import OffsetRequest

_READABLE = (-1, 1)
"""Replica id and isolation level of ListOffsets that ask how far a consumer may read."""
_WRITTEN = (-2, 0)
"""Those that ask how far the log goes, replicated or not: a consumer is not shown that, and -2 says
that one is none (Kafka's `Partition.fetchOffsetForTimestamp`). Any replica answers it."""

_LATEST = -1
_ROUND_SECONDS = 5.0
"""A leader that is silent for so long is looked up anew: it may be another by now."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.02, 0.25

log = structlog.get_logger(__name__)


async def until_decided(
    client: AIOKafkaClient, partitions: Collection[TopicPartition], seconds: float
) -> None:
    """Wait until the last stable offset of each partition is the end of its log.

    Args:
        client: a started one that knows the topics; no connection is added to its own.
        partitions: where to look.
        seconds: longest wait.

    Raises:
        TimeoutError: it is not, or the leaders did not answer; the message names the partitions.
        KafkaError: one that no repetition mends, e.g. that we may not ask.
    """
    found: Collection[TopicPartition] | None = None
    pause = _SHORTEST_PAUSE
    try:
        async with asyncio.timeout(seconds):
            while found := await _looked(client, partitions):
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
    except TimeoutError:
        if found is None:
            raise TimeoutError(f"the ends of {_names(partitions)} are not known") from None
        raise TimeoutError(
            f"transactions hang in {_names(found)}: if the next takeover does not end them "
            "either, Kafka's `kafka-transactions.sh find-hanging` does"
        ) from None


async def _looked(
    client: AIOKafkaClient, partitions: Collection[TopicPartition]
) -> list[TopicPartition]:
    """Ask until all leaders answer: one that has just moved is an error, and no more."""
    while True:
        try:
            async with asyncio.timeout(_ROUND_SECONDS):
                return await _undecided(client, partitions)
        except TimeoutError:
            log.info("no_answer_for_offsets", partitions=_names(partitions))
        except KafkaError as error:
            if not error.retriable:
                raise
            log.info("asking_again_for_offsets", error=repr(error))
        await client.force_metadata_update()
        await asyncio.sleep(_SHORTEST_PAUSE)


async def _undecided(
    client: AIOKafkaClient, partitions: Collection[TopicPartition]
) -> list[TopicPartition]:
    """Ask the same brokers for both: only the second question is refused by one that leads no more.

    The end comes first: if the stable offset has reached it, nothing below was undecided.
    """
    leaders = {one: _leader(client, one) for one in partitions}
    ends = await _offsets(client, leaders, *_WRITTEN)
    stable = await _offsets(client, leaders, *_READABLE)
    return [one for one in partitions if stable[one] < ends[one]]


async def _offsets(
    client: AIOKafkaClient, leaders: Mapping[TopicPartition, int], replica: int, isolation: int
) -> dict[TopicPartition, int]:
    asked: defaultdict[int, defaultdict[str, list[Any]]]
    asked = defaultdict(lambda: defaultdict(list))
    for one, node in leaders.items():
        asked[node][one.topic].append((one.partition, _LATEST))
    requests = (
        client.send(node, OffsetRequest(replica, isolation, list(topics.items())))
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
