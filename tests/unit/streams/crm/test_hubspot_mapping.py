"""A task command as HubSpot's input."""

import json
from datetime import date, datetime, time, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.task import Related, TaskCommand
from streams.crm import Refused
from streams.crm.hubspot import Options
from streams.crm.hubspot.mapping import (
    Place,
    Record,
    _rich_text,
    batch_input,
    blames_owner,
    related_record,
)

SAMPLES = Path(__file__).parents[3] / "data/crm/hubspot"
OPTIONS = Options.model_validate({"access_token": "pat-secret"})
PLACE = Place("64492917", (Record("contacts", "101"), Record("deals", "7")))


def properties(task: TaskCommand, **options: Any) -> dict[str, str]:
    chosen = Options.model_validate({"access_token": "pat-secret", **options})
    return dict(batch_input(task, PLACE, chosen)["properties"])


def test_every_property_has_its_value(task: TaskCommand) -> None:
    told = task.model_copy(update={"body": "Ask <Pat> & Lee\nsoon", "priority": "high"})
    assert properties(told, key_property="our_key") == {
        "our_key": str(task.key),
        "hs_timestamp": "2026-10-01T12:00:00.000Z",
        "hs_task_subject": "Follow up: Pat Buyer",
        "hs_task_body": "Ask &lt;Pat&gt; &amp; Lee<br>soon",
        "hs_task_status": "NOT_STARTED",
        "hs_task_priority": "HIGH",
        "hs_task_type": "TODO",
        "hubspot_owner_id": "64492917",
    }


def test_properties_and_associations_are_named_as_in_hubspots_sample(task: TaskCommand) -> None:
    sample = json.loads((SAMPLES / "create-task.json").read_text())
    made = batch_input(task.model_copy(update={"body": "text"}), PLACE, OPTIONS)
    assert set(made["properties"]) == {*sample["properties"], "geophone_key"}
    assert made["associations"][0]["types"] == sample["associations"][0]["types"]
    assert made["associations"][1] == {
        "to": {"id": "7"},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 216}],
    }


def test_what_is_not_known_is_not_sent(task: TaskCommand) -> None:
    made = batch_input(task, Place(), OPTIONS)
    assert made["associations"] == []
    assert not {"hubspot_owner_id", "hs_task_body"} & made["properties"].keys()


def test_the_trace_id_is_the_key(task: TaskCommand) -> None:
    assert batch_input(task, PLACE, OPTIONS)["objectWriteTraceId"] == str(task.key)


@pytest.mark.parametrize(
    ("due", "at", "zone", "instant"),
    [
        (date(2026, 7, 1), time(9), "Europe/Berlin", "2026-07-01T07:00:00.000Z"),
        (date(2026, 12, 1), time(9), "Europe/Berlin", "2026-12-01T08:00:00.000Z"),
        (date(2026, 7, 1), time(8), "Pacific/Auckland", "2026-06-30T20:00:00.000Z"),
        (date(2026, 3, 29), time(2, 30), "Europe/Berlin", "2026-03-29T01:30:00.000Z"),
    ],
)
def test_the_due_day_is_the_operators_day(
    task: TaskCommand, due: date, at: time, zone: str, instant: str
) -> None:
    moved = task.model_copy(update={"due": due})
    assert properties(moved, due_time=at, time_zone=zone)["hs_timestamp"] == instant


@pytest.mark.parametrize("due", [date.min, date(50, 1, 1), date(1753, 1, 1), date.max])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Pacific/Honolulu"])
@pytest.mark.parametrize("at", [time(8), time(22)])
def test_a_due_day_at_the_end_of_the_calendar_is_refused_or_told(
    task: TaskCommand, due: date, zone: str, at: time
) -> None:
    moved = task.model_copy(update={"due": due})
    before, after = due == date.min and zone[0] == "A", due == date.max and zone[0] == "P"
    if (before and at.hour == 8) or (after and at.hour == 22):
        with pytest.raises(Refused, match="end of the calendar"):
            properties(moved, due_time=at, time_zone=zone)
    else:
        told = properties(moved, due_time=at, time_zone=zone)["hs_timestamp"]
        assert abs(datetime.fromisoformat(told).date() - due) <= timedelta(days=1)


