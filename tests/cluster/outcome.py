"""What has become of a load, as a reader of the topics sees it."""

from dataclasses import dataclass

from aiokafka import ConsumerRecord

from ops.reader import read_all
from schemas.connection import KafkaConnection
from schemas.topics import Topics
from tests.books import balance, identity
from tests.cluster.load import Load


@dataclass(frozen=True)
class Outcome:
    """Every record of the topics between the receiver and the consumers."""

    raw: list[ConsumerRecord]
    events: list[ConsumerRecord]
    quarantine: list[ConsumerRecord]

    def has_all(self, load: Load) -> bool:
        return set(load.accepted) <= set(map(identity, self.events))

    def is_right(self, load: Load) -> None:
        """Assert that all that was accepted came out once, in order."""
        balance(self.raw, self.events, self.quarantine)
        stored = [who for who in map(identity, self.raw) if who in load.accepted]
        assert len(stored) == len(set(stored)), "stored twice"
        assert set(stored) == set(load.accepted), "answered 2xx and not stored"


async def outcome(connection: KafkaConnection, topics: Topics) -> Outcome:
    """Read it, all of it."""
    raw, quarantine = topics.raw.name, topics.quarantine.name
    found = Outcome([], [], [])
    places = {raw: found.raw, quarantine: found.quarantine}
    names = [raw, quarantine, *(topic.name for topic in topics.events.values())]
    for record in await read_all(connection, names):
        places.get(record.topic, found.events).append(record)
    return found
