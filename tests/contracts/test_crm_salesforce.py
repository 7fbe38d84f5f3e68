"""What is Salesforce's alone: log-in by certificate, the weaker way, links that go stale."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog
from aiohttp import ClientSession
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from schemas.task import Person, Related, TaskCommand
from streams.crm import AlreadyThere, Created, Refused, Unavailable
from streams.crm.limits import Limits
from streams.crm.salesforce import Options, connect
from streams.crm.salesforce.connector import Salesforce
from tests.crm_fakes import salesforce
from tests.crm_fakes.faults import Fault
from tests.crm_fakes.running import running_fake
from tests.crm_fakes.server import State

LIMITS = Limits(timeout=5, per_second=1_000, burst=1_000)
USER, CONTACT, LEAD = "005000000000002AAA", "003000000000001AAA", "00Q000000000001EAA"
DEAL = "006000000000001AAA"


@pytest.fixture
async def fake() -> AsyncIterator[salesforce.Salesforce]:
    state = State(
        users={"sam@vendor.example": USER},
        contacts={"pat@customer.example": CONTACT},
        leads={"lou@customer.example": "00Q000000000002EAA"},
        records={DEAL: "Opportunity"},
    )
    fake = salesforce.Salesforce(state)
    async with fake.serving():
        yield fake


def options(**further: Any) -> Options:
    secrets = {"client_id": salesforce.CLIENT_ID, "client_secret": salesforce.CLIENT_SECRET}
    return Options.model_validate({**secrets, **further})


def command(**further: Any) -> TaskCommand:
    members = {
        "key": uuid4(),
        "tenant_id": "tenant-1",
        "event_id": "event-1",
        "event_type": "LiveSendEmailV1",
        "interaction_id": "interaction-1",
        "owner": Person(email="sam@vendor.example"),
        "recipient": Person(email="pat@customer.example"),
        "subject": "Follow up",
        "due": date(2026, 10, 5),
        "related": Related(type="Opportunity", id=DEAL),
    }
    return TaskCommand.model_validate({**members, **further})


async def outcomes(crm: Salesforce, *tasks: TaskCommand) -> list[Any]:
    try:
        return await asyncio.gather(*map(crm.create, tasks), return_exceptions=True)
    finally:
        await crm.close()


async def test_a_certificate_logs_in_and_may_be_replaced(
    fake: salesforce.Salesforce, tmp_path: Path
) -> None:
    file = tmp_path / "key.pem"
    bearer = {"private_key": {"file": file}, "username": salesforce.USERNAME}
    chosen = Options.model_validate({"client_id": salesforce.CLIENT_ID, **bearer})
    crm = connect(fake.url, chosen, LIMITS)
    for _ in range(2):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = key.public_key()
        fake.public_key = public.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ).decode()
        fake.expire()
        assert isinstance(await crm.create(command()), Created)
    await crm.close()


async def test_without_a_unique_field_it_asks_first(fake: salesforce.Salesforce) -> None:
    fake.state.missing |= {"field"}
    chosen = options(key_field="CallObject", query_first=True)
    crm = connect(fake.url, chosen, LIMITS)
    old, new = command(), command()
    assert [finding for finding in await crm.check() if not finding.ok] == []
    created = await crm.create(old)
    again = await asyncio.gather(crm.create(old), crm.create(new))
    await crm.close()
    assert again[0] == AlreadyThere(created.record_id)
    assert isinstance(again[1], Created)
    assert len(crm.preview(old)) == 4


async def test_a_full_batch_is_one_request(fake: salesforce.Salesforce) -> None:
    crm = connect(fake.url, options(), LIMITS)
    await crm.create(command())
    fake.sent.clear()
    found = await outcomes(crm, *(command() for _ in range(201)))
    assert all(isinstance(one, Created) for one in found)
    records = [len(json.loads(sent.body or b"")["records"]) for sent in fake.sent]
    assert records == [200, 1]


async def test_a_trigger_that_stands_few_records_is_given_few(
    fake: salesforce.Salesforce,
) -> None:
    crm = connect(fake.url, options(), LIMITS)
    await crm.create(command())
    fake.trigger_stands = 20
    first = await asyncio.gather(*(crm.create(command()) for _ in range(100)))
    fake.sent.clear()
    then = await outcomes(crm, *(command() for _ in range(100)))
    assert all(isinstance(one, Created) for one in (*first, *then))
    assert max(len(json.loads(sent.body or b"")["records"]) for sent in fake.sent) <= 20


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "TaskTrigger: System.NullPointerException"),
        ("CANNOT_EXECUTE_FLOW_TRIGGER", "We can't save this record because a process failed."),
        ("ANY", "Too many batch retries in the presence of Apex triggers and partial failures."),
    ],
)
async def test_a_record_on_which_a_trigger_fails_takes_no_other_with_it(
    fake: salesforce.Salesforce, code: str, message: str
) -> None:
    crm = connect(fake.url, options(), LIMITS)
    await crm.create(command())
    fake.trigger_stumbles.add("poison")
    fake.trigger_error = {"statusCode": code, "message": message}
    tasks = [command(subject="poison" if at == 7 else "good") for at in range(100)]
    found = await outcomes(crm, *tasks)
    assert [at for at, one in enumerate(found) if not isinstance(one, Created)] == [7]
    assert isinstance(found[7], Refused)
    assert code in found[7].reason
    assert fake.outcomes["created"] == 100


@pytest.mark.parametrize(("concurrency", "most"), [(8, 2), (1, 1)])
async def test_full_batches_go_side_by_side_as_far_as_allowed(
    fake: salesforce.Salesforce, concurrency: int, most: int
) -> None:
    crm = connect(fake.url, options(), replace(LIMITS, concurrency=concurrency))
    await crm.create(command())
    fake.fault(Fault("slow", seconds=0.2, times=2))
    found = await outcomes(crm, *(command() for _ in range(400)))
    assert all(isinstance(one, Created) for one in found)
    assert fake.most_under_way == most


async def test_a_stale_owner_or_contact_is_left_out_and_looked_up_anew(
    fake: salesforce.Salesforce,
) -> None:
    crm = connect(fake.url, options(), LIMITS)
    await crm.create(command())
    fake.inactive.add(USER)
    fake.state.contacts.clear()
    stale, fresh = command(), command()
    with structlog.testing.capture_logs() as logs:
        assert isinstance(await crm.create(stale), Created)
    assert [(entry["code"], entry["links"]) for entry in logs] == [
        ("INACTIVE_OWNER_OR_USER", ["OwnerId"]),
        ("INVALID_CROSS_REFERENCE_KEY", ["WhatId"]),
        ("INVALID_CROSS_REFERENCE_KEY", ["WhoId"]),
    ]
    fake.state.contacts["pat@customer.example"] = "003000000000002AAA"
    await crm.create(fresh)
    await crm.close()
    (first,), (second,) = fake.tasks(stale.key), fake.tasks(fresh.key)
    assert (first.owner, first.recipient) == (None, None)
    assert (second.owner, second.recipient) == (None, "003000000000002AAA")
    assert second.related == DEAL


async def test_an_owner_who_is_refused_without_a_name_gives_way_and_the_records_stay(
    fake: salesforce.Salesforce,
) -> None:
    fake.state.users["ann@vendor.example"] = "005000000000003AAA"
    fake.retired.add(USER)
    task, next_one = (command(fallback_owner=Person(email="ann@vendor.example")) for _ in range(2))
    crm = connect(fake.url, options(), LIMITS)
    with structlog.testing.capture_logs() as logs:
        await crm.create(task)
        await crm.create(next_one)
    await crm.close()
    assert [entry["links"] for entry in logs] == [["WhatId"], ["WhoId"], ["OwnerId"]]
    for one in (task, next_one):
        (made,) = fake.tasks(one.key)
        assert (made.owner, made.recipient, made.related) == ("005000000000003AAA", CONTACT, DEAL)


async def test_links_that_field_level_security_closes_are_left_out(
    fake: salesforce.Salesforce,
) -> None:
    fake.state.missing |= {"WhoId access", "WhatId access"}
    task = command()
    with structlog.testing.capture_logs() as logs:
        (made,) = await outcomes(connect(fake.url, options(), LIMITS), task)
    assert isinstance(made, Created)
    (stored,) = fake.tasks(task.key)
    assert (stored.owner, stored.recipient, stored.related) == (USER, None, None)
    assert [(entry["code"], entry["links"]) for entry in logs] == [
        ("INVALID_FIELD_FOR_INSERT_UPDATE", ["WhatId", "WhoId"])
    ]


async def test_a_recipient_who_is_not_looked_for_needs_no_field(
    fake: salesforce.Salesforce,
) -> None:
    fake.state.missing.add("WhoId access")
    crm = connect(fake.url, options(link_to=[]), LIMITS)
    assert [finding for finding in await crm.check() if not finding.ok] == []
    await crm.close()


@pytest.mark.parametrize("fields", [["Subject"], ["WhoId", "Subject"], []])
async def test_another_closed_field_is_the_operators(
    fake: salesforce.Salesforce, fields: list[str]
) -> None:
    task = command()
    error = {"statusCode": "INVALID_FIELD_FOR_INSERT_UPDATE", "message": "no", "fields": fields}
    fake.state.refused[task.subject] = error
    (refused,) = await outcomes(connect(fake.url, options(), LIMITS), task)
    assert isinstance(refused, Unavailable)


@pytest.mark.parametrize(
    "odd",
    [
        *("x", [], {}, 7, {"fields": None}, {"fields": [{}]}, {"fields": [7]}),
        {"fields": [{"name": "Status", "picklistValues": [7]}]},
        {"fields": [{"name": "Geophone_Key__c", "createable": 1, "type": []}]},
        {"fields": [{"name": []}]},
    ],
)
async def test_a_description_that_is_none_is_a_finding(
    fake: salesforce.Salesforce, odd: Any
) -> None:
    fake.fault(Fault("status", on="check", status=200, body=odd))
    crm = connect(fake.url, options(), LIMITS)
    (finding,) = await crm.check()
    await crm.close()
    assert not finding.ok
    assert "the answer has not Salesforce's form: check the CRM's URL" in finding.remedy


@pytest.mark.parametrize(
    ("texts", "subject", "body"),
    [
        ({"subject": "😀" * 255}, 254, 0),
        ({"subject": "a" + "😀" * 254}, 255, 0),
        ({"body": "line\n" * 6_400}, 9, 16_000),
        ({"body": "😀" * 32_000}, 9, 32_000),
    ],
)
async def test_a_text_that_salesforce_counts_longer_is_cut(
    fake: salesforce.Salesforce, texts: dict[str, str], subject: int, body: int
) -> None:
    (made,) = await outcomes(connect(fake.url, options(), LIMITS), task := command(**texts))
    assert isinstance(made, Created)
    (stored,) = fake.tasks(task.key)
    lengths = [len((text or "").encode("utf-16-le")) // 2 for text in (stored.subject, stored.body)]
    assert lengths == [subject, body]


@pytest.mark.parametrize(("fields", "sent"), [(["Subject"], 2), ([], 2), (["Other__c"], 1)])
async def test_a_text_that_is_too_long_however_short_is_refused(
    fake: salesforce.Salesforce, fields: list[str], sent: int
) -> None:
    error = {"statusCode": "STRING_TOO_LONG", "message": "data value too large", "fields": fields}
    fake.state.refused["odd"] = error
    crm = connect(fake.url, options(), LIMITS)
    await crm.create(command())
    fake.sent.clear()
    (refused,) = await outcomes(crm, command(subject="odd"))
    assert isinstance(refused, Refused)
    assert "a text is longer than its field" in refused.reason
    assert len(fake.sent) == sent


@pytest.mark.parametrize(("kept", "outcome"), [(True, AlreadyThere), (False, Created)])
async def test_a_task_that_a_person_deleted_is_made_anew_if_its_key_is_free(
    fake: salesforce.Salesforce,
    kept: bool,  # noqa: FBT001 - a table's column
    outcome: type[object],
) -> None:
    fake.keeps_values_of_deleted = kept
    crm = connect(fake.url, options(), LIMITS)
    await crm.create(task := command())
    fake.delete(task.key)
    (again,) = await outcomes(crm, task)
    assert isinstance(again, outcome)
    assert len(fake.tasks(task.key)) == (0 if kept else 1)


async def test_a_task_about_a_lead_leaves_the_opportunity_out(
    fake: salesforce.Salesforce,
) -> None:
    fake.state.leads["lee@customer.example"] = LEAD
    task = command(recipient=Person(email="lee@customer.example"))
    assert isinstance((await outcomes(connect(fake.url, options(), LIMITS), task))[0], Created)
    assert (fake.tasks(task.key)[0].recipient, fake.tasks(task.key)[0].related) == (LEAD, None)


async def test_blanks_around_an_address_are_not_part_of_it(fake: salesforce.Salesforce) -> None:
    task = command(
        owner=Person(email=" "),
        fallback_owner=Person(email=" Sam@vendor.example"),
        recipient=Person(email="pat@customer.example\n"),
    )
    await outcomes(connect(fake.url, options(), LIMITS), task)
    (made,) = fake.tasks(task.key)
    assert (made.owner, made.recipient) == (USER, CONTACT)


async def test_a_converted_lead_is_nobody(fake: salesforce.Salesforce) -> None:
    fake.state.leads["lee@customer.example"] = LEAD
    fake.converted.add(LEAD)
    task = command(recipient=Person(email="lee@customer.example"))
    await outcomes(connect(fake.url, options(), LIMITS), task)
    assert fake.tasks(task.key)[0].recipient is None


async def test_an_object_that_is_not_linked_to_is_not_asked_for(
    fake: salesforce.Salesforce,
) -> None:
    fake.state.missing |= {"leads"}
    hidden, known = command(), command()
    (refused,) = await outcomes(connect(fake.url, options(), LIMITS), hidden)
    assert isinstance(refused, Unavailable)
    assert "INVALID_TYPE: an object is hidden" in refused.reason
    only = connect(fake.url, options(link_to=["Contact"]), LIMITS)
    assert isinstance((await outcomes(only, known))[0], Created)
    neither = connect(fake.url, options(link_to=[]), LIMITS)
    assert isinstance((await outcomes(neither, hidden))[0], Created)
    assert fake.tasks(hidden.key)[0].recipient is None


@pytest.mark.parametrize("there", [True, False])
async def test_a_duplicate_that_names_nothing_is_looked_for(
    fake: salesforce.Salesforce,
    there: bool,  # noqa: FBT001 - a table's column
) -> None:
    crm = connect(fake.url, options(), LIMITS)
    task = command()
    made = await crm.create(task) if there else None
    message = "duplicate value found: <unknown> duplicates value on record with id: <unknown>"
    fake.state.refused[task.subject] = {"statusCode": "DUPLICATE_VALUE", "message": message}
    (found,) = await outcomes(crm, task)
    if made:
        assert found == AlreadyThere(made.record_id)
    else:
        assert isinstance(found, Refused)
        assert "another unique field" in found.reason


async def test_near_the_days_limit_it_rests(fake: salesforce.Salesforce) -> None:
    crm = connect(fake.url, options(), LIMITS)
    await crm.create(command())
    fake.state.missing.add("requests")
    assert isinstance(await crm.create(command()), Created)
    asked = len(fake.sent)
    (refused,) = await outcomes(crm, command())
    assert isinstance(refused, Unavailable)
    assert refused.retry_after is not None
    assert refused.retry_after > 50
    assert len(fake.sent) == asked


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"recipient": Person(email="no@customer.example")},
        {"owner": Person(email="no@v.example"), "fallback_owner": Person(email="ne@v.example")},
        {"related": Related(type="Opportunity", id="006000000000009AAA")},
    ],
)
@pytest.mark.parametrize("query_first", [False, True])
async def test_near_the_days_limit_it_finishes_what_it_began(
    fake: salesforce.Salesforce,
    changes: dict[str, Any],
    query_first: bool,  # noqa: FBT001 - a table's column
) -> None:
    fake.state.missing.add("requests")
    crm = connect(fake.url, options(query_first=query_first), LIMITS)
    (made,) = await outcomes(crm, command(**changes))
    assert isinstance(made, Created)


@pytest.mark.parametrize("lost", [Fault("late", seconds=1.5), Fault("status", status=200, body=1)])
async def test_without_a_unique_field_a_lost_answer_is_waited_for(
    fake: salesforce.Salesforce, lost: Fault
) -> None:
    fake.state.missing |= {"field"}
    chosen = options(key_field="CallObject", query_first=True)
    crm = connect(fake.url, chosen, replace(LIMITS, timeout=1))
    await crm.create(command())
    fake.fault(lost)
    task = command()
    with pytest.raises(Unavailable) as caught:
        await crm.create(task)
    assert caught.value.retry_after == 60
    await fake.settle()
    again = await crm.create(task)
    await crm.close()
    assert isinstance(again, AlreadyThere if lost.kind == "late" else Created)
    assert len(fake.tasks(task.key)) == 1


@pytest.mark.parametrize(
    ("status", "code"), [(400, "OPERATION_TOO_LARGE"), (400, ""), (414, ""), (431, "")]
)
@pytest.mark.parametrize("query_first", [False, True])
async def test_a_look_up_that_is_refused_is_no_judgement_on_the_task(
    fake: salesforce.Salesforce,
    status: int,
    code: str,
    query_first: bool,  # noqa: FBT001 - a table's column
) -> None:
    body = [{"errorCode": code, "message": "canary"}]
    fake.fault(Fault("status", on="look-up", times=9, status=status, body=body))
    crm = connect(fake.url, options(query_first=query_first), LIMITS)
    nobody = Person(id="seismic-1")
    task = command(owner=nobody, recipient=nobody) if query_first else command()
    (refused,) = await outcomes(crm, task)
    assert isinstance(refused, Unavailable)
    assert refused.reason == ": ".join(filter(None, [f"HTTP {status}", code]))


@pytest.mark.parametrize("row", [{"Email": "pat@customer.example"}, {"Username": "sam"}, 7])
@pytest.mark.parametrize("query_first", [False, True])
async def test_a_row_without_id_is_no_answer(
    fake: salesforce.Salesforce,
    row: Any,
    query_first: bool,  # noqa: FBT001 - a table's column
) -> None:
    body = {"results": [{"statusCode": 200, "result": {"records": [row]}}]}
    fake.fault(Fault("status", on="look-up", status=200, body=body, times=9))
    crm = connect(fake.url, options(query_first=query_first, link_to=["Contact"]), LIMITS)
    (refused,) = await outcomes(crm, command())
    assert isinstance(refused, Unavailable)
    assert refused.reason == "the answer has not Salesforce's form: check the CRM's URL"


@pytest.mark.parametrize("item", [{"success": True, "id": None}, {"success": True}, 7])
async def test_a_success_without_an_id_is_no_answer(fake: salesforce.Salesforce, item: Any) -> None:
    fake.fault(Fault("status", status=200, body=[item]))
    crm = connect(fake.url, options(), LIMITS)
    task = command()
    with pytest.raises(Unavailable, match="has not Salesforce's form"):
        await crm.create(task)
    await crm.create(task)
    await crm.close()
    assert len(fake.tasks(task.key)) == 1


@pytest.mark.parametrize("gap", ["length", "type", "status", "required"])
async def test_what_is_the_same_for_every_task_makes_no_dead_letter(
    fake: salesforce.Salesforce, gap: str
) -> None:
    fake.state.missing.add(gap)
    (refused,) = await outcomes(connect(fake.url, options(), LIMITS), command())
    assert isinstance(refused, Unavailable)


@pytest.mark.parametrize("url", [None, "", "http://crm.example.com", "na1.salesforce.com"])
async def test_a_url_that_is_none_is_told(url: str | None) -> None:
    with pytest.raises(ValueError, match="https://"):
        connect(url, options(), LIMITS)


async def test_the_fake_as_a_process_of_its_own(tmp_path: Path) -> None:
    task = command(related=None)
    with running_fake("salesforce", tmp_path, users={"sam@vendor.example": USER}) as url:
        (made,) = await outcomes(connect(url, options(), LIMITS), task)
        assert isinstance(made, Created)
        async with ClientSession() as session:
            await session.post(f"{url}/_fake/complete/{task.key}")
            (stored,) = await got(session, f"{url}/_fake/tasks?key={task.key}")
            assert (stored["owner"], stored["completed"]) == (USER, True)
            await session.put(f"{url}/_fake/faults", json=[{"kind": "drop_after_commit"}])
            (lost,) = await outcomes(connect(url, options(), LIMITS), command(related=None))
            assert isinstance(lost, Unavailable)
            assert (await got(session, f"{url}/_fake/outcomes"))["created"] == 2


async def got(session: ClientSession, url: str) -> Any:
    async with session.get(url) as answer:
        return await answer.json()
