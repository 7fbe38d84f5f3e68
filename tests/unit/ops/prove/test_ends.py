"""When the connection that asks for offsets is kept, and when it is renewed."""

from collections.abc import Mapping
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaException, TopicPartition

from ops.prove.readers import ends
from ops.prove.readers.ends import Ends, places
from schemas.connection import KafkaConnection

WHERE = places("seismic.", ["raw"], 2)
QUESTIONS = 3
"""Start, stable offset, high watermark."""


class Cluster:
    """Answers each question with its number; `seconds` is how long each answer takes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.seconds = 0.1
        self.failing = False
        self.asked: list[int] = []
        self._clients = 0

    def client(self, _: Mapping[str, Any]) -> Any:
        self._clients += 1
        number = self._clients

        def list_offsets(
            asked: Mapping[TopicPartition, Any], **_: Any
        ) -> dict[TopicPartition, "Future[Any]"]:
            self.asked.append(number)
            self.now += self.seconds
            return {one: self._answer() for one in asked}

        return SimpleNamespace(list_offsets=list_offsets)

    def _answer(self) -> "Future[Any]":
        answer: Future[Any] = Future()
        if self.failing:
            answer.set_exception(KafkaException("the leader has moved"))
        else:
            answer.set_result(SimpleNamespace(offset=len(self.asked)))
        return answer

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    cluster = Cluster()
    clock = SimpleNamespace(monotonic=lambda: cluster.now, sleep=cluster.sleep)
    monkeypatch.setattr(ends, "time", clock)
    monkeypatch.setattr(ends, "AdminClient", cluster.client)
    return cluster


def test_one_connection_serves_as_long_as_answers_come_at_once(cluster: Cluster) -> None:
    asking = Ends(KafkaConnection(), "seismic.")
    for number in range(2):
        start, stable, high = (number * QUESTIONS + one for one in (1, 2, 3))
        assert [(end.start, end.stable, end.high) for end in asking.read(WHERE)] == (
            [(start, stable, high)] * len(WHERE)
        )
    assert cluster.asked == [1] * 2 * QUESTIONS


def test_one_that_answers_late_is_not_asked_again(cluster: Cluster) -> None:
    asking = Ends(KafkaConnection(), "seismic.")
    cluster.seconds = 2.0
    asking.read(WHERE)
    cluster.seconds = 0.1
    asking.read(WHERE)
    assert cluster.asked == [1, 2, 3, 4, 4, 4]


def test_one_that_fails_is_not_asked_again(cluster: Cluster) -> None:
    asking = Ends(KafkaConnection(), "seismic.")
    cluster.failing = True
    with pytest.raises(KafkaException):
        asking.read(WHERE, seconds=0.25)
    cluster.failing = False
    failed = list(cluster.asked)
    assert failed == list(range(1, len(failed) + 1))
    assert len(failed) > 1
    asking.read(WHERE)
    assert cluster.asked[len(failed) :] == [len(failed) + 1] * QUESTIONS
