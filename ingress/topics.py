"""The topics the ingress writes: are they as the contract says, and if not, make them so.

Everything else about topics is the business of the operator's tools; this is only what keeps a
process from writing to a wrong place.
"""

from collections.abc import Iterable
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code

from schemas.topics import Topic, Topics


def written(topics: Topics) -> tuple[Topic, ...]:
    """Return the topics that the ingress writes."""
    return tuple(topic for topic in topics if "ingress" in topic.owner)


async def create(
    wanted: Iterable[Topic], kafka: dict[str, Any], *, partitions: int, replication: int
) -> None:
    """Create topics; one that is already there is left as it is.

    Raises:
        KafkaError, OSError: the cluster cannot be reached or refuses; the message says what.
    """
    admin = AIOKafkaAdminClient(**kafka, client_id="geophone-ingress", request_timeout_ms=5_000)
    try:
        await admin.start()
        response = await admin.create_topics(
            [
                NewTopic(
                    topic.name, partitions, replication, topic_configs=topic.config(replication)
                )
                for topic in wanted
            ]
        )
    finally:
        await admin.close()
    for name, code, message in response.topic_errors:
        error = for_code(code)
        if error not in (NoError, TopicAlreadyExistsError):
            raise KafkaError(f"topic {name} could not be created: {message or error.__name__}")
