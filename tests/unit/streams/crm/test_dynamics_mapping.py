from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.task import TaskCommand
from streams.crm import Refused
from streams.crm.dynamics.mapping import (
    DESCRIPTION_LIMIT,
    SUBJECT_LIMIT,
    DueTime,
    Links,
    Target,
    creation,
    row,
    shorten,
)

DUE = DueTime(time(10), ZoneInfo("UTC"))
USER = UUID("11111111-1111-4111-8111-111111111111")
RECORD = UUID("22222222-2222-4222-8222-222222222222")


def changed(task: TaskCommand, **update: Any) -> TaskCommand:
    return task.model_copy(update=update)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_a_command_becomes_a_row(task: TaskCommand) -> None:
    links = Links(USER, Target("contact", RECORD))
    assert row(changed(task, body="Opened twice.", priority="high"), links, DUE) == {
        "subject": "Follow up: Pat Buyer",
        "description": "Opened twice.",
        "scheduledend": "2026-10-01T10:00:00Z",
        "prioritycode": 2,
        "ownerid@odata.bind": f"/systemusers({USER})",
        "regardingobjectid_contact_task@odata.bind": f"/contacts({RECORD})",
    }


@pytest.mark.parametrize(
    ("table", "entity_set"),
    [("account", "accounts"), ("lead", "leads"), ("opportunity", "opportunities")],
)
def test_each_table_has_its_own_link(task: TaskCommand, table: str, entity_set: str) -> None:
    columns = row(task, Links(regarding=Target(table, RECORD)), DUE)
    assert columns[f"regardingobjectid_{table}_task@odata.bind"] == f"/{entity_set}({RECORD})"


def test_what_nobody_knows_is_left_out(task: TaskCommand) -> None:
    assert row(task, Links(), DUE).keys() == {"subject", "scheduledend", "prioritycode"}


def test_the_row_is_created_under_the_key_and_never_updated(task: TaskCommand) -> None:
    request = creation(task, Links(), DUE)
    assert (request.method, request.path) == ("PATCH", f"/api/data/v9.2/tasks({task.key})")
    assert request.headers["If-None-Match"] == "*"
    assert orjson.loads(request.body or b"") == row(task, Links(), DUE)


def test_a_subject_is_one_line(task: TaskCommand) -> None:
    assert row(changed(task, subject=" a\r\nb\tc "), Links(), DUE)["subject"] == "a b c"


@given(st.text(max_size=300), st.integers(2, 50))
def test_a_shortened_text_fits_and_is_one_that_xml_can_hold(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert units(short) <= limit
    assert not any(ord(character) < 0x20 and character not in "\t\n\r" for character in short)
    orjson.dumps(short)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20))
def test_a_text_that_fits_is_left_as_it_is(text: str) -> None:
    assert shorten(text, 20) == text


def test_a_cut_never_leaves_half_a_character() -> None:
    assert shorten("a" + "😀" * 5, 5) == "a😀…"


@given(st.text(max_size=255), st.text(max_size=32_000))
def test_no_row_is_longer_than_its_columns(subject: str, body: str) -> None:
    task = TaskCommand.model_validate(
        {
            "key": USER,
            "tenantId": "t",
            "eventId": "e",
            "eventType": "T",
            "interactionId": "i",
            "owner": {},
            "recipient": {},
            "subject": subject,
            "body": body,
            "due": date(2026, 10, 1),
        }
    )
    columns = row(task, Links(), DUE)
    assert units(str(columns["subject"])) <= SUBJECT_LIMIT
    assert units(str(columns.get("description", ""))) <= DESCRIPTION_LIMIT


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "America/New_York", "Pacific/Auckland"])
@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)))
def test_the_default_moment_is_on_the_due_day_from_honolulu_to_auckland(
    zone: str, day: date
) -> None:
    moment = datetime.fromisoformat(DUE.on_day(day))
    assert moment.astimezone(ZoneInfo(zone)).date() == day


def test_a_chosen_moment_follows_summer_time() -> None:
    due = DueTime(time(17), ZoneInfo("Europe/Berlin"))
    assert due.on_day(date(2026, 7, 1)) == "2026-07-01T15:00:00Z"
    assert due.on_day(date(2026, 12, 1)) == "2026-12-01T16:00:00Z"


def test_a_due_day_at_the_end_of_the_calendar_is_refused() -> None:
    with pytest.raises(Refused, match="end of the calendar"):
        DueTime(time(8), ZoneInfo("Asia/Tokyo")).on_day(date.min)
    with pytest.raises(Refused, match="end of the calendar"):
        DueTime(time(22), ZoneInfo("America/New_York")).on_day(date.max)


def test_a_year_is_written_in_four_digits() -> None:
    assert DUE.on_day(date(50, 1, 1)) == "0050-01-01T10:00:00Z"


def test_every_moment_is_utc() -> None:
    moment = datetime.fromisoformat(DUE.on_day(date(2026, 1, 1)))
    assert moment.utcoffset() == timedelta(0)
    assert moment == datetime(2026, 1, 1, 10, tzinfo=UTC)
