"""Whether the streams have handled, to the end, everything that lies in their topics."""

from collections.abc import Mapping, Sequence

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from ops.programs import APP_ID
from schemas.connection import KafkaConnection
from streams.actions import types_with_actions

_READS = {
    "dedup": ("raw",),
    "followup": tuple(f"event.{name}" for name in types_with_actions()),
    "crm": ("task",),
}


async def all_handled(
    connection: KafkaConnection, records: Mapping[str, Sequence[ConsumerRecord]]
) -> bool:
    """Return whether each stage has committed beyond each of these records that it reads.

    Args:
        connection: how to reach the cluster.
        records: by kind of topic (the name without its prefix).
    """
    admin = AIOKafkaAdminClient(**connection.client_arguments())
    await admin.start()
    try:
        for stage, kinds in _READS.items():
            committed = await admin.list_consumer_group_offsets(f"{APP_ID}-{stage}")
            next_offsets = {source: one.offset for source, one in committed.items()}
            read = [record for kind in kinds for record in records.get(kind, ())]
            if not all(_is_before(record, next_offsets) for record in read):
                return False
        return True
    finally:
        await admin.close()


def _is_before(record: ConsumerRecord, next_offsets: Mapping[TopicPartition, int]) -> bool:
    source = TopicPartition(record.topic, record.partition)
    return bool(record.offset < next_offsets.get(source, 0))
