"""What a fault does if the process ends by itself in the moment it is hit."""

import asyncio
import os
import signal
from collections import Counter, defaultdict
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ops.child import Child
from ops.prove.faults import FaultFailed, Site, processes, storm
from ops.prove.faults.processes import frozen, one

DICE = Random(1)  # noqa: S311 - to be repeated
KILLED, ITSELF = -signal.SIGKILL, 70


class Worker:
    """A process that ends, whatever it is sent, with one code after the other."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.exits: list[int] = []
        self.sent: list[signal.Signals] = []
        self.program = SimpleNamespace(name="streams-1", role="streams")
        self.gone = False

    running = True

    @property
    def pid(self) -> int:
        return 2**30 + len(self.exits)  # higher than any there is

    def send(self, number: signal.Signals) -> None:
        if not self.gone:
            self.sent.append(number)
            self.exits.append(self.codes.pop(0))

    async def announced(self, _: float) -> dict[str, Any]:
        self.gone = False
        return {}


class Here(Site):
    """A site with that one process."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.kills = Counter()
        self._locks = defaultdict(asyncio.Lock)

    def names(self, role: str) -> list[str]:
        return [f"{role}-1"]

    async def running(self, name: str) -> Child:
        assert name == self.worker.program.name
        await self.worker.announced(0)
        return cast("Child", self.worker)


async def test_what_ended_by_itself_just_before_it_was_killed_is_killed_the_next_time() -> None:
    here = Here(Worker(ITSELF, ITSELF, KILLED))
    strike = await one("streams", signal.SIGKILL)(here, DICE)
    assert strike.note == "SIGKILL, code -9"
    assert here.kills == {"streams": 1}
    assert here.worker.exits == [ITSELF, ITSELF, KILLED]


async def test_what_always_ends_by_itself_cannot_be_killed() -> None:
    here = Here(Worker(*[ITSELF] * processes._TRIES))
    with pytest.raises(FaultFailed, match=r"streams-1 ends by itself \(code 70\) each time"):
        await one("streams", signal.SIGKILL)(here, DICE)
    assert not here.kills


async def test_what_always_ends_by_itself_cannot_be_frozen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Worker, "pid", os.getpid())
    here = Here(Worker(*[ITSELF] * processes._TRIES))
    with pytest.raises(FaultFailed, match="streams-1 ends by itself each time"):
        await asyncio.wait_for(frozen("streams", 0, 0)(here, DICE), 2)


async def test_what_is_asked_to_end_may_end_with_any_code() -> None:
    here = Here(Worker(ITSELF))
    assert (await one("streams", signal.SIGTERM)(here, DICE)).note == "SIGTERM, code 70"


async def test_a_passer_by_that_is_not_there_is_waited_for_before_it_is_sent_away() -> None:
    passer_by = Worker(KILLED)
    passer_by.gone = True
    leaving = storm._leave(cast("Child", passer_by), signal.SIGKILL)
    await asyncio.wait_for(leaving, 2)
    assert passer_by.sent == [signal.SIGKILL]
