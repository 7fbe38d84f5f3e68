"""The task command survives the wire, and its key is the same send's alone."""

import json
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.task import Person, Related, TaskCommand, UnreadableTask, task_key

TEXT = st.text(max_size=20)
PEOPLE = st.builds(Person, id=st.none() | TEXT, email=st.none() | TEXT)
COMMANDS = st.builds(
    TaskCommand,
    key=st.uuids(),
    tenant_id=TEXT,
    event_id=TEXT,
    event_type=TEXT,
    interaction_id=TEXT,
    owner=PEOPLE,
    recipient=PEOPLE,
    subject=TEXT,
    due=st.dates(),
    related=st.none() | st.builds(Related, id=TEXT, type=st.none() | TEXT, name=st.none() | TEXT),
)
PARTS = st.tuples(TEXT, TEXT, TEXT)


def command() -> TaskCommand:
    return TaskCommand(
        key=task_key("t", "i", "a@example.com"),
        tenant_id="t",
        event_id="e",
        event_type="email-v3",
        interaction_id="i",
        owner=Person(id="u", email="seller@example.com"),
        recipient=Person(email="a@example.com"),
        subject="Follow up: LiveSend to a@example.com",
        due=date(2024, 5, 3),
        related=Related(type="Opportunity", id="00646000009eMGL"),
    )


def changed(**members: object) -> bytes:
    return json.dumps(json.loads(command().encode()) | members).encode()


@given(COMMANDS)
def test_a_command_survives_the_wire(sent: TaskCommand) -> None:
    assert TaskCommand.decode(sent.encode()) == sent


def test_the_wire_form_is_what_other_services_were_told() -> None:
    assert json.loads(command().encode()) == {
        "version": 1,
        "kind": "follow-up",
        "key": "53e980dc-ba8a-5fcc-b08a-d27afb66c4fe",
        "tenantId": "t",
        "eventId": "e",
        "eventType": "email-v3",
        "interactionId": "i",
        "owner": {"id": "u", "email": "seller@example.com"},
        "recipient": {"email": "a@example.com"},
        "subject": "Follow up: LiveSend to a@example.com",
        "priority": "normal",
        "due": "2024-05-03",
        "related": {"type": "Opportunity", "id": "00646000009eMGL"},
    }


def test_a_reader_ignores_fields_of_a_later_writer() -> None:
    assert TaskCommand.decode(changed(urgency="high")) == command()


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_is_refused(version: object) -> None:
    with pytest.raises(UnreadableTask, match="version"):
        TaskCommand.decode(changed(version=version))


@pytest.mark.parametrize("wire", [b"", b"{", b"null", b"[]", b"{}", b"\xff"])
def test_what_is_no_command_is_refused(wire: bytes) -> None:
    with pytest.raises(UnreadableTask):
        TaskCommand.decode(wire)


def test_a_refusal_names_the_field_and_quotes_no_value() -> None:
    with pytest.raises(UnreadableTask) as refused:
        TaskCommand.decode(changed(owner={"email": ["private@example.com"]}))
    assert "owner.email" in str(refused.value)
    assert "private" not in str(refused.value)


def test_a_command_cannot_be_changed_once_decided() -> None:
    with pytest.raises(ValueError, match="frozen"):
        command().subject = "something else"  # type: ignore[misc]  # the point of the test


@given(PARTS)
def test_the_same_send_has_the_same_key(parts: tuple[str, str, str]) -> None:
    assert task_key(*parts) == task_key(*parts)


def test_a_key_never_changes_from_one_release_to_the_next() -> None:
    """The CRM remembers the key: another one for the same send would be a second task."""
    assert task_key("tenant", "interaction", "a@example.com") == UUID(
        "55583fda-fb85-5888-acc7-d4131860ac1c"
    )


@given(PARTS, PARTS)
def test_two_sends_have_two_keys(one: tuple[str, str, str], two: tuple[str, str, str]) -> None:
    assert (task_key(*one) == task_key(*two)) == (one == two)


@given(PARTS, st.integers(min_value=0, max_value=19), st.sampled_from(["", "\0", ",", '"', '", "']))
def test_moving_text_from_one_part_of_a_key_to_the_next_changes_it(
    parts: tuple[str, str, str], cut: int, between: str
) -> None:
    tenant, interaction, recipient = parts
    joined = f"{tenant}{between}{interaction}"
    moved = (joined[:cut], joined[cut:].removeprefix(between), recipient)
    assert (task_key(*moved) == task_key(*parts)) == (moved == parts)
