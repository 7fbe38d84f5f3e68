"""From events to task commands, and what cannot be one is set aside."""

from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.reasons import Reason
from schemas.task import TaskCommand
from schemas.topics import Topics
from streams import followup
from streams.rules.book import RuleBook
from streams.rules.loader import parse
from streams.transaction import Output
from tests.records import NOON_MS, record
from tests.streams_rig import event

SAMPLES = Path(__file__).parents[2] / "data" / "seismic" / "events"
TOPICS = Topics()
EMAILS = TOPICS.events["email-v3"].name
decide = partial(followup.decide, topics=TOPICS, rules=RuleBook(), legacy_tenant="legacy")
TO_TWO = [{"email": "a@x"}, {"email": "b@x"}]
SENT = event("tenant-a", "1", "email-v3", interactionId="i1", recipients=TO_TWO)


def test_one_command_per_recipient_goes_to_the_task_topic_under_the_events_key() -> None:
    outputs = decide([record(SENT)]).outputs
    commands = [TaskCommand.decode(output.value) for output in outputs]
    assert [command.recipient.email for command in commands] == ["a@x", "b@x"]
    assert {(output.topic, output.key) for output in outputs} == {(TOPICS.task.name, b"tenant-a")}
    assert {output.timestamp_ms for output in outputs} == {NOON_MS}


def test_a_commands_headers_carry_its_key_and_tenant() -> None:
    output = decide([record(SENT)]).outputs[0]
    sent = dict(output.headers)
    assert sent["ce_id"] == str(TaskCommand.decode(output.value).key).encode()
    assert sent["ce_tenantid"] == b"tenant-a"
    assert sent["ce_type"] == b"com.seismic.task.FollowUp"


def test_without_a_rules_file_a_command_is_what_it_has_always_been() -> None:
    (output,) = decide([record((SAMPLES / "email-enriched-v3.json").read_bytes())]).outputs
    assert output.value == (
        b'{"version":1,"kind":"follow-up","key":"8559afd6-dc39-55d4-804d-7a3111000179",'
        b'"tenantId":"234b9f0d-853d-4210-b5d2-b0574e003fcc",'
        b'"eventId":"6e2a2d63-8b1f-406e-8b75-1d7c2f108b22","eventType":"email-enriched-v3",'
        b'"interactionId":"7642a8ca-ced5-465a-ba49-1a5191ef9996",'
        b'"owner":{"id":"b26fa7a6-5060-7ce1-8cf2-9fc6a414dfdf","email":"seller@example.com"},'
        b'"recipient":{"id":"8eda18ec-6d5c-4b4a-8392-1a2b3c4d5e52","email":"recipient@example.com"},'
        b'"subject":"Follow up: LiveSend to recipient@example.com","priority":"normal",'
        b'"due":"2024-05-02",'
        b'"related":{"type":"Opportunity","id":"00646000009eMGL","name":"Demo opportunity"}}'
    )


def test_deciding_again_leads_to_the_same_bytes() -> None:
    assert decide([record(SENT)]).outputs == decide([record(SENT)]).outputs


def test_a_bare_legacy_body_belongs_to_the_tenant_of_its_key() -> None:
    bare = b'{"interactionId": "i1", "recipients": [{"email": "a@x"}]}'
    (output,) = decide([record(bare, key=b"tenant-k")]).outputs
    assert TaskCommand.decode(output.value).tenant_id == "tenant-k"


@pytest.mark.parametrize("value", [b"{", b"", None, b"[]", b"{}"])
def test_what_is_no_event_is_set_aside_and_the_next_goes_on(value: bytes | None) -> None:
    decision = decide([record(value, 0), record(SENT, 1)])
    set_aside, *commands = decision.outputs
    assert (set_aside.topic, set_aside.value) == (TOPICS.quarantine.name, value or b"")
    assert len(commands) == 2
    assert decision.quarantined.total() == 1


def test_an_event_of_a_type_without_row_is_set_aside() -> None:
    """It does not belong in this topic, but it must not stop the partition for ever either."""
    stray = event("tenant-a", "1", "UserCreatedV1")
    decision = decide([record(stray, topic=EMAILS), record(SENT, 1)])
    assert decision.quarantined == {Reason.WRONG_SHAPE: 1}
    assert decision.outputs[0].value == stray
    assert len(decision.outputs) == 3


