"""Who is asked where logs end, how often, and for how long."""

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import NodeNotReadyError

from streams import decided
from streams.decided import until_decided

WHERE = TopicPartition("a", 3)
NOT_LEADER, DENIED = 6, 29
WRITTEN = -2

Reply = tuple[int, int]
"""Error code and offset."""


class Cluster:
    """A client of two brokers; `answers` says what the broker that is asked replies."""

    def __init__(self, answers: Callable[[int, int], Reply]) -> None:
        self._answers = answers
        self.leader: int | None = 1
        self.next_leader: int | None = 1
        self.asked: list[tuple[int, int]] = []
        self.cluster = SimpleNamespace(leader_for_partition=lambda _: self.leader)

    async def force_metadata_update(self) -> None:
        self.leader = self.next_leader

    async def send(self, node: int, request: Any) -> Any:
        replica, topics = request._replica_id, request._topics
        self.asked.append((node, replica))
        error, offset = self._answers(node, replica)
        if error < 0:
            await asyncio.sleep(3600)
        return SimpleNamespace(
            topics=[
                (name, [(number, error, -1, offset) for number, _ in asked])
                for name, asked in topics
            ]
        )


def wait(cluster: Cluster, seconds: float = 5.0) -> Any:
    return until_decided(cluster, [WHERE], seconds)


async def test_it_is_decided_when_the_stable_offset_has_reached_the_end() -> None:
    stable = iter([7, 8, 9])
    cluster = Cluster(lambda _, replica: (0, 9 if replica == WRITTEN else next(stable)))
    await wait(cluster)
    assert len(cluster.asked) == 6


async def test_the_end_is_taken_anew_from_the_new_leader() -> None:
    """Broker 1 leads no more and has missed the end; it says so to consumers only."""

    def answers(node: int, replica: int) -> Reply:
        if node == 1:
            return (0, 5) if replica == WRITTEN else (NOT_LEADER, -1)
        return (0, 9) if replica == WRITTEN else (0, 5)

    cluster = Cluster(answers)
    cluster.next_leader = 2
    with pytest.raises(TimeoutError, match="hang in a-3"):
        await wait(cluster, 0.2)


async def test_a_partition_without_leader_is_waited_for() -> None:
    cluster = Cluster(lambda _, __: (0, 5))
    cluster.leader = None
    await wait(cluster)
    cluster.leader = cluster.next_leader = None
    with pytest.raises(TimeoutError, match="ends of a-3 are not known"):
        await wait(cluster, 0.1)


async def test_a_silent_leader_is_looked_up_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decided, "_ROUND_SECONDS", 0.05)
    cluster = Cluster(lambda node, _: (-1, 0) if node == 1 else (0, 5))
    cluster.next_leader = 2
    await wait(cluster)


async def test_however_silent_the_leader_it_ends_in_time() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await wait(Cluster(lambda _, __: (-1, 0)), 0.1)
    assert time.monotonic() - began < decided._ROUND_SECONDS


async def test_what_no_repetition_mends_is_told_at_once() -> None:
    with pytest.raises(Exception, match="a-3") as denied:
        await wait(Cluster(lambda _, __: (DENIED, -1)), 60)
    assert "TopicAuthorizationFailed" in type(denied.value).__name__


async def test_a_broker_that_is_not_ready_is_asked_again() -> None:
    cluster = Cluster(lambda _, __: (0, 5))
    send, failures = cluster.send, [NodeNotReadyError()]

    async def failing(node: int, request: Any) -> Any:
        if failures:
            raise failures.pop()
        return await send(node, request)

    cluster.send = failing  # type: ignore[method-assign]
    await wait(cluster)
