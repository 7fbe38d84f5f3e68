"""What `streams.crm.CRM` promises, asked of every vendor's connector against that vendor's fake."""

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog

from schemas.task import Person, Related, TaskCommand
from streams.crm import (
    CRM,
    OWNER_ID,
    RECIPIENT_ID,
    AlreadyThere,
    Created,
    Refused,
    Request,
    Unavailable,
)
from streams.crm.limits import Limits
from tests.crm_fakes import dynamics_driver, hubspot_driver, salesforce_driver
from tests.crm_fakes.driver import Driver
from tests.crm_fakes.faults import Fault
from tests.crm_fakes.server import TOKEN, Fake, State, Task

DRIVERS = {
    "dynamics": dynamics_driver.DRIVER,
    "hubspot": hubspot_driver.DRIVER,
    "salesforce": salesforce_driver.DRIVER,
}

OWNER, FALLBACK, RECIPIENT = "sam@vendor.example", "ann@vendor.example", "o'hara@customer.example"
LIMITS = Limits(timeout=5, per_second=1_000, burst=1_000, concurrency=8)


@dataclass
class Desk:
    """A vendor's fake, and connectors to it."""

    driver: Driver
    fake: Fake
    folder: Path
    stack: AsyncExitStack

    def connect(self, limits: Limits = LIMITS) -> CRM:
        crm = self.driver.connect(self.fake.url, self.folder, limits)
        self.stack.push_async_callback(crm.close)
        return crm

    def task(self, key: object) -> Task:
        (task,) = self.fake.tasks(key)
        return task


@pytest.fixture(params=sorted(DRIVERS))
def driver(request: pytest.FixtureRequest) -> Driver:
    return DRIVERS[request.param]


@pytest.fixture
async def desk(driver: Driver, tmp_path: Path) -> AsyncIterator[Desk]:
    ids = driver.ids
    state = State(
        users={OWNER: ids["user"], FALLBACK: ids["other user"]},
        contacts={RECIPIENT: ids["contact"]},
        leads={"lou@customer.example": ids["lead"]},
        records={ids["record"]: "Opportunity"},
    )
    fake = driver.fake(state)
    async with fake.serving(), AsyncExitStack() as stack:
        yield Desk(driver, fake, tmp_path, stack)


@pytest.fixture
def crm(desk: Desk) -> CRM:
    return desk.connect()


@pytest.fixture
def task(driver: Driver) -> TaskCommand:
    return TaskCommand(
        key=uuid4(),
        tenant_id="tenant-1",
        event_id="event-1",
        event_type="LiveSendEmailV1",
        interaction_id="interaction-1",
        owner=Person(email=OWNER),
        fallback_owner=Person(email=FALLBACK),
        recipient=Person(email=RECIPIENT.upper()),
        subject="Follow up: Zoë ☎",
        body="Sent on 1 October: “Pricing” & more <b>",
        priority="high",
        due=date(2026, 10, 5),
        related=Related(type="Opportunity", id=driver.ids["record"], name="Acme"),
    )


def another(task: TaskCommand, **changes: Any) -> TaskCommand:
    return task.model_copy(update={"key": uuid4(), **changes})


async def test_a_command_becomes_a_task(desk: Desk, crm: CRM, task: TaskCommand) -> None:
    created = await crm.create(task)
    stored = desk.task(task.key)
    assert created == Created(stored.id)
    assert (stored.subject, stored.body) == (task.subject, task.body)
    assert stored.due.startswith("2026-10-05")
    assert stored.owner == desk.driver.ids["user"]
    assert stored.recipient == (None if desk.driver.one_link else desk.driver.ids["contact"])
    assert stored.related == desk.driver.ids["record"]
    assert stored.priority
    assert not stored.completed


async def test_priorities_differ(desk: Desk, crm: CRM, task: TaskCommand) -> None:
    tasks = [another(task, priority=priority) for priority in ("low", "normal", "high")]
    await asyncio.gather(*map(crm.create, tasks))
    assert len({desk.task(task.key).priority for task in tasks}) == 3


async def test_the_longest_texts_fit(desk: Desk, crm: CRM, task: TaskCommand) -> None:
    long = another(task, subject="ß" * 255, body="€" * 32_000)
    assert isinstance(await crm.create(long), Created)
    limit, stored = desk.driver.subject_limit, desk.task(long.key).subject
    assert len(stored) == limit
    assert stored[: limit - 1] == long.subject[: limit - 1]


async def test_the_same_key_twice_is_one_task(desk: Desk, crm: CRM, task: TaskCommand) -> None:
    first, second = await crm.create(task), await crm.create(task)
    assert second == AlreadyThere(first.record_id)
    assert desk.task(task.key).id == first.record_id
    assert desk.fake.outcomes["created"] == 1


