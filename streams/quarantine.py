"""Set a record aside: its bytes as they came, with the reason and where it came from."""

from aiokafka import ConsumerRecord

from schemas import headers
from schemas.reasons import Malformed
from streams.inherit import inherited
from streams.transaction import Output


def set_aside(record: ConsumerRecord, malformed: Malformed, topic: str) -> Output:
    """Return the record for `topic` that says why `record` could not be handled.

    A record without a value becomes empty bytes: a null value would be a tombstone.
    """
    value = record.value if record.value is not None else b""
    return Output(
        topic=topic,
        key=record.key,
        value=value,
        headers=[
            *inherited(record, lambda: headers.of_malformed(value, record.timestamp)),
            *headers.reason(malformed.reason, malformed.detail),
            *headers.source(record.topic, record.partition, record.offset),
        ],
        timestamp_ms=record.timestamp,
    )
