"""A viewed LiveSend leads to one task per viewer, the first time, and says nothing about where."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import catalogue, envelope
from schemas.envelope import Envelope
from schemas.events.livesend import ViewerDetails as OldViewerDetails
from schemas.events.session_summary import ViewerDetails
from schemas.task import Person, Related, TaskCommand
from streams import followup
from streams.actions.context import Context
from streams.actions.session_summary import first_views
from streams.rules.book import RuleBook
from streams.rules.loader import parse
from streams.rules.model import Rule
from streams.rules.template import PLACEHOLDERS
from tests.effort import calls

SAMPLES = Path(__file__).parents[2] / "data" / "seismic"
VIEWS = ["livesend-session-summary-v3", "livesend-session-summary-enriched-v3"]
NOON = datetime(2026, 4, 7, 12, tzinfo=UTC)
CONTEXT = Context(NOON, Rule())
ALL_ON = "version: 1\nevents: {" + ", ".join(f"{name}: {{enabled: true}}" for name in VIEWS) + "}"
SINGLE = [{"Id": "r1", "Email": "ada@example.com", "RecipientType": "to"}]


def view(participants: Any = None, recipients: Any = None, **data: Any) -> Envelope:
    return Envelope(
        tenant_id="tenant-a",
        event_id="event-1",
        type_name=VIEWS[0],
        event_type=catalogue.SESSION_SUMMARY,
        occurred="2026-04-07T12:00:00Z",
        data={
            "InteractionId": "interaction-1",
            "InteractionOccurredAt": "0001-01-01T00:00:00",
            "UserId": "seller-1",
            "Email": "seller@example.org",
            "SessionStartedAt": "2026-04-07T11:30:00Z",
            "Participants": participants,
            "Recipients": recipients,
            "LivesendSessionSummary": {
                "Link": {"Id": "link-1", "CreatedBy": "maker-1", "Content": [{"Name": "Deck"}]}
            },
            **data,
        },
    )


def tasks(event: Envelope, context: Context = CONTEXT) -> list[TaskCommand]:
    return [one for one in first_views(event, context) if isinstance(one, TaskCommand)]


def about(event: Envelope, context: Context = CONTEXT) -> list[str | None]:
    return [task.recipient.email or task.recipient.id for task in tasks(event, context)]


def test_a_command_says_who_viewed_what_and_whose_task_it_is() -> None:
    (task,) = tasks(view([{"Email": "Ada@example.com"}]))
    assert task.kind == "first-view"
    assert task.owner == Person(id="seller-1", email="seller@example.org")
    assert task.recipient == Person(email="Ada@example.com")
    assert task.subject == "LiveSend viewed for the first time by Ada@example.com"
    assert (task.interaction_id, task.event_id, task.due) == (
        "interaction-1",
        "event-1",
        date(2026, 4, 9),
    )


def test_a_second_view_is_the_same_task() -> None:
    """Another session, another event, another device, the enriched type; the same key."""
    first = view([{"Email": "ada@example.com"}])
    second = view([{"Email": "ADA@example.com", "Id": "9"}], SessionId="s2", ClientDetails={})
    second = second._replace(event_id="event-2", type_name=VIEWS[1])
    assert keys(first) == keys(second)


def test_the_key_is_the_tenants_the_sends_and_the_viewers() -> None:
    ada = [{"Email": "ada@example.com"}]
    events = [
        view(ada),
        view(ada)._replace(tenant_id="tenant-b"),
        view(ada, InteractionId="interaction-2"),
        view([{"Email": "bob@example.com"}]),
    ]
    assert len({key for event in events for key in keys(event)}) == 4


def test_the_key_never_changes_between_versions_and_is_no_follow_ups() -> None:
    found = keys(view([{"Email": "a@x"}]))
    assert found == [UUID("3548912c-d59d-575f-98c8-3c4479cccc47")]
    assert found != [UUID("bb9bb21e-5cb7-5c37-a1af-aa9b9f74179d")]


def keys(event: Envelope) -> list[UUID]:
    return [task.key for task in tasks(event)]


@pytest.mark.parametrize(
    ("participants", "recipients", "expected"),
    [
        ([{"Email": "a@x"}, {"email": "A@x"}, {"Email": "b@x"}], None, ["A@x", "b@x"]),
        ([{"Email": "a@x"}], SINGLE, ["a@x"]),
        ([], SINGLE, ["ada@example.com"]),
        (None, [{"Id": "r1"}], ["r1"]),
        ([{"Id": "p1"}, {"Email": "100.00.00.00"}], SINGLE, ["p1"]),
        ([{"Id": "p1"}], None, ["p1"]),
        ([{"Id": "R1"}], SINGLE, ["ada@example.com"]),  # that recipient, by the id
        ([{"Id": " "}, {}], SINGLE, []),  # somebody, but not told who
        (None, [*SINGLE, {"Email": "bob@example.com"}], []),  # which of them is not told
        (None, [*SINGLE, {"Email": "ADA@example.com"}], ["ADA@example.com"]),
        (None, None, []),
        ("nobody", [{}, 7], []),
        # The sender looks at what they sent themselves.
        ([{"Email": "Seller@Example.org"}], SINGLE, []),
        ([{"Id": "SELLER-1"}], SINGLE, []),
        ([{"Id": "seller-1", "Email": "ada@example.com"}], SINGLE, []),
        ([{"Id": "r2"}], [{"Id": "r2", "Email": "seller@example.org"}], []),
        (None, [{"Id": "seller-1", "Email": "home@example.org"}], []),
    ],
)
def test_a_viewer_is_who_the_event_names(
    participants: Any, recipients: Any, expected: list[str]
) -> None:
    assert about(view(participants, recipients)) == expected


def test_participants_are_found_on_either_level() -> None:
    summary = {"Participants": [{"Email": "a@x"}], "Link": {"Id": "link-1"}}
    assert about(view(LivesendSessionSummary=summary)) == ["a@x"]


def test_without_what_was_viewed_there_is_no_first_time() -> None:
    ada = [{"Email": "ada@example.com"}]
    (task,) = tasks(view(ada, InteractionId=None))
    assert task.interaction_id == "link-1"
    assert tasks(view(ada, InteractionId=None, LivesendSessionSummary=None)) == []


def test_without_a_user_the_links_maker_is_the_sender() -> None:
    (task,) = tasks(view(None, SINGLE, UserId=None, Email=None))
    assert task.owner == Person(id="maker-1")
    mapped = Rule(owner_by_sender={"maker-1": "sam@example.org"})
    (task,) = tasks(view(None, SINGLE, UserId=None, Email=None), Context(NOON, mapped))
    assert task.owner == Person(email="sam@example.org")


def test_the_links_maker_is_not_told_of_their_own_view() -> None:
    assert about(view([{"Id": "maker-1"}], SINGLE, UserId=None, Email=None)) == []


def test_a_viewer_without_address_is_known_by_the_id() -> None:
    (task,) = tasks(view([{"Id": "p1"}], SINGLE))
    assert task.recipient == Person(id="p1")
    (task,) = tasks(view([{"Id": "p1", "Email": "bob@example.com"}], SINGLE))
    assert task.recipient == Person(id="p1", email="bob@example.com")


def test_domains_are_of_account_and_kinds_of_recipients_are_not() -> None:
    rule = Rule(recipients=("cc",), exclude_domains=("own.com",))
    event = view([{"Email": "a@own.com"}, {"Email": "b@acme.com"}])
    assert about(event, Context(NOON, rule)) == ["b@acme.com"]


def test_an_enriched_view_has_the_viewers_record_and_the_words_of_the_rule() -> None:
    body = (SAMPLES / "events" / f"{VIEWS[1]}.json").read_bytes()
    rules = RuleBook(parse(ALL_ON + "\ndefaults: {subject: '{content}, {date}'}"))
    (task,) = followup.follow(envelope.read(body, legacy_tenant="x"), NOON, rules)
    assert task.related == Related(type="Opportunity", id="00646000009eMGL")
    assert task.owner == Person(id="1dc45f37-8b5d-4a7c-8e9f-0a1b2c3d4e65")
    assert (task.subject, task.due) == ("Demo Content, 2024-07-11", date(2024, 7, 15))


@pytest.mark.parametrize("name", VIEWS)
def test_it_is_off_unless_a_rule_turns_it_on(name: str) -> None:
    event = view(None, SINGLE)._replace(event_type=catalogue.lookup(name))
    assert followup.follow(event, NOON, RuleBook()) == []
    general = RuleBook(parse("version: 1\ndefaults: {enabled: true}"))
    assert followup.follow(event, NOON, general) == []
    assert len(followup.follow(event, NOON, RuleBook(parse(ALL_ON)))) == 1


def test_twice_the_event_is_twice_the_work() -> None:
    """Not four times: what all tasks of an event say alike is worked out once."""

    def work(many: int) -> int:
        names = [{"Name": f"deck {n}"} for n in range(many)]
        summary = {"Link": {"Id": "link-1", "Content": names}}
        event = view([{"Email": f"{n}@x"} for n in range(many)], LivesendSessionSummary=summary)
        return calls(lambda: tasks(event))

    assert work(400) < 2.5 * work(200)


# What the event tells about a viewer besides the name, and no command may repeat.

CANARY = "canary"
WHEREABOUTS = sorted(
    str(field.alias)
    for model in (ViewerDetails, OldViewerDetails)
    for name, field in model.model_fields.items()
    if name != "session_id"
)
EVERY_PLACEHOLDER = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
TEMPLATES = st.lists(st.sampled_from([f"{{{name}}}" for name in PLACEHOLDERS] + ["x ", "{{"])).map(
    "".join
)
PLACES = [("ClientDetails",), ("LivesendSessionSummary", "ClientDetails"), ("ContentSessions",)]


def told(details: dict[str, str], place: tuple[str, ...]) -> dict[str, Any]:
    data: dict[str, Any] = dict(view([{"Email": "ada@example.com", **details}], SINGLE).data)
    inner = data
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = [details] if place[-1] == "ContentSessions" else details
    return data | details


@given(
    st.dictionaries(
        st.sampled_from(WHEREABOUTS), st.integers().map(lambda n: f"{CANARY}-{n}"), min_size=1
    ),
    st.sampled_from(PLACES),
    TEMPLATES,
    TEMPLATES,
)
def test_no_template_brings_a_viewers_whereabouts_into_a_command(
    details: dict[str, str], place: tuple[str, ...], subject: str, body: str
) -> None:
    rule = Rule(subject=subject or None, body=body or None)
    event = view()._replace(data=told(details, place))
    made = tasks(event, Context(NOON, rule))
    assert len(made) == 1
    assert CANARY not in made[0].encode().decode()


def test_the_canary_would_be_seen() -> None:
    """The property above looks at a command that repeats what it may."""
    event = view([{"Email": f"{CANARY}@example.com"}])
    (task,) = tasks(event, Context(NOON, Rule(body=EVERY_PLACEHOLDER)))
    assert task.encode().decode().count(CANARY) == 3


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*/*s*ession*summary*.json")), ids=str)
def test_no_documented_sample_leaks_an_address_a_place_or_a_device(sample: Path) -> None:
    rules = RuleBook(parse(f"{ALL_ON}\ndefaults: {{subject: '{EVERY_PLACEHOLDER}', body: 'x'}}"))
    event = envelope.read(sample.read_bytes(), legacy_tenant="x")
    details = ViewerDetails.model_validate(event.data["ClientDetails"])
    private = {str(value) for name, value in details if name != "session_id" and value}
    assert {"100.00.00.00", "Charlotte", "15.2316", "Windows 11"} <= private
    event = event._replace(data={**event.data, "Participants": [{"Email": "ada@example.com"}]})
    (task,) = followup.follow(event, NOON, rules)
    texts = orjson.dumps([task.subject, task.body, task.recipient.email]).decode()
    assert [one for one in private - {"pc"} if one in texts] == []


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists)))
def test_whatever_the_data_it_leads_to_commands_or_none(data: dict[str, Any]) -> None:
    usual = view([{"Email": "a@x"}])
    for task in tasks(usual._replace(data={**usual.data, **data})):
        assert TaskCommand.decode(task.encode()) == task
