import json
from datetime import date
from uuid import uuid4

import pytest

from ops.sandbox.faults import BadScript, Fault, Faults
from schemas.task import Person, TaskCommand


def command(email: str = "pat@customer.example") -> TaskCommand:
    return TaskCommand(
        key=uuid4(),
        tenant_id="tenant-1",
        event_id="event-1",
        event_type="LiveSendEmailV1",
        interaction_id="interaction-1",
        owner=Person(email="sam@vendor.example"),
        recipient=Person(email=email),
        subject="Follow up",
        due=date(2026, 10, 1),
    )


def script(*faults: object) -> Faults:
    loaded = Faults()
    loaded.load(json.dumps(faults).encode())
    return loaded


def kind(fault: Fault | None) -> str | None:
    return fault.kind if fault else None


def test_lines_are_played_in_order_and_used_up() -> None:
    faults = script({"kind": "refuse", "times": 2}, {"kind": "hang", "seconds": 1, "times": 1})
    played = [kind(faults.take(command())) for _ in range(4)]
    assert played == ["refuse", "refuse", "hang", None]
    assert faults.to_json() == []


def test_a_line_without_times_is_never_used_up() -> None:
    faults = script({"kind": "refuse"})
    assert [kind(faults.take(command())) for _ in range(3)] == ["refuse"] * 3


def test_what_is_left_is_shown() -> None:
    faults = script({"kind": "status", "status": 503, "times": 5})
    faults.take(command())
    assert faults.to_json()[0]["times"] == 4


def test_a_line_for_someone_else_is_passed_over() -> None:
    match = {"recipient": "BAD@example.com", "tenant": "tenant-1"}
    faults = script({"kind": "refuse", "match": match}, {"kind": "drop_after_commit", "times": 1})
    assert kind(faults.take(command())) == "drop_after_commit"
    assert kind(faults.take(command("bad@example.com"))) == "refuse"
    assert kind(faults.take(command())) is None


def test_cleared_is_cleared() -> None:
    faults = script({"kind": "refuse"})
    faults.clear()
    assert faults.take(command()) is None


@pytest.mark.parametrize(
    ("wire", "complaint"),
    [
        ("{", "script: Invalid JSON"),
        ("{}", "script: Input should be a valid array"),
        ('[{"kind":"boom"}]', "0: Input tag 'boom'"),
        ('[{"kind":"refuse"},{"kind":"status"}]', "1.status.status: Field required"),
        ('[{"kind":"status","status":200}]', "greater than or equal to 300"),
        ('[{"kind":"hang","seconds":-1}]', "greater than 0"),
        ('[{"kind":"refuse","times":0}]', "greater than or equal to 1"),
        ('[{"kind":"refuse","time":1}]', "0.refuse.time: Extra inputs"),
        ('[{"kind":"refuse","match":{"mail":"x"}}]', "0.refuse.match.mail: Extra inputs"),
    ],
)
def test_a_bad_script_says_what_is_wrong_and_changes_nothing(wire: str, complaint: str) -> None:
    faults = script({"kind": "refuse"})
    with pytest.raises(BadScript) as caught:
        faults.load(wire.encode())
    assert complaint in str(caught.value)
    assert kind(faults.take(command())) == "refuse"