def test_an_event_whose_rule_is_off_leads_to_nothing_and_is_no_error() -> None:
    off = RuleBook(parse("version: 1\ntenants: {tenant-a: {defaults: {enabled: false}}}"))
    assert decide([record(SENT)], rules=off) == followup.Decision()
    other = event("tenant-b", "1", "email-v3", interactionId="i1", recipients=TO_TWO)
    assert len(decide([record(SENT), record(other, 1)], rules=off).outputs) == 2


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"interactionId": "x" * 513}, "the interaction's id"),
        ({"interactionId": "x\n"}, "the interaction's id"),
        ({"userId": "x" * 513}, "the sender's id"),
        ({"userEmail": "x" * 513}, "the sender's address"),
    ],
)
def test_an_event_whose_names_are_none_is_set_aside(data: dict[str, object], told: str) -> None:
    """Each command repeats them: 147 KB made 286 MiB of commands."""
    sent = event("tenant-a", "1", "email-v3", **{"interactionId": "i", "recipients": TO_TWO} | data)
    (set_aside,) = decide([record(sent)]).outputs
    assert (set_aside.topic, set_aside.value) == (TOPICS.quarantine.name, sent)
    reason = dict(set_aside.headers)
    assert told in str(reason)
    assert "xxx" not in str(reason)


@pytest.mark.parametrize(
    ("recipient", "told"),
    [
        ({"id": "x" * 513}, "a recipient's id is a string longer than 512 characters"),
        ({"email": "a\x00@x"}, "a recipient's address is a string with a control character"),
        ({"email": "x@x", "id": "a\n"}, "a recipient's id is a string with a control character"),
    ],
)
def test_a_recipient_who_cannot_be_named_costs_nobody_else_a_task(
    recipient: dict[str, str], told: str
) -> None:
    listed = [TO_TWO[0], recipient, TO_TWO[1], recipient | {"recipientType": "to"}]
    sent = event("tenant-a", "1", "email-v3", interactionId="i", recipients=listed)
    decision = decide([record(SENT, 4), record(sent, 5)])
    commands = [TaskCommand.decode(each.value) for each in decision.outputs[2:]]
    assert [each.recipient.email for each in commands] == ["a@x", "b@x"]
    assert decision.left_out == {(5, told): 1}
    assert decision.quarantined == {}


def test_a_viewer_who_cannot_be_named_costs_nobody_else_a_task() -> None:
    rules = RuleBook(parse("version: 1\nevents: {livesend-session-summary-v3: {enabled: true}}"))
    viewers = [{"Email": "a\x01@x.example"}, {"Email": "ada@x.example"}]
    viewed = event("t", "e", "livesend-session-summary-v3", InteractionId="i", Participants=viewers)
    decision = decide([record(viewed)], rules=rules)
    assert [TaskCommand.decode(each.value).recipient.email for each in decision.outputs] == [
        "ada@x.example"
    ]
    assert decision.left_out.total() == 1


def test_an_event_that_leads_to_too_much_is_set_aside_before_it_is_all_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[UUID] = []
    encode = TaskCommand.encode

    def counted(command: TaskCommand) -> bytes:
        made.append(command.key)
        return encode(command)

    monkeypatch.setattr(TaskCommand, "encode", counted)
    wordy = RuleBook(parse(f"version: 1\ndefaults: {{body: {'x' * 32_000}}}"))

    def outputs(many: int) -> list[Output]:
        listed = [{"email": f"{n}@x"} for n in range(many)]
        sent = event("tenant-a", "1", "email-v3", interactionId="i", recipients=listed)
        return decide([record(sent)], rules=wordy).outputs

    enough = outputs(1000)
    assert {output.topic for output in enough} == {TOPICS.task.name}
    assert sum(len(output.value) for output in enough) <= followup.MAX_COMMAND_BYTES
    made.clear()
    (set_aside,) = outputs(3000)
    assert set_aside.topic == TOPICS.quarantine.name
    assert len(made) < 1100


@pytest.mark.parametrize("timestamp", [-1, 0, 2**53, 2**62])
def test_any_record_timestamp_can_be_lived_with(timestamp: int) -> None:
    sent = event("t", "1", "email-v3", recipients=[{"email": "a@x"}])
    undated = sent.replace(b"2026-04-07T12:34:56.000Z", b"0001-01-01T00:00:00")
    decision = decide([record(undated, timestamp=timestamp)])
    assert len(decision.outputs) == 1


@given(st.binary(max_size=100) | st.text().map(lambda text: event("t", "1", "email-v3", x=text)))
def test_any_bytes_lead_to_commands_or_to_the_quarantine(body: bytes) -> None:
    for output in decide([record(body)]).outputs:
        assert output.topic in (TOPICS.task.name, TOPICS.quarantine.name)
