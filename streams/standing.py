"""Where a consumer group stands: the offset it has committed of one partition, and its note on it.

Asked in our own words, because aiokafka 0.14 overlooks an error. Since version 2 of OffsetFetch an
answer has a place of its own for what concerns the whole group, and then names no partitions. A
coordinator that is just loading, or is none any more, thus looks like one whose group has never
committed, and the partition would be read from its start (KIP-88 has the protocol).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import IllegalStateError, for_code
from aiokafka.protocol.commit import OffsetFetchRequest

_NONE = -1


@dataclass(frozen=True, slots=True)
class Standing:
    """What a takeover finds: the offset after the touch, by topic touched, and the group's.

    `note` is what the last commit said beside the offset; Kafka keeps both as one.
    """

    ends: Mapping[str, int]
    committed: int | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Committed:
    """The offset that a group has committed, None if it never has, and its note."""

    offset: int | None
    note: str


async def coordinator(client: AIOKafkaClient, group: str) -> int:
    """Return the node that coordinates the group.

    Raises:
        KafkaError: it is not known; a retriable one may be known in a moment.
    """
    node: int = await client.coordinator_lookup(CoordinationType.GROUP, group)
    return node


async def committed(
    client: AIOKafkaClient, node: int, group: str, source: TopicPartition
) -> Committed:
    """Return what the group has committed of this partition.

    Raises:
        KafkaError: the node does not know; a retriable one may know in a moment.
    """
    asked = OffsetFetchRequest(group, [(source.topic, [source.partition])])
    return _found(await client.send(node, asked), source)


def _found(response: Any, source: TopicPartition) -> Committed:
    _raise(getattr(response, "error_code", 0), source)  # the versions before 2 have none
    for topic, partitions in response.topics:
        for partition, offset, note, error in partitions:
            if (topic, partition) == source:
                _raise(error, source)
                return Committed(None if offset == _NONE else int(offset), note or "")
    raise IllegalStateError(f"an answer that says nothing about {source}")


def _raise(error: int, source: TopicPartition) -> None:
    if error:
        raise for_code(error)(f"where the group stands in {source.topic}-{source.partition}")
