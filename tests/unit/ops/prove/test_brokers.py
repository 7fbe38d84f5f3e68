"""What is told of brokers that were killed, paused and stopped."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import cast

import pytest

from ops.prove.faults import Site
from ops.prove.faults.brokers import all_of_them, frozen, killed, terminated
from ops.prove.faults.fault import Inflict
from ops.prove.history import Strike

DICE = Random(1)  # noqa: S311 - to be repeated


class Kafka:
    """Three brokers, on a clock that goes on only while something is waited for."""

    brokers = (1, 2, 3)

    def __init__(self) -> None:
        self.now = 1000.0
        self.starts = 0

    def pid(self, broker: int) -> int:
        return 2**30 + 10 * broker + self.starts  # higher than any there is

    def kill(self, _: int) -> None:
        pass

    pause = resume = kill

    async def terminate(self, _: int) -> None:
        pass

    async def restart(self, *_: int) -> list[float]:
        up = [self.now + seconds for seconds in (5, 10, 30)]  # until they take connections
        self.now += 40  # until they are ready
        self.starts += 1
        return up


class Here:
    """A site of brokers alone; to be in sync takes a minute."""

    def __init__(self) -> None:
        self.kafka = Kafka()
        self.kills = Counter[str]()

    @asynccontextmanager
    async def hold(self, _: str) -> AsyncIterator[None]:
        yield

    async def until_in_sync(self) -> None:
        self.kafka.now += 60


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Here:
    here = Here()
    monkeypatch.setattr(time, "monotonic", lambda: here.kafka.now)
    return here


async def struck(here: Here, inflict: Inflict) -> Strike:
    return await inflict(cast("Site", here), DICE)


async def test_killed_brokers_are_up_long_before_all_is_well(here: Here) -> None:
    strike = await struck(here, killed(all_of_them, 0, 0))
    assert (strike.at, strike.restarted, strike.healed) == (1060, 1070, 1160)
    assert strike.note == "SIGKILL, down 0.0 s, 30.0 s until up"
    assert here.kills == {"kafka": 3}


@pytest.mark.parametrize("inflict", [terminated(all_of_them, 0, 0), frozen(all_of_them, 0, 0)])
async def test_of_others_nothing_is_said(here: Here, inflict: Inflict) -> None:
    assert (await struck(here, inflict)).restarted is None
