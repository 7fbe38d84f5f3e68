"""How a fault waits for every replica to be in sync: seldom, and with one client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from ops.prove.faults import FaultFailed, Site
from ops.stack import Choice, Stack

IN_SYNC: list[dict[str, Any]] = [{"partitions": [{"isr": [2, 1], "replicas": [1, 2]}]}]
LAGGING: list[dict[str, Any]] = [{"partitions": [{"isr": [1], "replicas": [1, 2]}]}]

Answer = list[dict[str, Any]] | Exception


class Cluster:
    """Gives one answer after the other; counts the clients that were opened and closed."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.pauses: list[float] = []
        self.gone: list[int] = []
        self.opened = self.closed = 0

    @asynccontextmanager
    async def admin(self) -> AsyncIterator["Cluster"]:
        self.opened += 1
        try:
            yield self
        finally:
            self.closed += 1

    async def describe_topics(self) -> list[dict[str, Any]]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def dead(self) -> list[int]:
        return self.gone

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    cluster = Cluster()
    monkeypatch.setattr(Site, "kafka", cluster)
    monkeypatch.setattr(Site, "admin", cluster.admin)
    monkeypatch.setattr(asyncio, "sleep", cluster.sleep)
    return cluster


@pytest.fixture
def here(cluster: Cluster, tmp_path: Path) -> Site:
    assert not cluster.opened
    return Site(Stack(Choice(tmp_path, revive=False), lambda _: None))


async def test_it_asks_once_a_second_and_always_with_the_same_client(
    here: Site, cluster: Cluster
) -> None:
    cluster.answers = [LAGGING, LAGGING, IN_SYNC]
    await here.until_in_sync()
    assert cluster.pauses == [1.0, 1.0]
    assert (cluster.opened, cluster.closed) == (1, 1)


async def test_a_client_whose_broker_has_gone_is_replaced(here: Site, cluster: Cluster) -> None:
    cluster.answers = [LAGGING, KafkaConnectionError(), TimeoutError(), IN_SYNC]
    await here.until_in_sync()
    assert (cluster.opened, cluster.closed) == (3, 3)


async def test_a_broker_that_no_fault_has_ended_ends_the_wait(here: Site, cluster: Cluster) -> None:
    cluster.gone = [2]
    with pytest.raises(FaultFailed, match=r"broker \[2\] does not run"):
        await here.until_in_sync()
    assert cluster.opened == cluster.closed
