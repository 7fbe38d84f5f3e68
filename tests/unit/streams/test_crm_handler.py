"""The crm stage: what becomes of a command, and when its offset may be committed."""

import asyncio
import time
from collections.abc import Sequence
from datetime import date

import pytest

from schemas.reasons import Reason
from schemas.task import Person, TaskCommand, task_key
from schemas.topics import Topics
from streams.crm import AlreadyThere, Created, Finding, Refused, Request, Unavailable
from streams.crm_stage import CrmHandler
from streams.transaction import Output
from tests.records import NOON_MS, record

TOPICS = Topics()


class Producer:
    """Stands for the transactional producer: notes what is committed."""

    def __init__(self) -> None:
        self.commits: list[tuple[list[Output], int]] = []

    async def commit(self, outputs: Sequence[Output], next_offset: int) -> dict[str, int]:
        self.commits.append((list(outputs), next_offset))
        return {}


class Crm:
    """Answers by a script per recipient: an exception is raised, anything else returned."""

    def __init__(self, **script: list[Created | AlreadyThere | Exception]) -> None:
        self.script = script
        self.calls: list[str] = []
        self.under_way = self.most = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def create(self, task: TaskCommand) -> Created | AlreadyThere:
        who = str(task.recipient.id)
        self.calls.append(who)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        script = self.script.get(who)
        answer = script.pop(0) if script else Created()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def preview(self, task: TaskCommand) -> list[Request]:
        raise AssertionError(f"the stage previews nothing, {task.key} included")

    async def check(self) -> list[Finding]:
        raise AssertionError("the stage checks nothing")

    async def close(self) -> None: ...


def command(who: str) -> bytes:
    return TaskCommand(
        key=task_key("t", "i", who),
        tenant_id="t",
        event_id="e",
        event_type="email-v3",
        interaction_id="i",
        owner=Person(id="u"),
        recipient=Person(id=who),
        subject="s",
        due=date(2026, 4, 9),
    ).encode()


def handler(crm: Crm, producer: Producer, concurrency: int = 4) -> CrmHandler:
    return CrmHandler(producer, TOPICS, crm, concurrency)  # type: ignore[arg-type] # stands for it


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No real waiting between attempts; what would have been waited."""
    waited: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        if seconds:
            waited.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    return waited


async def test_the_offset_is_committed_after_the_crm_has_every_task() -> None:
    crm, producer = Crm(), Producer()
    crm.gate.clear()
    work = asyncio.create_task(
        handler(crm, producer).handle([record(command("a")), record(command("b"), 1)], 2)
    )
    await turns()
    assert (crm.calls, producer.commits) == (["a", "b"], [])
    crm.gate.set()
    assert await work
    assert producer.commits == [([], 2)]


async def test_a_task_that_was_there_already_counts_as_done() -> None:
    producer = Producer()
    assert await handler(Crm(a=[AlreadyThere()]), producer).handle([record(command("a"))], 1)
    assert producer.commits == [([], 1)]


async def test_a_refused_command_is_a_dead_letter_and_the_others_go_on() -> None:
    crm, producer = Crm(b=[Refused("HTTP 400: BAD_OWNER")]), Producer()
    batch = [record(command(who), n, topic="seismic.task") for n, who in enumerate("abc")]
    await handler(crm, producer).handle(batch, 3)
    (([letter], next_offset),) = producer.commits
    sent = dict(letter.headers)
    assert (letter.topic, letter.key, letter.value) == (
        TOPICS.task_dead.name,
        b"tenant-a",
        command("b"),
    )
    assert sent["geophone-reason"] == Reason.REFUSED_BY_CRM.value.encode()
    assert sent["geophone-detail"] == b"HTTP 400: BAD_OWNER"
    assert sent["geophone-source-offset"] == b"1"
    assert (letter.timestamp_ms, next_offset) == (NOON_MS, 3)


@pytest.mark.parametrize("value", [b"{", b"", None, b"[]", b'{"version": 2}'])
async def test_an_unreadable_command_is_a_dead_letter_and_the_crm_is_not_asked(
    value: bytes | None,
) -> None:
    crm, producer = Crm(), Producer()
    await handler(crm, producer).handle([record(value)], 1)
    (([letter], _),) = producer.commits
    assert letter.value == (value or b"")
    assert dict(letter.headers)["geophone-reason"] == Reason.UNREADABLE_TASK.value.encode()
    assert crm.calls == []


async def test_an_unavailable_crm_is_asked_again_until_it_has_the_task(
    waits: list[float],
) -> None:
    crm, producer = Crm(a=[Unavailable("down")] * 7), Producer()
    await handler(crm, producer).handle([record(command("a"))], 1)
    assert len(crm.calls) == 8
    assert len(waits) == 7
    assert producer.commits == [([], 1)]


async def test_a_wish_to_wait_is_the_least_that_is_waited(waits: list[float]) -> None:
    crm = Crm(a=[Unavailable("throttled", 30.0)])
    await handler(crm, Producer()).handle([record(command("a"))], 1)
    assert waits[0] >= 30


async def test_waiting_as_the_crm_wished_counts_as_alive() -> None:
    """Or a probe would kill, every few minutes, a worker that does what it was told."""
    one = handler(Crm(a=[Unavailable("throttled", 500.0)]), Producer())
    work = asyncio.create_task(one.handle([record(command("a"))], 1))
    await turns()
    assert one.active_at > time.monotonic() + 400
    one.interrupt()
    await work


async def test_no_more_than_the_allowed_calls_are_under_way() -> None:
    crm = Crm()
    batch = [record(command(str(n)), n) for n in range(20)]
    await handler(crm, Producer(), concurrency=3).handle(batch, 20)
    assert (crm.most, len(crm.calls)) == (3, 20)


async def test_an_interrupted_batch_commits_nothing_and_leaves_no_call_behind() -> None:
    crm, producer = Crm(), Producer()
    crm.gate.clear()
    one = handler(crm, producer)
    work = asyncio.create_task(one.handle([record(command(who)) for who in "abcdef"], 6))
    await turns()
    one.interrupt()
    assert not await work
    assert (crm.under_way, producer.commits) == (0, [])


async def test_interrupting_a_wait_between_attempts_returns_at_once() -> None:
    crm = Crm(a=[Unavailable("down", 500.0)])
    one = handler(crm, Producer())
    work = asyncio.create_task(one.handle([record(command("a"))], 1))
    await turns()
    one.interrupt()
    assert not await asyncio.wait_for(work, 5)


async def test_a_batch_after_an_interruption_is_not_begun() -> None:
    producer = Producer()
    crm = Crm()
    crm.gate.clear()
    one = handler(crm, producer)
    one.interrupt()
    assert not await one.handle([record(command("a"))], 1)
    assert producer.commits == []


async def test_an_error_nobody_foresaw_is_not_swallowed() -> None:
    producer = Producer()
    with pytest.raises(KeyError):
        await handler(Crm(a=[KeyError("bug")]), producer).handle([record(command("a"))], 1)
    assert producer.commits == []


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