@pytest.mark.parametrize("connectors", [1, 2])
async def test_the_same_key_at_the_same_time_is_one_task(
    desk: Desk, task: TaskCommand, connectors: int
) -> None:
    crms = [desk.connect() for _ in range(connectors)]
    outcomes = await asyncio.gather(*(crm.create(task) for crm in crms for _ in range(10)))
    assert sum(isinstance(outcome, Created) for outcome in outcomes) == 1
    assert {outcome.record_id for outcome in outcomes} == {desk.task(task.key).id}


async def test_a_redelivery_changes_nothing_that_a_person_did(
    desk: Desk, crm: CRM, task: TaskCommand
) -> None:
    await crm.create(task)
    desk.fake.complete(task.key)
    before = replace(desk.task(task.key))
    again = await desk.connect().create(another(task, key=task.key, subject="changed"))
    assert isinstance(again, AlreadyThere)
    assert desk.task(task.key) == before
    assert before.completed


def retryable() -> list[Any]:
    return [
        pytest.param(name, index, id=f"{name}-{code}")
        for name, driver in DRIVERS.items()
        for index, (_, code) in enumerate(driver.retryable)
    ]


@pytest.mark.parametrize(("driver", "index"), retryable(), indirect=["driver"])
async def test_what_passes_is_unavailable_and_later_taken(
    desk: Desk, crm: CRM, task: TaskCommand, index: int
) -> None:
    fault, code = desk.driver.retryable[index]
    desk.fake.fault(fault)
    with pytest.raises(Unavailable, match=code) as caught:
        await crm.create(task)
    assert "canary" not in caught.value.reason
    assert desk.fake.tasks(task.key) == []
    assert isinstance(await crm.create(task), Created)


@pytest.mark.parametrize(
    "odd", ["x", [], {}, None, 7, {"results": []}, {"results": [{"statusCode": 200, "result": {}}]}]
)
@pytest.mark.parametrize("on", ["token", "create", "look-up", "lookup", "contacts", "other"])
async def test_an_answer_of_another_form_ends_no_more_than_one_attempt(
    desk: Desk, crm: CRM, task: TaskCommand, on: str, odd: Any
) -> None:
    """A gateway's page in JSON, say. An operation that this vendor has not is never asked."""
    desk.fake.fault(Fault("status", on=on, status=200, body=odd))
    with suppress(Unavailable):
        await crm.create(task)
    desk.fake.fault()
    await desk.connect().create(task)
    assert desk.task(task.key)


@pytest.mark.parametrize("kind", ["hang", "drop"])
async def test_silence_is_unavailable_and_later_taken(
    desk: Desk, task: TaskCommand, kind: Any
) -> None:
    crm = desk.connect(replace(LIMITS, timeout=0.5))
    desk.fake.fault(Fault(kind, seconds=30))
    with pytest.raises(Unavailable, match="no answer"):
        await crm.create(task)
    assert isinstance(await crm.create(task), Created)


async def test_a_slow_crm_is_waited_for(desk: Desk, crm: CRM, task: TaskCommand) -> None:
    desk.fake.fault(Fault("slow", seconds=0.05))
    assert isinstance(await crm.create(task), Created)


async def test_an_answer_lost_after_the_commit_makes_no_second_task(
    desk: Desk, crm: CRM, task: TaskCommand
) -> None:
    desk.fake.fault(Fault("drop_after_commit"))
    with pytest.raises(Unavailable, match="no answer"):
        await crm.create(task)
    assert isinstance(await crm.create(task), AlreadyThere)
    assert desk.fake.outcomes["created"] == len(desk.fake.tasks(task.key)) == 1


async def test_the_crms_wish_to_wait_is_passed_on(desk: Desk, crm: CRM, task: TaskCommand) -> None:
    desk.fake.fault(Fault("status", status=429, headers={"Retry-After": "17"}))
    with pytest.raises(Unavailable) as caught:
        await crm.create(task)
    assert caught.value.retry_after == 17
    with pytest.raises(Unavailable, match="the CRM asked for a rest") as caught:
        await crm.create(another(task))
    assert caught.value.retry_after is not None
    assert 5 < caught.value.retry_after <= 17
    assert desk.fake.outcomes["created"] == 0


async def test_an_expired_token_is_renewed(desk: Desk, crm: CRM, task: TaskCommand) -> None:
    await crm.create(task)
    desk.fake.fault(desk.driver.expired)
    assert isinstance(await crm.create(another(task)), Created)
    assert desk.fake.outcomes["unauthorized"] == 1


