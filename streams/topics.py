"""The start-up check: the topics are as the contract says, or are made so."""

import asyncio
import time
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from schemas.topics import ONE_COPY, Topic, differences

SETTLE_SECONDS = 5.0
"""How long a topic may be unknown to a broker after its creation was acknowledged. A process that
takes it for missing ends with the code that no supervisor restarts."""

PATIENCE_SECONDS = 10.0
"""How long brokers are asked until one answers. The client picks any that it knows of, even one
that was just killed; a process that ends for it takes longer to be back than to ask another."""

_POLL_SECONDS = 0.25

log = structlog.get_logger(__name__)


async def ensure(
    client: dict[str, Any], topics: list[Topic], partitions: int, replication: int, *, create: bool
) -> list[str]:
    """Create what is missing if told so; return what differs from the contract, in sentences.

    Raises:
        KafkaError: the cluster cannot be reached or refuses.
    """
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        existing = await _existing(admin, topics)
        missing = [topic for topic in topics if topic.name not in existing]
        if create and missing:
            await _create(admin, missing, partitions, replication)
            existing |= {topic.name: partitions for topic in missing}
        elif missing:
            existing = await _settled(admin, topics)
        return differences(topics, existing, partitions)
    finally:
        await admin.close()


async def warn_of_single_copies(client: dict[str, Any], topics: list[Topic]) -> None:
    """Log a warning that names the topics with replication factor 1, if there are any.

    Raises:
        KafkaError: the cluster cannot be reached or refuses.
    """
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        described = await _described(admin, topics)
    finally:
        await admin.close()
    if single := sorted(one["topic"] for one in described if _copies(one) == 1):
        log.warning("replication_factor_one", topics=single, not_promised=ONE_COPY)


def _copies(described: dict[str, Any]) -> int:
    """Return the fewest replicas that a partition has; 0 for a topic that is not there."""
    return min((len(one["replicas"]) for one in described["partitions"]), default=0)


async def _settled(admin: AIOKafkaAdminClient, topics: list[Topic]) -> dict[str, int]:
    """Look again for a while: somebody may have created them a moment ago."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        existing = await _existing(admin, topics)
        if time.monotonic() > deadline or all(topic.name in existing for topic in topics):
            return existing


async def _existing(admin: AIOKafkaAdminClient, topics: list[Topic]) -> dict[str, int]:
    described = await _described(admin, topics)
    return {one["topic"]: len(one["partitions"]) for one in described if one["error_code"] == 0}


async def _described(admin: AIOKafkaAdminClient, topics: list[Topic]) -> list[dict[str, Any]]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return list(await admin.describe_topics([topic.name for topic in topics]))
        except KafkaError as error:
            if not error.retriable or time.monotonic() > deadline:
                raise
            log.info("asking_again_for_topics", error=repr(error))
        await asyncio.sleep(_POLL_SECONDS)


async def _create(
    admin: AIOKafkaAdminClient, topics: list[Topic], partitions: int, replication: int
) -> None:
    response = await admin.create_topics(
        [
            NewTopic(
                name=topic.name,
                num_partitions=partitions,
                replication_factor=replication,
                topic_configs=topic.config(replication),
            )
            for topic in topics
        ]
    )
    for name, code, message in response.topic_errors:
        error = for_code(code)
        # Another process that starts at the same moment may have been first.
        if code and error is not TopicAlreadyExistsError:
            raise error(f"{name}: {message}")
