"""The start-up check, when the broker that is asked does not answer."""

from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.errors import KafkaError, NodeNotReadyError, TopicAuthorizationFailedError

from schemas.topics import Topics
from streams import topics

PARTITIONS, ANSWERS = 3, None
TOPIC = Topics("seismic").raw
AWAY = NodeNotReadyError("node id 2")

Asked = list[Sequence[str]]


@pytest.fixture
def asked() -> Asked:
    return []


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, asked: Asked) -> list[KafkaError | None]:
    """What the cluster says to one question after the other; the last one for ever."""
    replies: list[KafkaError | None] = []

    class Admin:
        def __init__(self, **_: Any) -> None: ...

        async def start(self) -> None: ...

        async def close(self) -> None: ...

        async def describe_topics(self, names: Sequence[str]) -> list[dict[str, Any]]:
            asked.append(names)
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
            if reply is not ANSWERS:
                raise reply
            partitions = [{"replicas": [1, 2, 3]}] * PARTITIONS
            return [{"topic": name, "error_code": 0, "partitions": partitions} for name in names]

    monkeypatch.setattr(topics, "AIOKafkaAdminClient", Admin)
    monkeypatch.setattr(topics, "_POLL_SECONDS", 0.001)
    return replies


async def check() -> list[str]:
    return await topics.ensure({}, [TOPIC], PARTITIONS, 3, create=False)


async def test_another_broker_is_asked(says: list[KafkaError | None], asked: Asked) -> None:
    says += [AWAY, AWAY, ANSWERS]
    assert await check() == []
    assert len(asked) == 3


async def test_not_for_ever(
    says: list[KafkaError | None], asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "PATIENCE_SECONDS", 0.05)
    says += [AWAY]
    with pytest.raises(NodeNotReadyError):
        await check()
    assert len(asked) > 1


async def test_a_refusal_counts_at_once(says: list[KafkaError | None], asked: Asked) -> None:
    says += [TopicAuthorizationFailedError(), ANSWERS]
    with pytest.raises(TopicAuthorizationFailedError):
        await check()
    assert len(asked) == 1
