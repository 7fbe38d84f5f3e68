"""Is every event that was answered 2xx in the topic? A run whose books do not balance is void."""

from collections.abc import Iterable, Iterator

import orjson
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ops.prove.readers.ends import Ends
from schemas.connection import KafkaConnection
from schemas.topics import Topics

PARTITIONS = 12
LED_SECONDS = 60.0


class Void(Exception):
    """The run proves nothing; the message says why."""


def create(kafka: str, prefix: str, others: Iterable[str] = ()) -> None:
    """Create the topics of one run."""
    create_topics(kafka, [*(topic.name for topic in Topics(prefix)), *others], PARTITIONS)


def create_topics(kafka: str, names: Iterable[str], partitions: int) -> None:
    """Create topics of one replica; return once every partition has a leader that knows it is one.

    Until then a broker refuses records with NOT_LEADER, for seconds if it is busy, and who comes
    first would be measured by that.

    Raises:
        Void: that took too long.
    """
    admin = AdminClient({"bootstrap.servers": kafka})
    new = [NewTopic(name, partitions, 1) for name in names]
    for future in admin.create_topics(new).values():
        future.result()
    where = [TopicPartition(each.topic, at) for each in new for at in range(partitions)]
    try:
        Ends(KafkaConnection(bootstrap_servers=kafka), "").read(where, LED_SECONDS)
    except KafkaException as error:
        raise Void(f"the topics had no leaders within {LED_SECONDS:g} s") from error


def delete(kafka: str, prefix: str) -> None:
    """Delete them again, and what a worker has created besides: a disk is not for benchmarks."""
    admin = AdminClient({"bootstrap.servers": kafka})
    old = [name for name in admin.list_topics(timeout=30).topics if name.startswith(prefix)]
    for future in admin.delete_topics(old).values():
        future.result()


def check(acked: Iterable[str], kafka: str, topic: str) -> None:
    """Compare the ids that were answered 2xx with those in the topic.

    Raises:
        Void: one of them is not there.
    """
    missing = set(acked).difference(ids(kafka, topic))
    if missing:
        raise Void(f"{len(missing)} events were answered 2xx and are not in {topic}")


def ids(kafka: str, topic: str) -> Iterator[str]:
    """Yield the id of every record that the topic holds now."""
    for value in values(kafka, topic):
        yield orjson.loads(value)["id"]


def values(kafka: str, topic: str) -> Iterator[bytes]:
    """Yield the value of every record that the topic holds now, committed only."""
    consumer = Consumer({
        "bootstrap.servers": kafka,
        "group.id": "bench",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
    })  # fmt: skip
    try:
        partitions = consumer.list_topics(topic).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        yield from _read(consumer, len(partitions))
    finally:
        consumer.close()


def _read(consumer: Consumer, unread: int) -> Iterator[bytes]:
    while unread:
        for message in consumer.consume(10_000, timeout=1.0):
            error = message.error()
            if error is None:
                yield message.value() or b""
            elif error.name() == "_PARTITION_EOF":
                unread -= 1
            else:
                raise KafkaException(error)
