"""What is Dataverse's alone, against its fake over HTTP; the rest is in `test_crm_vendors.py`."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from schemas.task import Person, Related, TaskCommand
from streams.crm import AlreadyThere, Created, Refused, Unavailable
from streams.crm.dynamics import Options, batch, connect
from streams.crm.dynamics.connector import Dynamics as Connector
from streams.crm.limits import Limits
from tests.crm_fakes.dynamics import CLIENT_ID, CLIENT_SECRET, TENANT_ID, Dynamics, error
from tests.crm_fakes.dynamics_store import NO_SALES
from tests.crm_fakes.faults import Fault
from tests.crm_fakes.server import State

USER, CONTACT, LEAD, DEAL = (str(UUID(int=at)) for at in (1, 2, 3, 4))


def command(**changes: Any) -> TaskCommand:
    plain = TaskCommand(
        key=uuid4(),
        tenant_id="tenant-1",
        event_id="event-1",
        event_type="LiveSendEmailV1",
        interaction_id="interaction-1",
        owner=Person(email="Sam@vendor.example"),
        recipient=Person(email="pat@customer.example"),
        subject="Follow up: Zoë ☎",
        due=date(2026, 10, 1),
    )
    return plain.model_copy(update=changes)


@pytest.fixture
async def fake() -> AsyncIterator[Dynamics]:
    fake = Dynamics(
        State(
            users={"sam@vendor.example": USER},
            contacts={"pat@customer.example": CONTACT},
            leads={"lee+o'hara@customer.example": LEAD},
            records={DEAL: "Opportunity"},
        )
    )
    async with fake.serving():
        yield fake


@pytest.fixture
async def crm(fake: Dynamics) -> AsyncIterator[Connector]:
    crm = connect(fake.url, options(fake), Limits(timeout=2, per_second=10_000, burst=10_000))
    yield crm
    await crm.close()


def options(fake: Dynamics, **changes: Any) -> Options:
    plain = {"tenant_id": TENANT_ID, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return Options.model_validate({**plain, "authority": fake.url, **changes})


def paths(fake: Dynamics) -> list[str]:
    return [request.path.removeprefix("/api/data/v9.2/").partition("?")[0] for request in fake.sent]


async def test_a_task_alone_is_a_request_and_many_are_batches(
    fake: Dynamics, crm: Connector
) -> None:
    first = command()
    await crm.create(first)
    assert paths(fake) == ["systemusers", "contacts", f"tasks({first.key})"]
    fake.sent.clear()
    tasks = [command() for _ in range(3 * batch.MOST)]
    outcomes = await asyncio.gather(*map(crm.create, tasks))
    assert outcomes == [Created(str(task.key)) for task in tasks]
    assert paths(fake) == ["$batch"] * 3


async def test_in_a_batch_each_has_its_own_outcome(fake: Dynamics, crm: Connector) -> None:
    fake.state.refused["bad"] = {"status": 400, "code": "0x80040265", "message": "No."}
    fake.state.refused["busy"] = {"status": 429, "code": "0x80072326", "message": "Busy."}
    there, bad, busy, new = command(), command(subject="bad"), command(subject="busy"), command()
    await crm.create(there)
    outcomes = await asyncio.gather(
        *map(crm.create, (there, bad, busy, new)), return_exceptions=True
    )
    assert outcomes[0] == AlreadyThere(str(there.key))
    assert isinstance(outcomes[1], Refused)
    assert isinstance(outcomes[2], Unavailable)
    assert outcomes[3] == Created(str(new.key))


async def test_a_batch_that_is_refused_as_such_is_taken_apart(
    fake: Dynamics, crm: Connector
) -> None:
    tasks = [command() for _ in range(3)]
    await crm.create(command())
    fake.fault(Fault("status", status=400, body=error("0x80048d19", "Stream was not readable.")))
    outcomes = await asyncio.gather(*map(crm.create, tasks))
    assert outcomes == [Created(str(task.key)) for task in tasks]


async def test_a_batch_that_is_put_off_is_put_off_for_all(fake: Dynamics, crm: Connector) -> None:
    await crm.create(command())
    fake.fault(Fault("status", status=429, headers={"Retry-After": "17"}, body=error("0x80072322")))
    outcomes = await asyncio.gather(
        *(crm.create(command()) for _ in range(3)), return_exceptions=True
    )
    assert [getattr(one, "retry_after", None) for one in outcomes] == [17, 17, 17]


async def test_a_limit_that_is_reached_within_a_batch_is_rested_for(
    fake: Dynamics, crm: Connector
) -> None:
    busy = {"status": 429, "code": "0x80072322", "message": "Busy.", "retry_after": 17}
    fake.state.refused["busy"] = busy
    await crm.create(command())
    tasks = [command(), command(subject="busy"), command()]
    made, refused, _ = await asyncio.gather(*map(crm.create, tasks), return_exceptions=True)
    assert isinstance(made, Created)
    assert isinstance(refused, Unavailable)
    asked = len(fake.sent)
    with pytest.raises(Unavailable, match="the CRM asked for a rest") as caught:
        await crm.create(command())
    assert caught.value.retry_after is not None
    assert 10 < caught.value.retry_after <= 17
    assert len(fake.sent) == asked


@pytest.mark.parametrize("status", [201, 202, 204])
async def test_an_answer_that_no_batch_has_is_no_success(
    fake: Dynamics, crm: Connector, status: int
) -> None:
    await crm.create(command())
    tasks = [command() for _ in range(3)]
    fake.fault(Fault("status", status=status))
    outcomes = await asyncio.gather(*map(crm.create, tasks), return_exceptions=True)
    assert {type(one) for one in outcomes} == {Unavailable}
    assert {str(one) for one in outcomes} == {f"HTTP {status} to a batch: check the CRM's URL"}
    again = await asyncio.gather(*map(crm.create, tasks))
    assert again == [Created(str(task.key)) for task in tasks]


async def test_a_204_that_names_no_row_is_a_success_if_the_row_is_there(
    fake: Dynamics, crm: Connector
) -> None:
    task = command()
    fake.fault(Fault("status", status=204))
    with pytest.raises(Unavailable, match="HTTP 204: check the CRM's address"):
        await crm.create(task)
    await crm.create(task)
    fake.fault(Fault("status", status=204))
    assert await crm.create(task) == AlreadyThere(str(task.key))


@pytest.mark.parametrize("body", [{}, {"value": []}])
async def test_an_answer_that_is_no_batch_of_answers_is_no_success(
    fake: Dynamics, crm: Connector, body: object
) -> None:
    await crm.create(command())
    tasks = [command() for _ in range(3)]
    fake.fault(Fault("status", status=200, body=body))
    outcomes = await asyncio.gather(*map(crm.create, tasks), return_exceptions=True)
    assert {str(outcome) for outcome in outcomes} == {"the answer to the batch lacks this one's"}
    assert [fake.tasks(task.key) for task in tasks] == [[], [], []]


async def test_a_412_that_is_about_another_row_is_no_success(
    fake: Dynamics, crm: Connector
) -> None:
    body = error("0x80040237", "A record with matching key values already exists.")
    fake.fault(Fault("status", status=412, body=body))
    with pytest.raises(Refused, match="HTTP 412: 0x80040237"):
        await crm.create(command())


async def test_a_lead_is_linked_where_there_is_no_contact(fake: Dynamics, crm: Connector) -> None:
    task = command(recipient=Person(email="Lee+O'Hara@customer.example"))
    await crm.create(task)
    (made,) = fake.tasks(task.key)
    assert made.fields["regardingobjectid_lead_task@odata.bind"] == f"/leads({LEAD})"


async def test_the_related_record_comes_before_the_recipient(
    fake: Dynamics, crm: Connector
) -> None:
    task = command(related=Related(type="Opportunity", id=f"{{{DEAL}}}"))
    await crm.create(task)
    (made,) = fake.tasks(task.key)
    assert (made.related, made.recipient) == (DEAL, None)


@pytest.mark.parametrize("key", ["00646000009eMGL", str(UUID(int=99))])
async def test_a_related_record_that_is_not_there_leaves_the_recipient(
    fake: Dynamics, crm: Connector, key: str
) -> None:
    task = command(related=Related(type="Opportunity", id=key))
    await crm.create(task)
    (made,) = fake.tasks(task.key)
    assert made.recipient == CONTACT


async def test_without_dynamics_365_sales_there_are_no_leads_and_that_is_all(
    fake: Dynamics, crm: Connector
) -> None:
    fake.state.missing.add(NO_SALES)
    task = command(
        recipient=Person(email="lee+o'hara@customer.example"),
        related=Related(type="Opportunity", id=DEAL),
    )
    await crm.create(task)
    (made,) = fake.tasks(task.key)
    assert (made.owner, made.recipient, made.related) == (USER, None, None)
    assert all(finding.ok for finding in await crm.check())


async def test_a_contact_that_is_gone_since_it_was_found_is_left_out(
    fake: Dynamics, crm: Connector
) -> None:
    await crm.create(command())
    fake.state.contacts.clear()
    task = command()
    with capture_logs() as logs:
        await crm.create(task)
    (made,) = fake.tasks(task.key)
    assert (made.owner, made.recipient) == (USER, None)
    (dropped,) = logs
    assert (dropped["event"], dropped["task"]) == ("crm_link_dropped", str(task.key))
    assert (dropped["code"], dropped["links"]) == ("0x80040217", ["regarding"])
    fake.state.contacts["pat@customer.example"] = LEAD
    await crm.create(again := command())
    assert fake.tasks(again.key)[0].recipient == LEAD


@pytest.mark.parametrize("trouble", ["disabled", "roleless"])
async def test_a_user_who_cannot_own_a_task_does_not_block_it(
    fake: Dynamics, crm: Connector, trouble: str
) -> None:
    await crm.create(command())
    getattr(fake.environment, trouble).add(USER)
    task = command()
    with capture_logs():
        await crm.create(task)
    (made,) = fake.tasks(task.key)
    assert (made.owner, made.recipient) == (None, CONTACT)


@pytest.mark.parametrize("trouble", ["disabled", "roleless"])
async def test_an_owner_who_is_refused_gives_way_to_the_second_choice(
    fake: Dynamics, crm: Connector, trouble: str
) -> None:
    await crm.create(command())
    fake.state.users["lead@vendor.example"] = DEAL
    getattr(fake.environment, trouble).add(USER)
    tasks = [command(fallback_owner=Person(email="lead@vendor.example")) for _ in range(2)]
    with capture_logs() as logs:
        for task in tasks:
            await crm.create(task)
    made = [fake.tasks(task.key)[0] for task in tasks]
    assert [(one.owner, one.recipient) for one in made] == [(DEAL, CONTACT)] * 2
    assert [entry["links"] for entry in logs] == [["owner"]]


async def test_where_the_second_choice_is_refused_too_nobody_owns_the_task(
    fake: Dynamics, crm: Connector
) -> None:
    fake.state.users["lead@vendor.example"] = DEAL
    fake.environment.roleless |= {USER, DEAL}
    task = command(fallback_owner=Person(email="lead@vendor.example"))
    with capture_logs():
        await crm.create(task)
    (made,) = fake.tasks(task.key)
    assert (made.owner, made.recipient) == (None, CONTACT)


async def test_a_task_that_is_refused_in_any_case_brings_its_owners_no_blame(
    fake: Dynamics, crm: Connector
) -> None:
    fake.state.refused["bad"] = {"status": 400, "code": "0x80042f09", "message": "No."}
    with capture_logs(), pytest.raises(Unavailable):
        await crm.create(command(subject="bad"))
    await crm.create(good := command())
    assert fake.tasks(good.key)[0].owner == USER


async def test_a_disabled_user_gives_way_to_the_second_choice(
    fake: Dynamics, crm: Connector
) -> None:
    fake.state.users["lead@vendor.example"] = DEAL
    fake.environment.disabled.add(USER)
    task = command(fallback_owner=Person(email="lead@vendor.example"))
    await crm.create(task)
    assert fake.tasks(task.key)[0].owner == DEAL


async def test_a_task_that_a_person_deleted_is_made_anew(fake: Dynamics, crm: Connector) -> None:
    task = command()
    await crm.create(task)
    fake.delete(task.key)
    assert isinstance(await crm.create(task), Created)


async def test_a_look_up_that_is_refused_is_the_operators_to_mend(
    fake: Dynamics, crm: Connector
) -> None:
    fake.state.missing.add("prvReadContact")
    with pytest.raises(Unavailable, match="look-up: HTTP 403: 0x80040220: prvReadContact: give"):
        await crm.create(command())
    fake.state.missing.clear()
    assert isinstance(await crm.create(command()), Created)


async def test_a_missing_privilege_of_ours_is_not_blamed_on_the_owner(
    fake: Dynamics, crm: Connector
) -> None:
    fake.state.missing.add("prvAssignActivity")
    with pytest.raises(Unavailable, match="HTTP 403: 0x80040220: prvAssignActivity: give the app"):
        await crm.create(command())


async def test_a_scope_that_the_tenant_does_not_know_is_told(fake: Dynamics) -> None:
    crm = connect(fake.url, options(fake, scope="https://other.example/.default"), Limits())
    with pytest.raises(Unavailable, match="no token: invalid_scope"):
        await crm.create(command())
    await crm.close()


async def test_the_due_time_is_the_operators_choice(fake: Dynamics) -> None:
    choice = options(fake, due_time="17:00", time_zone="America/New_York")
    crm = connect(fake.url, choice, Limits())
    await crm.create(task := command())
    await crm.close()
    assert fake.tasks(task.key)[0].due == "2026-10-01T21:00:00Z"