@given(text=st.text(max_size=200))
def test_a_text_is_shown_as_it_was_written(text: str) -> None:
    assert unescape(_rich_text(text).replace("<br>", "\n")) == text


@pytest.mark.parametrize("text", ["&" * 32_000, "<" * 32_000, "\n" * 32_000, "a" * 32_000])
def test_the_longest_text_fits_the_property(task: TaskCommand, text: str) -> None:
    html = properties(task.model_copy(update={"body": text}))["hs_task_body"]
    assert 30_000 < len(html) <= 65_536
    assert not html.removesuffix("&amp;").endswith(("&", "&a", "&am", "&amp"))


@pytest.mark.parametrize(
    ("type_", "id_", "record"),
    [
        ("Opportunity", "7", Record("deals", "7")),
        ("deal", "7", Record("deals", "7")),
        ("ACCOUNT", "8", Record("companies", "8")),
        ("Contact", "9", Record("contacts", "9")),
        ("Opportunity", "00646000009eMGL", None),
        ("Opportunity", "\N{ARABIC-INDIC DIGIT SEVEN}", None),
        ("Opportunity", "7/../8", None),
        ("Campaign", "7", None),
        (None, "7", None),
    ],
)
def test_only_a_number_can_be_a_record_of_hubspot(
    type_: str | None, id_: str, record: Record | None
) -> None:
    assert related_record(Related(type=type_, id=id_), OPTIONS) == record


def test_a_kind_that_the_operator_left_out_is_not_related() -> None:
    options = OPTIONS.model_copy(update={"related": frozenset({"companies"})})
    assert related_record(Related(type="Deal", id="7"), options) is None
    assert related_record(None, options) is None


@pytest.mark.parametrize(
    ("other", "dropped"),
    [
        (PLACE, []),
        (Place("64492917"), ["contacts", "deals"]),
        (Place("64492918", PLACE.records), ["owner"]),
        (Place(None, PLACE.records[:1]), ["deals", "owner"]),
    ],
)
def test_what_another_place_lacks_is_named(other: Place, dropped: list[str]) -> None:
    assert PLACE.dropped(other) == dropped


@pytest.mark.parametrize(
    ("reason", "blamed"),
    [
        ("HTTP 400: INVALID_OWNER_ID", True),
        ("HTTP 400: VALIDATION_ERROR: hubspot_owner_id", True),
        ("HTTP 400: INVALID_TEXT: hs_task_subject", False),
        ("HTTP 404: OBJECT_NOT_FOUND: a record that it names is gone", False),
    ],
)
def test_an_owner_is_blamed_by_name(reason: str, blamed: bool) -> None:  # noqa: FBT001 - a column
    assert blames_owner(Refused(reason)) is blamed


@pytest.mark.parametrize(
    "wrong",
    [
        {"access_token": "pat-secret", "token": "pat-secret"},
        {"access_token": "pat-secret", "key_property": "Geophone Key"},
        {"access_token": "pat-secret", "guard": "none"},
        {"access_token": "pat-secret", "due_time": yaml.safe_load("12:00")},
        {"access_token": "pat-secret", "time_zone": "Mars/Olympus"},
        {"access_token": "pat-secret", "time_zone": "Europe"},
        {"access_token": "pat-secret", "time_zone": "../../etc/passwd"},
        {},
    ],
)
def test_a_wrong_option_is_told_without_the_secret(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Options.model_validate(wrong)
    told = [{k: v for k, v in one.items() if k != "input"} for one in caught.value.errors()]
    assert "pat-secret" not in str(told)


def test_the_options_do_not_show_the_token() -> None:
    assert "pat-secret" not in repr(OPTIONS)
