"""A LiveSend email leads to one follow-up task for each distinct `to` recipient."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import catalogue, envelope
from schemas.envelope import Envelope
from schemas.task import Person, Related, TaskCommand
from streams.actions import ACTIONS, check_complete, types_with_actions
from streams.actions.context import Context
from streams.actions.email import follow_up_recipients
from streams.rules.book import RuleBook
from streams.rules.loader import parse
from streams.rules.model import Holidays, Rule
from tests.effort import calls

SAMPLES = Path(__file__).parents[2] / "data" / "seismic" / "events"
CONTEXT = Context(datetime(2026, 4, 7, 12, tzinfo=UTC), Rule())
DOTNET_ZERO = "0001-01-01T00:00:00"


def email(recipients: Any, occurred_at: str | None = None, **data: Any) -> Envelope:
    return Envelope(
        tenant_id="tenant-a",
        event_id="event-1",
        type_name="email-v3",
        event_type=catalogue.EMAIL,
        occurred=occurred_at,
        data={
            "interactionId": "interaction-1",
            "interactionOccurredAt": "2026-04-07T12:00:00Z",
            "userId": "seller-1",
            "userEmail": "seller@example.com",
            "recipients": recipients,
            **data,
        },
    )


def to(address: str | None, **more: Any) -> dict[str, Any]:
    return {"email": address, "recipientType": "to", **more}


def tasks(event: Envelope, context: Context = CONTEXT) -> list[TaskCommand]:
    found = follow_up_recipients(event, context)
    return [one for one in found if isinstance(one, TaskCommand)]


def recipients_of(event: Envelope) -> list[str | None]:
    return [task.recipient.email or task.recipient.id for task in tasks(event)]


def test_a_command_says_who_whom_what_and_when() -> None:
    (task,) = tasks(email([to("Ada@Example.com", id="r1")]))
    assert task.owner == Person(id="seller-1", email="seller@example.com")
    assert task.recipient == Person(id="r1", email="Ada@Example.com")
    assert task.subject == "Follow up: LiveSend to Ada@Example.com"
    assert task.due == date(2026, 4, 9)
    assert (task.tenant_id, task.event_id, task.event_type, task.interaction_id) == (
        "tenant-a",
        "event-1",
        "email-v3",
        "interaction-1",
    )
    assert task.related is None


def test_a_sender_whom_nobody_names_is_an_owner_without_id_and_address() -> None:
    (task,) = tasks(email([to("a@x")], userId=None, userEmail=None))
    assert TaskCommand.decode(task.encode()).owner == Person()


def test_recipients_are_told_apart_by_lower_cased_address() -> None:
    event = email([to("ada@example.com"), to(" ADA@example.com"), to("bob@example.com")])
    assert recipients_of(event) == ["ada@example.com", "bob@example.com"]


def test_white_space_around_an_address_is_no_part_of_it() -> None:
    (task,) = tasks(email([to("pat@x.example\r\n")], userEmail=" sam@x.example\t"))
    assert (task.recipient.email, task.owner.email) == ("pat@x.example", "sam@x.example")


def test_copies_get_no_task_and_a_recipient_of_no_kind_does() -> None:
    kinds = {"cc": "cc@x", "bcc": "bcc@x", "CC": "CC@x", "To": "to@x"}
    listed = [{"email": address, "recipientType": kind} for kind, address in kinds.items()]
    assert recipients_of(email([*listed, {"email": "none@x"}])) == ["to@x", "none@x"]


def test_an_address_first_copied_and_then_addressed_gets_a_task() -> None:
    event = email([{"email": "a@x", "recipientType": "cc"}, to("a@x")])
    assert recipients_of(event) == ["a@x"]


@pytest.mark.parametrize("recipients", [[], None, "nobody", [None, 7, "x"], [{}], [to("  ")]])
def test_no_recipient_leads_to_no_task(recipients: Any) -> None:
    assert tasks(email(recipients)) == []


def test_a_recipient_without_address_is_known_by_its_id() -> None:
    (task,) = tasks(email([{"id": "R-1", "recipientType": "to"}]))
    assert task.recipient == Person(id="R-1")
    assert task.subject == "Follow up: LiveSend to R-1"


@pytest.mark.parametrize(
    ("sent", "due"),
    [
        ("2026-04-07T23:30:00Z", date(2026, 4, 9)),  # Tuesday
        ("2026-04-09T12:00:00Z", date(2026, 4, 13)),  # Thursday: Friday, Monday
        ("2026-04-10T12:00:00Z", date(2026, 4, 14)),  # Friday
        ("2026-04-11T12:00:00Z", date(2026, 4, 14)),  # Saturday
        ("2026-04-12T23:30:00-05:00", date(2026, 4, 15)),  # already Monday in UTC
        ("2026-04-07T12:00:00", date(2026, 4, 9)),  # no zone means UTC
    ],
)
def test_it_is_due_two_business_days_after_the_send(sent: str, due: date) -> None:
    (task,) = tasks(email([to("a@x")], interactionOccurredAt=sent))
    assert task.due == due


@pytest.mark.parametrize(
    "absurd",
    [
        DOTNET_ZERO,
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.9999999Z",
        "9999-12-31T23:59:59.9999999-05:00",
        "9999-12-31T00:00:00",
        "yesterday",
        "",
        None,
        17,
    ],
)
def test_a_time_that_cannot_be_falls_back_to_the_events_and_then_to_ours(absurd: Any) -> None:
    event = email([to("a@x")], "2026-04-13T08:00:00Z", interactionOccurredAt=absurd)
    assert tasks(event)[0].due == date(2026, 4, 15)
    unknown = event._replace(occurred=absurd)
    assert tasks(unknown)[0].due == date(2026, 4, 9)


def test_a_time_may_be_told_in_milliseconds() -> None:
    (task,) = tasks(email([to("a@x")], interactionOccurredAt=1_776_067_200_000))  # 13 April 2026
    assert task.due == date(2026, 4, 15)


def test_the_time_of_the_send_comes_before_the_events() -> None:
    event = email([to("a@x")], "2026-04-20T08:00:00Z")
    assert tasks(event)[0].due == date(2026, 4, 9)


def ruled(**members: Any) -> Context:
    return replace(CONTEXT, rule=Rule(**members))


def test_the_rule_says_when_it_is_due_whose_it_is_and_how_urgent() -> None:
    rule = ruled(
        due_business_days=1,
        time_zone="Asia/Tokyo",
        holidays=Holidays(also=(date(2026, 4, 9),)),
        priority="high",
        owner="desk@example.com",
        fallback_owner="boss@example.com",
    )
    event = email([to("a@x")], interactionOccurredAt="2026-04-07T20:00:00Z")  # the 8th, there
    (task,) = tasks(event, rule)
    assert (task.due, task.priority) == (date(2026, 4, 10), "high")
    assert task.owner == Person(email="desk@example.com")
    assert task.fallback_owner == Person(email="boss@example.com")


def test_the_rule_says_which_recipients() -> None:
    listed = [to("a@acme.com"), to("b@own.com"), {"email": "c@acme.com", "recipientType": "CC"}]
    chosen = tasks(email(listed), ruled(recipients=("to", "cc"), exclude_domains=("own.com",)))
    assert [task.recipient.email for task in chosen] == ["a@acme.com", "c@acme.com"]


def test_the_rule_says_the_words() -> None:
    rule = ruled(subject="{sender} > {recipient}", body="{date} {content} {related} {tenant}")
    links = [{"content": [{"Name": "Deck"}, {"totalPages": 5}, {"name": "Prices"}]}]
    (task,) = tasks(email([to("a@x", context=[context("Lead", "l1")])], links=links), rule)
    assert task.subject == "seller@example.com > a@x"
    assert task.body == "2026-04-07 Deck, Prices the l1 tenant-a"


def test_twice_the_event_is_twice_the_work_whatever_the_rule_says() -> None:
    """Not four times: what all tasks of an event say alike is worked out once."""

    def work(many: int) -> int:
        links = [{"content": [{"name": f"deck {n}"} for n in range(many)]}]
        event = email([to(f"{n}@x") for n in range(many)], links=links)
        return calls(lambda: tasks(event, ruled(body="{content}")))

    assert work(400) < 2.5 * work(200)


def test_a_subject_of_nothing_is_our_own() -> None:
    (task,) = tasks(email([to("a@x")]), ruled(subject=" {related}"))
    assert task.subject == "Follow up: LiveSend to a@x"


def test_an_endless_address_is_cut_in_the_subject_alone() -> None:
    (task,) = tasks(email([to("a" * 400 + "@x")]))
    assert (len(task.subject), len(str(task.recipient.email))) == (255, 402)


def context(kind: str | None, name: str) -> Mapping[str, Any]:
    return {"contextId": name, "contextType": kind, "contextName": f"the {name}"}


def test_an_opportunity_is_the_related_record_before_people() -> None:
    records = [context("Contact", "c1"), context("Opportunity", "o1"), context("opportunity", "o2")]
    (task,) = tasks(email([to("a@x", context=records)]))
    assert task.related == Related(type="Opportunity", id="o1", name="the o1")


def test_without_an_opportunity_the_first_record_with_an_id_is_related() -> None:
    records = [{"contextType": "Lead"}, context(None, "x1"), context("Contact", "c1")]
    (task,) = tasks(email([to("a@x", Context=records)]))
    assert task.related == Related(id="x1", name="the x1")


def test_the_documented_enriched_sample_leads_to_its_one_task() -> None:
    body = (SAMPLES / "email-enriched-v3.json").read_bytes()
    (task,) = tasks(envelope.read(body, legacy_tenant="x"))
    assert task.recipient.email == "recipient@example.com"
    assert task.related == Related(
        type="Opportunity", id="00646000009eMGL", name="Demo opportunity"
    )
    assert task.due == date(2024, 5, 2)


def test_the_key_is_the_sends_and_the_recipients_alone() -> None:
    """The same send, told again by another event at another time, is the same task."""
    event = email([to("a@x")])
    again = event._replace(event_id="other", type_name="email-enriched-v3")
    later = replace(CONTEXT, received_at=CONTEXT.received_at + timedelta(days=1))
    assert keys(event) == keys(again, later) == keys(event, ruled(subject="x", owner="b@x"))
    others = [
        event._replace(tenant_id="tenant-b"),
        email([to("b@x")]),
        email([to("a@x")], interactionId="interaction-2"),
    ]
    assert len({*keys(event), *(key for other in others for key in keys(other))}) == 4


def keys(event: Envelope, context: Context = CONTEXT) -> list[UUID]:
    return [task.key for task in tasks(event, context)]


def test_the_key_never_changes_between_versions() -> None:
    assert keys(email([to("A@x")])) == [UUID("bb9bb21e-5cb7-5c37-a1af-aa9b9f74179d")]


def test_an_event_without_interaction_is_its_own() -> None:
    (task,) = tasks(email([to("a@x")], interactionId=None))
    assert task.interaction_id == "event-1"


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists)))
def test_whatever_the_data_it_leads_to_commands_or_none(data: dict[str, Any]) -> None:
    usual = email([to("a@x")])
    for task in tasks(usual._replace(data={**usual.data, **data})):
        assert TaskCommand.decode(task.encode()) == task


def test_every_type_that_carries_recipients_is_decided_on() -> None:
    check_complete()
    assert types_with_actions() == ["email-v3", "email-enriched-v3"]


def test_a_type_that_every_rule_turns_off_is_not_read() -> None:
    off = "version: 1\nevents: {email-v3: {enabled: false}}"
    assert types_with_actions(RuleBook(parse(off))) == ["email-enriched-v3"]
    but_one = off + "\ntenants: {a: {events: {email-v3: {enabled: true}}}}"
    assert types_with_actions(RuleBook(parse(but_one))) == ["email-v3", "email-enriched-v3"]


def test_views_are_read_once_a_rule_turns_them_on() -> None:
    view = "livesend-session-summary-v3"
    on = f"version: 1\ntenants: {{a: {{events: {{{view}: {{enabled: true}}}}}}}}"
    assert types_with_actions(RuleBook(parse(on))) == ["email-v3", "email-enriched-v3", view]


@pytest.mark.parametrize("name", list(ACTIONS))
def test_a_table_that_forgot_a_type_is_refused(name: str) -> None:
    short = {key: actions for key, actions in ACTIONS.items() if key != name}
    with pytest.raises(LookupError, match=name):
        check_complete(short)


def test_a_table_with_an_unknown_type_is_refused() -> None:
    with pytest.raises(LookupError, match="NeverHeardOf"):
        check_complete({**ACTIONS, "NeverHeardOf": ()})
