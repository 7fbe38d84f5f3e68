"""The crm stage: what becomes of a command, and when its offset may be committed."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
import structlog
from aiokafka import TopicPartition

from schemas.reasons import Reason
from schemas.task import Person, TaskCommand, task_key
from schemas.topics import Topics
from streams import metrics
from streams.crm import AlreadyThere, Created, Finding, Refused, Request, Unavailable
from streams.crm.breaker import MINIMUM, Breaker
from streams.crm.target import OUTAGE_SECONDS, Target
from streams.crm_stage import CrmHandler, Neighbours
from streams.standing import Standing
from streams.transaction import Output
from tests.records import NOON_MS, record

TOPICS = Topics()
SOURCE = TopicPartition(TOPICS.task.name, 3)


class Producer:
    """Stands for the transactional producer: notes what is committed."""

    def __init__(self, standing: Standing | None = None, **groups: int | None) -> None:
        self.standing = standing or Standing({}, 5)
        self.groups = groups
        self.commits: list[tuple[list[Output], int]] = []
        self.notes: list[str] = []

    async def start(self, own: Sequence[str], shared: Sequence[str]) -> Standing:
        assert (list(own), list(shared)) == ([], ["seismic.task.dead"])
        return self.standing

    async def committed_by(self, group: str) -> int | None:
        return self.groups.get(group)

    async def place(self, group: str, offset: int) -> None:
        assert self.groups.get(group) is None
        self.groups[group] = offset

    async def commit(
        self, outputs: Sequence[Output], next_offset: int, note: str
    ) -> dict[str, int]:
        self.commits.append((list(outputs), next_offset))
        self.notes.append(note)
        return {}

    async def stop(self) -> None: ...


Answers = list[Created | AlreadyThere | Exception]
Script = dict[str, Answers]


class Crm:
    """Answers by a script per recipient: an exception is raised, anything else returned."""

    def __init__(self, **script: Answers) -> None:
        self.script = script
        self.calls: list[str] = []
        self.under_way = 0
        self.together: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def create(self, task: TaskCommand) -> Created | AlreadyThere:
        who = str(task.recipient.id)
        self.calls.append(who)
        self.under_way += 1
        self.together.append(self.under_way)
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

    async def owners(self, addresses: Sequence[str]) -> list[str]:
        raise AssertionError(f"the stage asks for tasks alone, not for {addresses}")

    async def close(self) -> None: ...


def command(who: str, tenant: str = "t") -> bytes:
    return TaskCommand(
        key=task_key(tenant, "i", who),
        tenant_id=tenant,
        event_id="e",
        event_type="email-v3",
        interaction_id="i",
        owner=Person(id="u"),
        recipient=Person(id=who),
        subject="s",
        due=date(2026, 4, 9),
    ).encode()


def failing(error: Exception, *who: str, times: int) -> Script:
    return {each: [error] * times for each in who}


def target(crm: Crm) -> Target:
    return Target("default", crm, lambda _: True, Breaker(0.5))


ALONE, FURTHER = Neighbours("own"), Neighbours("own", default="default")
DEFAULT = Neighbours("own", further=["emea", "apac"])


def handler(crm: Crm | Target, producer: Producer, neighbours: Neighbours = ALONE) -> CrmHandler:
    to = target(crm) if isinstance(crm, Crm) else crm
    return CrmHandler(producer, TOPICS, to, SOURCE, neighbours)  # type: ignore[arg-type] # it stands for it


async def identity(committed: int | None) -> int:
    return -1 if committed is None else committed


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


async def test_a_crm_that_is_down_is_asked_for_one_command_at_a_time_then_for_all(
    waits: list[float],
) -> None:
    whole = [str(n) for n in range(10)]
    crm = Crm(**failing(Unavailable("down"), *whole, times=3))
    await handler(crm, Producer()).handle([record(command(n), int(n)) for n in whole], 10)
    assert crm.calls[:10] == whole
    # In turn, each failing until its script is used up; the first that does not brings all.
    assert crm.calls[10:30] == whole * 2
    assert (crm.calls[30], crm.calls[31:]) == ("0", whole[1:])
    assert crm.together == [*range(1, 11), *[1] * 21, *range(1, 10)]
    assert len(waits) == 21


async def test_a_command_that_fails_alone_does_not_slow_the_others_down(
    waits: list[float],
) -> None:
    crm = Crm(**failing(Unavailable("locked"), "0", times=3))
    await handler(crm, Producer()).handle([record(command(str(n)), n) for n in range(50)], 50)
    assert crm.calls[50:] == ["0"] * 3
    assert len(waits) == 3


async def test_who_waits_for_a_crm_that_was_down_is_told_when_it_is_back() -> None:
    """Without any patching of sleeps: it is a wait of minutes that ends at once."""
    to = target(Crm())
    to.decided()
    to._decided_at -= 2 * OUTAGE_SECONDS
    work = asyncio.create_task(to.wait(500, at_least=False))
    wished = asyncio.create_task(to.wait(500, at_least=True))
    await turns()
    to.decided()
    await asyncio.wait_for(work, 5)
    await turns()
    assert not wished.done(), "the CRM asked for this wait"
    wished.cancel()


async def test_a_wish_is_kept_although_the_crm_is_back_for_others() -> None:
    crm = Crm(a=[Unavailable("throttled", 500.0)])
    to = target(crm)
    one = handler(to, Producer())
    work = asyncio.create_task(one.handle([record(command("a"))], 1))
    await turns()
    to.decided()
    await turns()
    assert crm.calls == ["a"]
    one.interrupt()
    await work


async def test_each_decision_of_a_crm_that_is_up_wakes_nobody() -> None:
    to = target(Crm())
    to.decided()
    work = asyncio.create_task(to.wait(500, at_least=False))
    await turns()
    to.decided()
    await turns()
    assert not work.done()
    work.cancel()


async def test_waiting_as_the_crm_wished_counts_as_alive() -> None:
    """Or a probe would kill, every few minutes, a worker that does what it was told."""
    one = handler(Crm(a=[Unavailable("throttled", 500.0)]), Producer())
    work = asyncio.create_task(one.handle([record(command("a"))], 1))
    await turns()
    assert one.active_at() > time.monotonic() + 400
    one.interrupt()
    await work


async def test_all_of_a_batch_is_given_at_once_for_the_connector_to_collect() -> None:
    crm = Crm()
    await handler(crm, Producer()).handle([record(command(str(n)), n) for n in range(100)], 100)
    assert crm.together == [*range(1, 101)]


async def test_an_interrupted_batch_commits_nothing_and_leaves_no_call_behind() -> None:
    crm, producer = Crm(), Producer()
    crm.gate.clear()
    one = handler(crm, producer)
    batch = [record(command(who), n) for n, who in enumerate("abcdef")]
    work = asyncio.create_task(one.handle(batch, 6))
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
    assert (crm.calls, producer.commits) == ([], [])


async def test_an_error_nobody_foresaw_keeps_its_partition_waiting_and_nothing_else(
    waits: list[float],
) -> None:
    """Raised, it would end the process: one odd answer, and no target's deliveries go on.

    It is no secret either: counted, alerted on, and logged by its type and place. Its text may
    quote what the CRM said of somebody.
    """
    crm, producer = Crm(a=[KeyError("pat@customer.example")] * 3), Producer()
    before = metrics.CRM_ERRORS.labels("default")._value.get()
    with structlog.testing.capture_logs() as logs:
        await handler(crm, producer).handle(
            [record(command(who), n) for n, who in enumerate("ab")], 2
        )
    assert producer.commits == [([], 2)]
    assert crm.calls == ["a", "b", "a", "a", "a"]
    assert len(waits) == 3
    assert metrics.CRM_ERRORS.labels("default")._value.get() - before == 3
    told = [one for one in logs if one["event"] == "crm_connector_failed"]
    assert [one["error"] for one in told] == ["KeyError"] * 3
    assert all(one["trace"][-1].endswith(" create") for one in told)
    assert "pat@" not in str(logs)


async def test_only_what_the_target_serves_is_carried_out_and_the_rest_is_passed_over() -> None:
    crm, producer = Crm(), Producer()
    one = handler(replace(target(crm), serves=lambda tenant: tenant == "ours"), producer)
    batch = [command("a", "ours"), command("b", "theirs"), b"{unreadable", command("c", "ours")]
    assert await one.handle([record(value, n) for n, value in enumerate(batch)], 4)
    assert (crm.calls, producer.commits) == (["a", "c"], [([], 4)])


NOWHERE = Standing({}, None)


async def test_a_takeover_goes_on_where_its_group_stands() -> None:
    for neighbours in (ALONE, FURTHER, DEFAULT):
        producer = Producer(Standing({}, 7), default=3, emea=1, apac=2)
        assert await handler(Crm(), producer, neighbours).open(identity) == 7


async def test_a_new_target_begins_where_the_default_one_stands() -> None:
    assert await handler(Crm(), Producer(NOWHERE, default=3), FURTHER).open(identity) == 3
    assert await handler(Crm(), Producer(NOWHERE), FURTHER).open(identity) == -1
    assert await handler(Crm(), Producer(NOWHERE, default=3)).open(identity) == -1


async def test_the_default_target_places_new_ones_before_it_passes_over_anything() -> None:
    """Or they would begin behind what it has passed over for them, and nobody would deliver it."""
    producer = Producer(Standing({}, 7), apac=2)
    assert await handler(Crm(), producer, DEFAULT).open(identity) == 7
    assert producer.groups == {"emea": 7, "apac": 2}
    producer = Producer(NOWHERE)
    assert await handler(Crm(), producer, DEFAULT).open(identity) == -1
    assert producer.groups == {"emea": -1, "apac": -1}


async def test_a_new_target_that_was_placed_meanwhile_begins_there() -> None:
    assert await handler(Crm(), Producer(NOWHERE, default=9, own=4), FURTHER).open(identity) == 4


def refusing(*who: str) -> Script:
    return failing(Refused("HTTP 400: REQUIRED_FIELD_MISSING"), *who, times=10_000)


async def test_a_crm_that_refuses_most_has_its_commands_kept_back(waits: list[float]) -> None:
    crm, producer = Crm(**refusing(*map(str, range(60)))), Producer()
    to = target(crm)
    one = handler(to, producer)
    work = asyncio.create_task(one.handle([record(command(str(n)), n) for n in range(60)], 60))
    await turns(2000)
    assert producer.commits == []
    assert held() == 1
    assert max(waits) > 1
    crm.script.clear()
    assert await work
    assert producer.commits == [([], 60)]
    assert held() == 0


async def test_while_most_is_refused_one_command_at_a_time_is_tried(waits: list[float]) -> None:
    crm, producer = Crm(**refusing(*map(str, range(60)))), Producer()
    one = handler(crm, producer)
    work = asyncio.create_task(one.handle([record(command(str(n)), n) for n in range(60)], 60))
    await eventually_waited(waits, 130)
    assert len(crm.calls) - 60 <= len(waits)
    assert set(crm.calls[60:190]) == set(map(str, range(60))), "each of them in its turn"
    one.interrupt()
    assert not await work
    assert held() == 0


async def test_a_few_bad_commands_are_dead_letters_whatever_their_share(
    waits: list[float],
) -> None:
    producer = Producer()
    one = handler(Crm(**refusing("0", "1", "2")), producer)
    await one.handle([record(command(str(n)), n) for n in range(4)], 4)
    ((letters, _),) = producer.commits
    assert (len(letters), waits) == (3, [])


async def test_bad_commands_among_good_ones_are_dead_letters(waits: list[float]) -> None:
    producer = Producer()
    bad = [str(n) for n in range(0, 90, 3)]
    batch = [record(command(str(n)), n) for n in range(90)]
    await handler(Crm(**refusing(*bad)), producer).handle(batch, 90)
    ((letters, _),) = producer.commits
    offsets = [dict(letter.headers)["geophone-source-offset"].decode() for letter in letters]
    assert (offsets, waits) == (bad, [])


async def test_a_bad_command_left_over_when_the_crm_is_mended_does_not_hold_the_others(
    waits: list[float],
) -> None:
    crm, producer = Crm(**refusing(*map(str, range(40)))), Producer()
    one = handler(crm, producer)
    work = asyncio.create_task(one.handle([record(command(str(n)), n) for n in range(40)], 40))
    await eventually_waited(waits, 3)
    crm.script = refusing("7")
    assert await work
    ((letters, _),) = producer.commits
    assert [letter.value for letter in letters] == [command("7")]


async def test_a_crm_that_was_mended_may_refuse_a_command_again(waits: list[float]) -> None:
    few = [str(n) for n in range(MINIMUM)]
    crm, producer = Crm(**refusing(*few)), Producer()
    one = handler(crm, producer)
    for n in range(MINIMUM - 1):
        await one.handle([record(command(str(n)), n)], n + 1)
    work = asyncio.create_task(one.handle([record(command(few[-1]), MINIMUM)], MINIMUM + 1))
    await eventually_waited(waits, 2)
    crm.script = refusing("bad")
    assert await work
    waits.clear()
    assert await one.handle([record(command("bad"), 50)], 51)
    assert (len(producer.commits[-1][0]), waits) == (1, [])


async def test_a_partition_that_is_let_go_takes_what_it_knows_along(waits: list[float]) -> None:
    """Its next owner here finds it in the note; of what was not committed nothing is known."""
    to = target(Crm(**refusing(*map(str, range(MINIMUM)))))
    first = handler(to, Producer())
    for n in range(MINIMUM - 1):
        await first.handle([record(command(str(n)), n)], n + 1)
    await first.close()
    second = handler(to, Producer())
    await second.open(identity)
    assert await second.handle([record(command("0"), 0)], 1)
    assert waits == []


async def test_what_was_refused_is_known_to_the_next_owner(waits: list[float]) -> None:
    """Or each restart would give up as many as it takes to see that it should not."""
    crm, producer = Crm(**refusing(*map(str, range(100)))), Producer()
    one = handler(crm, producer)
    for n in range(MINIMUM - 1):
        await one.handle([record(command(str(n)), n)], n + 1)
    assert waits == []
    successor = handler(crm, Producer(Standing({}, 19, producer.notes[-1])))
    await successor.open(identity)
    work = asyncio.create_task(successor.handle([record(command("19"), 19)], 20))
    await eventually_waited(waits, 2)
    successor.interrupt()
    assert not await work


async def test_the_oldest_command_that_is_not_decided_is_told(waits: list[float]) -> None:
    """Of those in hand, whatever others the CRM takes meanwhile; 0 when there is none."""
    crm = Crm(b=[Unavailable("locked")] * 10_000)
    one = handler(crm, Producer())
    assert oldest() == 0
    now_ms = int(time.time() * 1000)
    batch = [
        record(command(who), n, timestamp=now_ms - age * 1000)
        for n, (who, age) in enumerate({"a": 9000, "b": 500, "c": 100}.items())
    ]
    crm.gate.clear()
    work = asyncio.create_task(one.handle(batch, 3))
    await turns()
    assert 9000 <= oldest() < 9100
    crm.gate.set()
    await eventually_waited(waits, 5)
    assert 500 <= oldest() < 600
    crm.script.clear()
    assert await work
    assert oldest() == 0


async def test_a_partition_that_is_let_go_leaves_no_command_behind() -> None:
    one = handler(Crm(a=[Unavailable("down", 500.0)]), Producer())
    work = asyncio.create_task(one.handle([record(command("a"))], 1))
    await turns()
    assert oldest() > 0
    one.interrupt()
    await work
    assert oldest() == 0


def oldest() -> float:
    samples = [one for family in metrics.CRM_OLDEST.collect() for one in family.samples]
    (age,) = (one.value for one in samples if one.labels["target"] == "default")
    return float(age)


def held() -> float:
    return float(metrics.CRM_HELD.labels("default")._value.get())


async def eventually_waited(waits: list[float], times: int) -> None:
    for _ in range(100_000):
        if len(waits) >= times:
            return
        await asyncio.sleep(0)
    pytest.fail(f"{len(waits)} waits, not {times}")


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
