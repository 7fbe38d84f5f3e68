"""What `streams.crm.CRM` promises, asked of every connector against the real sandbox over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession

from schemas.task import Person, TaskCommand
from streams.crm import CRM, AlreadyThere, Created, Refused, Unavailable
from streams.crm.limits import Limits
from streams.crm.registry import connector
from streams.crm.signing import signer
from tests.sandbox_fixture import running_sandbox

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + SECRET[:5:-1]
URLS = {"sandbox": "{}", "webhook": "{}/tasks"}


class Sandbox:
    """What a test may ask of the sandbox beside the connector."""

    def __init__(self, url: str, session: ClientSession) -> None:
        self.url = url
        self._session = session

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        async with self._session.request(method, self.url + path, json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def script(self, *faults: Mapping[str, Any]) -> None:
        await self.call("PUT", "/faults", list(faults))

    async def complete(self, key: UUID) -> None:
        await self.call("POST", f"/tasks/{key}/complete")

    async def tasks(self, key: UUID) -> list[dict[str, Any]]:
        found = await self.call("GET", f"/tasks?key={key}")
        return list(found["tasks"])

    async def outcomes(self, key: UUID) -> dict[str, int]:
        found = await self.call("GET", f"/attempts?key={key}")
        return dict(found["outcomes"])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), secret=SECRET) as address:
        yield address


@pytest.fixture
async def sandbox(url: str) -> AsyncIterator[Sandbox]:
    async with ClientSession() as session:
        sandbox = Sandbox(url, session)
        yield sandbox
        await sandbox.call("DELETE", "/faults")


def connected(name: str, url: str, secret: str | None) -> CRM:
    chosen = connector(name)
    options = chosen.options.model_validate({"secret": secret})
    return chosen.connect(URLS[name].format(url), options, Limits(timeout=0.5, burst=1000))


@pytest.fixture(params=sorted(URLS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def crm(name: str, url: str) -> AsyncIterator[CRM]:
    crm = connected(name, url, SECRET)
    yield crm
    await crm.close()


@pytest.fixture
def task() -> TaskCommand:
    return TaskCommand(
        key=uuid4(),
        tenant_id="tenant-1",
        event_id="event-1",
        event_type="LiveSendEmailV1",
        interaction_id="interaction-1",
        owner=Person(email="sam@vendor.example"),
        recipient=Person(email="pat@customer.example"),
        subject="Follow up: Zoë ☎ pat@customer.example",
        due=date(2026, 10, 1),
    )


async def test_a_command_becomes_a_task(crm: CRM, sandbox: Sandbox, task: TaskCommand) -> None:
    created = await crm.create(task)
    (stored,) = await sandbox.tasks(task.key)
    assert created == Created(stored["id"])
    assert stored["command"] == json.loads(task.encode())
    assert stored["status"] == "open"


async def test_the_same_key_twice_is_one_task(
    crm: CRM, sandbox: Sandbox, task: TaskCommand
) -> None:
    first, second = await crm.create(task), await crm.create(task)
    assert second == AlreadyThere(first.record_id)
    assert len(await sandbox.tasks(task.key)) == 1
    assert await sandbox.outcomes(task.key) == {"created": 1, "replayed": 1}


async def test_the_same_key_at_the_same_time_is_one_task(
    crm: CRM, sandbox: Sandbox, task: TaskCommand
) -> None:
    outcomes = await asyncio.gather(*(crm.create(task) for _ in range(20)))
    assert sum(isinstance(outcome, Created) for outcome in outcomes) == 1
    assert await sandbox.outcomes(task.key) == {"created": 1, "replayed": 19}


async def test_a_redelivery_changes_nothing_that_a_person_did(
    crm: CRM, sandbox: Sandbox, task: TaskCommand
) -> None:
    await crm.create(task)
    await sandbox.complete(task.key)
    before = await sandbox.tasks(task.key)
    await crm.create(task.model_copy(update={"subject": "changed"}))
    assert await sandbox.tasks(task.key) == before
    assert before[0]["status"] == "completed"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_crm_that_cannot_now_is_unavailable_and_later_takes_it(
    crm: CRM, sandbox: Sandbox, task: TaskCommand, status: int
) -> None:
    await sandbox.script({"kind": "status", "status": status, "times": 1})
    with pytest.raises(Unavailable, match=f"HTTP {status}"):
        await crm.create(task)
    assert isinstance(await crm.create(task), Created)


async def test_the_crms_wish_to_wait_is_passed_on(
    crm: CRM, sandbox: Sandbox, task: TaskCommand
) -> None:
    await sandbox.script({"kind": "status", "status": 429, "retry_after": 17})
    with pytest.raises(Unavailable) as caught:
        await crm.create(task)
    assert caught.value.retry_after == 17
    other = task.model_copy(update={"key": uuid4()})
    with pytest.raises(Unavailable, match="the CRM asked for a rest") as caught:
        await crm.create(other)
    assert caught.value.retry_after is not None
    assert 5 < caught.value.retry_after <= 17
    assert await sandbox.outcomes(other.key) == {}


async def test_a_wish_about_one_command_keeps_no_other_back(
    crm: CRM, sandbox: Sandbox, task: TaskCommand
) -> None:
    await sandbox.script({"kind": "status", "status": 425, "retry_after": 17, "times": 1})
    with pytest.raises(Unavailable) as caught:
        await crm.create(task)
    assert caught.value.retry_after == 17
    assert isinstance(await crm.create(task.model_copy(update={"key": uuid4()})), Created)


async def test_a_crm_that_hangs_is_unavailable(
    crm: CRM, sandbox: Sandbox, task: TaskCommand
) -> None:
    await sandbox.script({"kind": "hang", "seconds": 30, "times": 1})
    with pytest.raises(Unavailable, match=r"no answer within 0\.5 s"):
        await crm.create(task)
    assert await sandbox.tasks(task.key) == []


async def test_a_crm_that_closes_without_a_word_is_unavailable(
    crm: CRM, sandbox: Sandbox, task: TaskCommand
) -> None:
    await sandbox.script({"kind": "hang", "seconds": 0.01, "times": 1})
    with pytest.raises(Unavailable, match="no answer: "):
        await crm.create(task)


async def test_a_slow_crm_is_waited_for(crm: CRM, sandbox: Sandbox, task: TaskCommand) -> None:
    await sandbox.script({"kind": "slow", "seconds": 0.05, "times": 1})
    assert isinstance(await crm.create(task), Created)


async def test_an_answer_lost_after_the_commit_makes_no_second_task(
    crm: CRM, sandbox: Sandbox, task: TaskCommand
) -> None:
    await sandbox.script({"kind": "drop_after_commit", "times": 2})
    for _ in range(2):
        with pytest.raises(Unavailable, match="no answer: "):
            await crm.create(task)
    assert isinstance(await crm.create(task), AlreadyThere)
    assert len(await sandbox.tasks(task.key)) == 1
    assert await sandbox.outcomes(task.key) == {"created": 1, "replayed": 2}


async def test_a_judgement_is_refused_for_that_recipient_alone(
    crm: CRM, sandbox: Sandbox, task: TaskCommand
) -> None:
    await sandbox.script({"kind": "refuse", "match": {"recipient": "Bad@example.com"}})
    bad = task.model_copy(update={"key": uuid4(), "recipient": Person(email="bad@example.com")})
    with pytest.raises(Refused, match="HTTP 422: Refused by script"):
        await crm.create(bad)
    assert isinstance(await crm.create(task), Created)


@pytest.mark.parametrize("status", [422, 503])
async def test_the_reason_names_no_person(
    crm: CRM, sandbox: Sandbox, task: TaskCommand, status: int
) -> None:
    title = f"no {task.recipient.email}, no other@third.example"
    await sandbox.script({"kind": "status", "status": status, "title": title})
    with pytest.raises((Refused, Unavailable)) as caught:
        await crm.create(task)
    assert str(caught.value) == f"HTTP {status}: no …, no …"


@pytest.mark.parametrize(
    ("body", "age", "signature"),
    [
        (b"{}", 0, "v1,"),
        (b"{}", 0, "v1"),
        (b"{}", 0, "v1,a"),
        (b"{}", 0, "v2,AAAA"),
        (b"{}", 0, "v1,\xff"),
        (b"\xff", 0, "v1,AAAA"),
        (b"{}", 301, "right"),
        (b"{}", -301, "right"),
    ],
)
async def test_a_broken_or_stale_signature_is_a_401(
    sandbox: Sandbox, body: bytes, age: int, signature: str
) -> None:
    moment, key = datetime.now(UTC) - timedelta(seconds=age), str(uuid4())
    right = signer(SECRET).sign(key, moment, body.decode("latin-1"))
    headers = {
        "webhook-id": key,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": right if signature == "right" else signature,
    }
    async with (
        ClientSession() as session,
        session.post(f"{sandbox.url}/tasks", data=body, headers=headers) as answer,
    ):
        assert answer.status == 401


@pytest.mark.parametrize("secret", [None, OTHER])
async def test_a_wrong_signature_is_the_operators_to_mend(
    name: str, sandbox: Sandbox, task: TaskCommand, secret: str | None
) -> None:
    crm = connected(name, sandbox.url, secret)
    with pytest.raises(Unavailable, match="HTTP 401: check the CRM's address and credential"):
        await crm.create(task)
    await crm.close()
    assert await sandbox.tasks(task.key) == []
    assert await sandbox.outcomes(task.key) == {"unsigned": 1}
