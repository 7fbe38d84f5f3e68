"""When the demo stops looking: not when it sees what it hoped for, but when nothing more comes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiokafka import ConsumerRecord

from ops.demo import outcome
from ops.demo.handled import _is_before
from ops.demo.outcome import Outcome, Seen, look
from ops.demo.script import Expected, Step
from ops.sender import Delivery
from ops.stack import Choice, Stack
from tests.records import record

STEP = Step("email", b"body", {}, Expected(200, topic="event.email-v3", tasks=("a@example.com",)))
ONCE, TWICE = [record(b"body")], [record(b"body"), record(b"body", 1)]
TASK: dict[str, Any] = {"command": {"recipient": {"email": "a@example.com"}}}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "_ASK_SECONDS", 0.0)
    monkeypatch.setattr(outcome, "_HOPELESS_SECONDS", 0.05)


class World:
    """Shows the given states one after another, the last one for ever."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        states: Sequence[tuple[list[ConsumerRecord], int]],
        handled: Sequence[bool] = (True,),
    ) -> None:
        self._states: Iterator[tuple[list[ConsumerRecord], int]] = _for_ever(states)
        self._handled: Iterator[bool] = _for_ever(handled)
        self.looks = 0
        self.said: list[str] = []
        monkeypatch.setattr(outcome, "_records", self._records)
        monkeypatch.setattr(outcome, "_tasks", self._tasks)
        monkeypatch.setattr(outcome, "all_handled", self._all_handled)
        monkeypatch.setattr(Stack, "connection", None)

    async def look(self, folder: Path, seconds: float = 20.0) -> Seen:
        stack = Stack(Choice(folder), self.said.append)
        played = [Outcome(STEP, [Delivery(200, 1.0)])]
        async with ClientSession() as session:
            return await look(stack, session, played, seconds, self.said.append)

    async def _records(self, _: Stack) -> dict[str, list[ConsumerRecord]]:
        self.looks += 1
        self._now = next(self._states)
        return {"event.email-v3": self._now[0]}

    async def _tasks(self, *_: object) -> list[dict[str, Any]]:
        return [TASK] * self._now[1]

    async def _all_handled(self, _: None, __: Mapping[str, Sequence[ConsumerRecord]]) -> bool:
        return next(self._handled)


def _for_ever(values: Sequence[Any]) -> Iterator[Any]:
    return chain(values, repeat(values[-1]))


async def test_a_duplicate_that_comes_after_the_expected_record_is_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world = World(monkeypatch, [(ONCE, 1), (TWICE, 1)])
    assert len((await world.look(tmp_path)).records["event.email-v3"]) == 2


async def test_it_waits_as_long_as_something_has_not_been_handled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    states = [(ONCE, 1)] * 4 + [(ONCE, 2)]
    world = World(monkeypatch, states, handled=[False, False, False, True])
    assert len((await world.look(tmp_path)).tasks) == 2


async def test_all_handled_and_unchanged_is_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world = World(monkeypatch, [([], 0), (ONCE, 0), (ONCE, 1)])
    await world.look(tmp_path)
    assert world.looks == 4
    assert world.said[-1].endswith("1 of 1 records, 1 of 1 tasks …")


async def test_what_is_missing_for_good_is_not_waited_for_to_the_deadline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world = World(monkeypatch, [(ONCE, 0)])
    assert (await world.look(tmp_path, seconds=3600)).tasks == []


async def test_streams_that_never_handle_anything_end_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world = World(monkeypatch, [([], 0)], handled=[False])
    assert (await world.look(tmp_path, seconds=0.05)).records == {"event.email-v3": []}


@pytest.mark.parametrize(("committed", "handled"), [({}, False), (5, False), (6, True)])
def test_a_record_is_handled_once_its_group_stands_behind_it(
    committed: int | dict[Any, int], *, handled: bool
) -> None:
    found = record(b"", 5)
    where = (found.topic, found.partition)
    offsets = {where: committed} if isinstance(committed, int) else committed
    assert _is_before(found, offsets) == handled