async def test_a_batch_fails_only_where_it_fails(desk: Desk, crm: CRM, task: TaskCommand) -> None:
    error, code = desk.driver.terminal
    desk.fake.state.refused["bad"] = error
    tasks = [another(task, subject="bad" if at == 7 else f"good {at}") for at in range(20)]
    outcomes = await asyncio.gather(*map(crm.create, tasks), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert outcomes[7] in refused
    assert [type(outcome) for outcome in refused] == [Refused]
    assert code in str(refused[0])
    assert desk.fake.outcomes["created"] == 19


async def test_a_terminal_error_names_its_code_and_no_person(
    desk: Desk, crm: CRM, task: TaskCommand
) -> None:
    error, code = desk.driver.terminal
    desk.fake.state.refused[task.subject] = error
    with pytest.raises(Refused, match=re.escape(code)) as caught:
        await crm.create(task)
    assert "@" not in caught.value.reason
    assert task.subject not in caught.value.reason
    assert len(caught.value.reason) <= 200


async def test_an_unknown_owner_is_replaced_by_the_second_choice(
    desk: Desk, crm: CRM, task: TaskCommand
) -> None:
    strange = another(task, owner=Person(email="gone@vendor.example"))
    await crm.create(strange)
    assert desk.task(strange.key).owner == desk.driver.ids["other user"]


async def test_an_owner_whom_the_crm_refuses_is_replaced_by_the_second_choice(
    desk: Desk, crm: CRM, task: TaskCommand
) -> None:
    await crm.create(task)
    desk.driver.bar(desk.fake, desk.driver.ids["user"])
    tasks = [another(task) for _ in range(3)]
    await crm.create(tasks[0])
    desk.fake.sent.clear()
    for one in tasks[1:]:
        await crm.create(one)
    assert len(desk.fake.sent) <= 3  # a creation each; a record that was under suspicion
    for one in tasks:
        stored, before = desk.task(one.key), desk.task(task.key)
        assert stored.owner == desk.driver.ids["other user"]
        assert (stored.recipient, stored.related) == (before.recipient, before.related)


async def test_where_the_crm_refuses_every_owner_nobody_owns_the_task(
    desk: Desk, crm: CRM, task: TaskCommand
) -> None:
    for user in ("user", "other user"):
        desk.driver.bar(desk.fake, desk.driver.ids[user])
    assert isinstance(await crm.create(task), Created)
    stored = desk.task(task.key)
    assert stored.owner is None
    assert stored.related == desk.driver.ids["record"]


async def test_without_any_known_owner_the_task_is_created_all_the_same(
    desk: Desk, crm: CRM, task: TaskCommand
) -> None:
    nobody = Person(email="gone@vendor.example")
    strange = another(task, owner=Person(id="seismic-1"), fallback_owner=nobody)
    assert isinstance(await crm.create(strange), Created)
    assert desk.task(strange.key).owner not in desk.fake.state.users.values()


async def test_a_recipient_who_is_a_lead_is_linked_as_one(
    desk: Desk, crm: CRM, task: TaskCommand
) -> None:
    lead = another(task, recipient=Person(email="lou@customer.example"), related=None)
    await crm.create(lead)
    assert desk.task(lead.key).recipient == desk.driver.ids["lead"]


@pytest.mark.parametrize(
    "recipient", [Person(email="new@customer.example"), Person(id="seismic-2"), Person(email="'\\")]
)
async def test_an_unknown_recipient_is_not_linked(
    desk: Desk, crm: CRM, task: TaskCommand, recipient: Person
) -> None:
    unknown = another(task, recipient=recipient)
    assert isinstance(await crm.create(unknown), Created)
    assert desk.task(unknown.key).recipient is None


@pytest.mark.parametrize(
    "related",
    [
        None,
        Related(type="Opportunity", id="no id"),
        Related(type="Opportunity", id="006000000000009AAA"),
        Related(id="7"),
        Related(type="Opportunity", id="00000000-0000-4000-8000-000000000000"),
    ],
)
async def test_a_related_record_that_is_none_is_left_out(
    desk: Desk, crm: CRM, task: TaskCommand, related: Related | None
) -> None:
    alone = another(task, related=related)
    assert isinstance(await crm.create(alone), Created)
    assert desk.task(alone.key).related is None
    assert desk.task(alone.key).recipient == desk.driver.ids["contact"]


async def test_look_ups_are_shared_and_remembered(desk: Desk, crm: CRM, task: TaskCommand) -> None:
    await asyncio.gather(*(crm.create(another(task)) for _ in range(30)))
    first = len(desk.fake.sent)
    await asyncio.gather(*(crm.create(another(task)) for _ in range(30)))
    creations = max(2, math.ceil(30 / desk.driver.batch))
    assert first <= 8
    assert len(desk.fake.sent) - first <= creations


async def test_the_rate_is_kept(desk: Desk, task: TaskCommand) -> None:
    crm = desk.connect(Limits(timeout=5, per_second=50, burst=2, concurrency=8))
    began = time.monotonic()
    for at in range(6):
        await crm.create(another(task, owner=Person(id=f"seismic-{at}")))
    seconds = time.monotonic() - began
    assert seconds >= (len(desk.fake.sent) - 2) / 50


@pytest.mark.parametrize(
    ("changes", "user"),
    [
        ({}, "user"),
        ({"owner": Person(id="seismic-1")}, "other user"),
        ({"owner": Person(email=" "), "recipient": Person(email=" \t")}, "other user"),
        ({"owner": Person(id="seismic-1"), "fallback_owner": Person(email=" ")}, "user"),
        ({"owner": Person(email=f" {OWNER.upper()}"), "fallback_owner": None}, "user"),
    ],
)
async def test_what_is_sent_is_what_the_preview_says(
    desk: Desk, crm: CRM, task: TaskCommand, changes: dict[str, Any], user: str
) -> None:
    task = another(task, **changes)
    previewed = crm.preview(task)
    await crm.create(task)
    assert [resolved(one, desk, user) for one in previewed] == [
        resolved(one, desk, user) for one in desk.fake.sent
    ]
    secrets = [*desk.driver.secrets, TOKEN, "Bearer"]
    assert not any(secret in str(vars(one)) for one in previewed for secret in secrets)


def resolved(request: Request, desk: Desk, user: str) -> tuple[str, str, str]:
    ids = {OWNER_ID: desk.driver.ids[user], RECIPIENT_ID: desk.driver.ids["contact"]}
    path, body = request.path, (request.body or b"").decode()
    for place, found in ids.items():
        path, body = path.replace(place, found), body.replace(place, found)
    return request.method, path, body


async def test_a_preview_sends_nothing(desk: Desk, crm: CRM, task: TaskCommand) -> None:
    assert crm.preview(task)
    assert desk.fake.sent == []


async def test_a_complete_set_up_is_found_complete(desk: Desk, crm: CRM) -> None:
    findings = await crm.check()
    assert findings
    assert [finding for finding in findings if not finding.ok] == []
    assert desk.fake.outcomes["created"] == 0


def gaps() -> list[Any]:
    return [
        pytest.param(name, gap, id=f"{name}-{gap}")
        for name, driver in DRIVERS.items()
        for gap in driver.gaps
    ]


@pytest.mark.parametrize(("driver", "gap"), gaps(), indirect=["driver"])
async def test_each_gap_is_found_with_its_remedy(desk: Desk, crm: CRM, gap: str) -> None:
    desk.fake.state.missing.add(gap)
    wrong = [finding for finding in await crm.check() if not finding.ok]
    assert [finding.remedy for finding in wrong if re.search(desk.driver.gaps[gap], finding.remedy)]
    assert len(wrong) == 1


async def test_a_check_of_nobody_is_a_finding(driver: Driver, tmp_path: Path) -> None:
    crm = driver.connect("http://127.0.0.1:1", tmp_path, LIMITS)
    findings = await crm.check()
    await crm.close()
    assert [finding.ok for finding in findings] == [False]
    assert "no token: Client" in findings[0].remedy or "no answer: Client" in findings[0].remedy


async def test_no_secret_and_no_person_is_logged_or_raised(
    desk: Desk, task: TaskCommand, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    crm = desk.connect()
    error, _ = desk.driver.terminal
    desk.fake.state.refused["bad"] = error
    told: list[str] = []
    with structlog.testing.capture_logs() as logs:
        for fault in (*(fault for fault, _ in desk.driver.retryable), Fault("drop")):
            desk.fake.fault(fault)
            told += await everything_of(crm.create(another(task)))
            await crm.create(another(task))
        told += await everything_of(crm.create(another(task, subject="bad")))
        desk.fake.state.missing.add("credentials")
        desk.fake.fault(Fault("expire"))
        told += await everything_of(crm.create(another(task)))
    told += [repr(crm), repr(vars(crm)), str(logs), caplog.text]
    for canary in (*desk.driver.secrets, TOKEN, OWNER, FALLBACK, RECIPIENT, "@"):
        assert [text for text in told if canary.lower() in text.lower()] == []


async def everything_of(creation: Any) -> list[str]:
    """Return what may end up in a log of the exception and all that it came from."""
    with pytest.raises((Refused, Unavailable)) as caught:
        await creation
    texts, error = [], caught.value
    chain: Sequence[BaseException | None] = (error, error.__cause__)
    for link in filter(None, chain):
        texts += [str(link), repr(link)]
    return texts
