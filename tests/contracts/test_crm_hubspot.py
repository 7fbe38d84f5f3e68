"""What is HubSpot's own in its connector, against its fake over HTTP."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog

from schemas.task import Person, Related, TaskCommand
from streams.crm import AlreadyThere, Created, Refused, Unavailable
from streams.crm.hubspot import Options, connect, wire
from streams.crm.hubspot.connector import HubSpot
from streams.crm.limits import Limits
from tests.crm_fakes.faults import Fault
from tests.crm_fakes.hubspot import FakeHubSpot
from tests.crm_fakes.server import State

FAST = Limits(timeout=2, per_second=10_000, burst=1_000)
SAM, BOSS, PAT = "sam@vendor.example", "boss@vendor.example", "pat@customer.example"
DUPLICATES = ["validation", "conflict", "whole"]


@pytest.fixture
async def fake() -> AsyncIterator[FakeHubSpot]:
    state = State(
        users={SAM: "64492917", BOSS: "64492918"},
        contacts={PAT: "101"},
        records={"7": "Deal", "8": "Company"},
    )
    fake = FakeHubSpot(state)
    async with fake.serving():
        yield fake


@asynccontextmanager
async def connected(
    fake: FakeHubSpot, limits: Limits = FAST, **options: Any
) -> AsyncIterator[HubSpot]:
    chosen = Options.model_validate({"access_token": fake.issue(), **options})
    crm = connect(fake.url, chosen, limits)
    try:
        yield crm
    finally:
        await crm.close()


@pytest.fixture
async def crm(fake: FakeHubSpot) -> AsyncIterator[HubSpot]:
    async with connected(fake) as crm:
        yield crm


def command(**changes: Any) -> TaskCommand:
    given: dict[str, Any] = {
        "key": uuid4(),
        "tenant_id": "tenant-1",
        "event_id": "event-1",
        "event_type": "LiveSendEmailV1",
        "interaction_id": "interaction-1",
        "owner": Person(email=SAM),
        "recipient": Person(email=PAT),
        "subject": "Follow up",
        "due": date(2026, 10, 1),
    }
    return TaskCommand.model_validate({**given, **changes})


def sent(fake: FakeHubSpot, end: str) -> list[Any]:
    return [json.loads(one.body or b"null") for one in fake.sent if one.path.endswith(end)]


async def test_a_task_has_its_place(fake: FakeHubSpot, crm: HubSpot) -> None:
    task = command(related=Related(type="Opportunity", id="7"))
    created = await crm.create(task)
    (made,) = fake.tasks(task.key)
    assert created == Created(made.id)
    assert (made.owner, made.recipient, made.related) == ("64492917", "101", "7")


@pytest.mark.parametrize(
    ("owner", "fallback", "id_"),
    [
        ("SAM@Vendor.Example ", None, "64492917"),
        ("gone@vendor.example", BOSS, "64492918"),
        (None, BOSS, "64492918"),
        ("gone@vendor.example", "also-gone@vendor.example", None),
        (None, None, None),
    ],
)
async def test_the_owner_is_the_first_whom_hubspot_knows(
    fake: FakeHubSpot, crm: HubSpot, owner: str | None, fallback: str | None, id_: str | None
) -> None:
    task = command(
        owner=Person(id="seismic-1", email=owner),
        fallback_owner=Person(email=fallback) if fallback else None,
    )
    await crm.create(task)
    (made,) = fake.tasks(task.key)
    assert made.owner == id_


async def test_a_recipient_and_a_record_that_hubspot_does_not_know_are_left_out(
    fake: FakeHubSpot, crm: HubSpot
) -> None:
    task = command(recipient=Person(email="new@c.example"), related=Related(type="Deal", id="999"))
    await crm.create(task)
    (made,) = fake.tasks(task.key)
    assert (made.recipient, made.related) == (None, None)


@pytest.mark.parametrize("duplicate", DUPLICATES)
async def test_a_taken_key_is_found_however_hubspot_words_it(
    fake: FakeHubSpot, crm: HubSpot, duplicate: Any
) -> None:
    fake.account.duplicate = duplicate
    old, new = command(), command()
    await crm.create(old)
    fake.complete(old.key)
    outcomes = await asyncio.gather(crm.create(old), crm.create(new))
    (was,), (made,) = fake.tasks(old.key), fake.tasks(new.key)
    assert list(outcomes) == [AlreadyThere(was.id), Created(made.id)]
    assert (was.completed, was.subject) == (True, "done by a person")


@pytest.mark.parametrize("duplicate", DUPLICATES)
async def test_a_task_that_a_person_has_deleted_is_not_made_again(
    fake: FakeHubSpot, crm: HubSpot, duplicate: Any
) -> None:
    fake.account.duplicate = duplicate
    task = command()
    created = await crm.create(task)
    fake.delete(task.key)
    assert await crm.create(task) == AlreadyThere(created.record_id)
    assert fake.tasks(task.key) == []


async def test_two_hundred_tasks_of_one_moment_are_a_handful_of_calls(
    fake: FakeHubSpot, crm: HubSpot
) -> None:
    tasks = [command() for _ in range(200)]
    outcomes = await asyncio.gather(*map(crm.create, tasks))
    assert all(isinstance(outcome, Created) for outcome in outcomes)
    batches = [len(one["inputs"]) for one in sent(fake, "tasks/batch/create")]
    assert (sum(batches), max(batches)) == (200, 100)
    assert len(fake.sent) <= 8


@pytest.mark.parametrize("duplicate", DUPLICATES)
async def test_of_a_batch_each_task_has_its_own_outcome(
    fake: FakeHubSpot, crm: HubSpot, duplicate: Any
) -> None:
    fake.account.duplicate = duplicate
    fake.state.refused["never"] = {"category": "VALIDATION_ERROR", "message": "no"}
    old = [command() for _ in range(5)]
    await asyncio.gather(*map(crm.create, old))
    bad, new = [command(subject="never") for _ in range(3)], [command() for _ in range(30)]
    outcomes = await asyncio.gather(*map(crm.create, [*old, *bad, *new]), return_exceptions=True)
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [AlreadyThere] * 5 + [Refused] * 3 + [Created] * 30
    assert len(fake.tasks(bad[0].key)) == 0


async def test_a_batch_that_is_refused_whole_is_taken_apart(
    fake: FakeHubSpot, crm: HubSpot
) -> None:
    fake.fault(Fault("status", status=400, body={"category": "VALIDATION_ERROR"}, times=3))
    outcomes = await asyncio.gather(*(crm.create(command()) for _ in range(8)))
    assert all(isinstance(outcome, Created) for outcome in outcomes)
    assert [len(one["inputs"]) for one in sent(fake, "tasks/batch/create")] == [8, 4, 2, 1, 1, 2, 4]


@pytest.mark.parametrize(
    ("told_by", "reason"),
    [
        ("input", "HTTP 400: VALIDATION_ERROR"),
        ("batch", "HTTP 404: OBJECT_NOT_FOUND: a record that it names is gone"),
    ],
)
async def test_a_contact_that_has_gone_does_not_hold_the_task_up(
    fake: FakeHubSpot, crm: HubSpot, told_by: Any, reason: str
) -> None:
    await crm.create(command())
    fake.account.gone = told_by
    del fake.state.contacts[PAT]
    task = command()
    with structlog.testing.capture_logs() as logs:
        await crm.create(task)
    (made,) = fake.tasks(task.key)
    assert (made.owner, made.recipient) == ("64492917", None)
    assert logs == [
        {
            "event": "crm_link_dropped",
            "log_level": "warning",
            "task": str(task.key),
            "links": ["contacts"],
            "reason": reason,
        }
    ]


async def test_an_owner_who_has_gone_does_not_hold_the_task_up_and_is_looked_up_anew(
    fake: FakeHubSpot, crm: HubSpot
) -> None:
    await crm.create(command())
    del fake.state.users[SAM]
    first, second = command(), command(fallback_owner=Person(email=BOSS))
    await crm.create(first)
    await crm.create(second)
    assert [fake.tasks(one.key)[0].owner for one in (first, second)] == [None, "64492918"]


@pytest.mark.parametrize("named", [True, False])
async def test_an_owner_whom_hubspot_refuses_gives_way_and_the_records_stay(
    fake: FakeHubSpot,
    crm: HubSpot,
    named: bool,  # noqa: FBT001 - a table's column
) -> None:
    fake.account.barred["64492917"] = (
        {} if named else {"category": "VALIDATION_ERROR", "message": "no"}
    )
    record = Related(type="Deal", id="7")
    first, second = (command(fallback_owner=Person(email=BOSS), related=record) for _ in range(2))
    with structlog.testing.capture_logs() as logs:
        await crm.create(first)
        await crm.create(second)
    places = [fake.tasks(task.key)[0] for task in (first, second)]
    assert [(one.owner, one.recipient, one.related) for one in places] == [
        ("64492918", "101", "7")
    ] * 2
    dropped = [] if named else [["contacts", "deals"]]
    assert [entry["links"] for entry in logs] == [*dropped, ["owner"]]


async def test_a_task_that_is_refused_in_any_case_brings_its_owners_no_blame(
    fake: FakeHubSpot, crm: HubSpot
) -> None:
    fake.state.refused["never"] = {"category": "VALIDATION_ERROR", "message": "no"}
    boss = Person(email=BOSS)
    with structlog.testing.capture_logs() as logs, pytest.raises(Refused):
        await crm.create(command(subject="never", fallback_owner=boss))
    assert [entry["links"] for entry in logs] == [
        *(["contacts"], ["owner"]),
        *(["contacts"], ["owner"]),
        ["contacts"],
    ]
    await crm.create(good := command(fallback_owner=boss))
    assert fake.tasks(good.key)[0].owner == "64492917"


async def test_an_address_that_hubspot_cannot_read_spoils_no_other(
    fake: FakeHubSpot, crm: HubSpot
) -> None:
    fake.fault(Fault("status", on="contacts", status=400, body={}, times=2))
    tasks = [command(recipient=Person(email="odd")), *(command() for _ in range(3))]
    await asyncio.gather(*map(crm.create, tasks))
    assert [fake.tasks(task.key)[0].recipient for task in tasks] == [None, "101", "101", "101"]


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"results": 1, "errors": 2},
        {"results": [None, {"id": None}, {"id": "1", "properties": []}]},
        {"results": [{"properties": {"geophone_key": "x"}}], "errors": [None, {"context": []}]},
        {"results": [], "errors": [{"context": {"objectWriteTraceId": "x"}}]},
    ],
)
@pytest.mark.parametrize("operation", ["create", "contacts", "deals", "other"])
async def test_an_answer_that_makes_no_sense_is_no_judgement(
    fake: FakeHubSpot, crm: HubSpot, operation: str, body: Any
) -> None:
    fake.fault(Fault("status", on=operation, status=200, body=body, times=2))
    task = command(related=Related(type="Deal", id="7"))
    for _ in range(3):
        with contextlib.suppress(Unavailable):
            await crm.create(task)
    assert len(fake.tasks(task.key)) == 1


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("property", "property geophone_key: create a .* property .* unique values"),
        ("unique", "property geophone_key: create a .* property .* unique values"),
        ("crm.objects.contacts.write", "403: MISSING_SCOPES: crm.objects.contacts.write: grant"),
        ("crm.objects.owners.read", "403: MISSING_SCOPES: crm.objects.owners.read: grant"),
        ("crm.objects.deals.read", "403: MISSING_SCOPES: crm.objects.deals.read: grant"),
    ],
)
async def test_what_the_operator_has_to_mend_makes_no_dead_letter_and_no_second_task(
    fake: FakeHubSpot, crm: HubSpot, missing: str, reason: str
) -> None:
    fake.state.missing = {missing}
    task = command(related=Related(type="Deal", id="7"))
    for _ in range(2):
        with pytest.raises(Unavailable, match=reason):
            await crm.create(task)
    assert not any(finding.ok for finding in await crm.check() if missing in finding.remedy)
    fake.state.missing = set()
    assert isinstance(await crm.create(task), Created)


async def test_an_account_where_properties_cannot_be_read_works_all_the_same(
    fake: FakeHubSpot, crm: HubSpot
) -> None:
    fake.state.missing = {"crm.schemas.tasks.read"}
    assert isinstance(await crm.create(command()), Created)
    assert all(finding.ok for finding in await crm.check())


async def test_there_too_a_property_whose_values_may_repeat_is_seen(
    fake: FakeHubSpot, crm: HubSpot
) -> None:
    fake.state.missing = {"crm.schemas.tasks.read", "unique"}
    with pytest.raises(Unavailable, match="unique values"):
        await crm.create(command())


async def test_a_property_that_is_lost_later_is_the_operators(
    fake: FakeHubSpot, crm: HubSpot
) -> None:
    await crm.create(command())
    fake.state.missing = {"property"}
    with pytest.raises(Unavailable, match=r"property geophone_key: create .* unique values"):
        await crm.create(command())


async def test_all_is_well_in_an_account_that_is_set_up(fake: FakeHubSpot, crm: HubSpot) -> None:
    assert [finding.subject for finding in await crm.check() if finding.ok] == [
        "access token",
        "contacts can be read",
        "owners can be read",
        "companies can be read",
        "deals can be read",
        "tasks can be created",
        "property geophone_key of tasks",
    ]
    assert fake.outcomes["created"] == 0


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, {}, "the answer names no account: check the CRM's URL"),
        (200, "<html>", "the answer has not HubSpot's form: check the CRM's URL"),
        (400, {}, "HTTP 400: check the CRM's URL"),
    ],
)
async def test_who_is_not_hubspot_is_not_taken_for_it(
    fake: FakeHubSpot, crm: HubSpot, status: int, body: Any, reason: str
) -> None:
    """A log-in page of a proxy, say, that answers whatever it is asked."""
    fake.fault(Fault("status", on="other", status=status, body=body))
    (finding,) = await crm.check()
    assert (finding.ok, finding.remedy) == (False, reason)


@pytest.mark.parametrize("on", ["contacts", "deals", "other"])
async def test_a_page_instead_of_an_answer_finds_nobody_missing(
    fake: FakeHubSpot, crm: HubSpot, on: str
) -> None:
    fake.fault(Fault("status", on=on, status=200, body="<html>"))
    task = command(related=Related(type="Deal", id="7"))
    with pytest.raises(Unavailable, match="not HubSpot's form"):
        await crm.create(task)
    await crm.create(task)
    (made,) = fake.tasks(task.key)
    assert (made.owner, made.recipient, made.related) == ("64492917", "101", "7")


async def test_the_limit_that_hubspot_tells_is_kept(fake: FakeHubSpot) -> None:
    fake.calls_per_window, fake.window_seconds = 4, 0.2
    patient = Limits(timeout=5, per_second=10_000, burst=1_000, concurrency=1)
    async with connected(fake, patient) as crm:
        for _ in range(10):
            await crm.create(command())
    assert fake.outcomes["created"] == 10
    assert fake.outcomes["limited"] == 0


async def test_a_new_token_in_the_file_is_taken_without_a_restart(
    fake: FakeHubSpot, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(fake.issue() + "\n")
    async with connected(fake, access_token={"file": file}) as crm:
        await crm.create(command())
        fake.revoke()
        with pytest.raises(Unavailable, match="401: INVALID_AUTHENTICATION: give a valid"):
            await crm.create(command())
        file.write_text(fake.issue())
        assert isinstance(await crm.create(command()), Created)


async def test_without_uniqueness_a_task_that_search_knows_is_not_made_again(
    fake: FakeHubSpot,
) -> None:
    fake.state.missing = {"unique"}
    async with connected(fake, guard="search") as crm:
        task = command()
        created = await crm.create(task)
        fake.account.index()
        assert await crm.create(task) == AlreadyThere(created.record_id)


async def test_without_uniqueness_a_lost_answer_waits_for_the_index(fake: FakeHubSpot) -> None:
    fake.state.missing = {"unique"}
    fake.fault(Fault("drop_after_commit"))
    async with connected(fake, guard="search") as crm:
        task = command()
        with pytest.raises(Unavailable) as caught:
            await crm.create(task)
        assert caught.value.retry_after == 60
        fake.account.index()
        assert isinstance(await crm.create(task), AlreadyThere)


@pytest.mark.parametrize("body", [{}, {"results": []}, {"results": [{"id": "1"}]}])
async def test_without_uniqueness_an_answer_that_names_no_task_waits_for_the_index(
    fake: FakeHubSpot, body: Any
) -> None:
    fake.state.missing = {"unique"}
    fake.fault(Fault("status", status=201, body=body))
    async with connected(fake, guard="search") as crm:
        with pytest.raises(Unavailable, match="said nothing of this task") as caught:
            await crm.create(command())
    assert caught.value.retry_after == 60


async def test_without_uniqueness_a_search_is_no_longer_than_allowed(fake: FakeHubSpot) -> None:
    fake.state.missing = {"unique"}
    async with connected(fake, guard="search") as crm:
        await crm.create(command())
        made = await asyncio.gather(*(crm.create(command()) for _ in range(150)))
    assert all(isinstance(one, Created) for one in made)
    assert max(len(one["inputs"]) for one in sent(fake, "tasks/batch/create")) == 50


async def test_the_longest_name_of_a_property_leaves_a_search_short_enough() -> None:
    keys = [str(uuid4()) for _ in range(wire.KEYS_A_SEARCH)]
    assert len(wire.search_tasks(keys, "p" * 100).body or b"") <= 3000


async def test_without_uniqueness_who_does_not_wait_makes_a_second_task(fake: FakeHubSpot) -> None:
    """The weakness that docs/crm/hubspot.md warns of: not a promise, but what is to be expected."""
    fake.state.missing = {"unique"}
    async with connected(fake, guard="search") as crm:
        task = command()
        await crm.create(task)
        await crm.create(task)
    assert len(fake.tasks(task.key)) == 2
