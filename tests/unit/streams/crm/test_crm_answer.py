from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.task import Person, TaskCommand
from streams.crm import AlreadyThere, Created, Refused, Unavailable
from streams.crm.answer import REASON_LIMIT, Answer, outcome, retry_after

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)


def judge(task: TaskCommand, status: int, **headers: str) -> Created | AlreadyThere:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return outcome(Answer(status, named, b""), task, NOW)


def reason(task: TaskCommand, status: int, body: object) -> str:
    answer = Answer(status, {}, orjson.dumps(body))
    with pytest.raises((Refused, Unavailable)) as caught:
        outcome(answer, task, NOW)
    return str(caught.value)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 207, 299])
def test_2xx_is_created(task: TaskCommand, status: int) -> None:
    assert judge(task, status) == Created(None)


def test_2xx_marked_as_a_replay_is_already_there(task: TaskCommand) -> None:
    assert judge(task, 200, Idempotent_Replayed="true") == AlreadyThere(None)


@pytest.mark.parametrize(
    ("body", "record"),
    [
        (b'{"id":"00T1"}', "00T1"),
        (b'{"id":17}', "17"),
        (b'{"id":null}', None),
        (b"[1]", None),
        (b"{", None),
        (b"", None),
    ],
)
def test_the_record_id_is_taken_where_the_answer_has_one(
    task: TaskCommand, body: bytes, record: str | None
) -> None:
    assert outcome(Answer(201, {}, body), task, NOW) == Created(record)
    assert outcome(Answer(409, {}, body), task, NOW) == AlreadyThere(record)


def test_409_that_asks_to_come_back_is_no_success(task: TaskCommand) -> None:
    with pytest.raises(Unavailable) as caught:
        judge(task, 409, Retry_After="3")
    assert caught.value.retry_after == 3


@pytest.mark.parametrize("status", [400, 406, 411, 413, 415, 422, 428, 451, 499])
def test_a_judgement_on_the_command_is_refused(task: TaskCommand, status: int) -> None:
    with pytest.raises(Refused, match=f"HTTP {status}"):
        judge(task, status)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 599])
def test_a_busy_or_broken_crm_is_unavailable(task: TaskCommand, status: int) -> None:
    with pytest.raises(Unavailable, match=f"HTTP {status}") as caught:
        judge(task, status, Retry_After="7")
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 402, 403, 404, 405, 407, 410])
def test_an_operators_mistake_never_costs_a_task(task: TaskCommand, status: int) -> None:
    with pytest.raises(Unavailable, match="check the CRM's address and credential"):
        judge(task, status)


@given(status=st.integers(100, 999), body=st.binary(max_size=50))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_answer_has_an_outcome(task: TaskCommand, status: int, body: bytes) -> None:
    with suppress(Refused, Unavailable):
        assert isinstance(outcome(Answer(status, {}, body), task, NOW), Created | AlreadyThere)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"errorCode": "DUPLICATE_VALUE"}, "HTTP 400: DUPLICATE_VALUE"),
        ({"code": "bad.owner", "title": "Owner"}, "HTTP 400: bad.owner"),
        ({"error": {"code": "x"}, "title": "No such owner"}, "HTTP 400: No such owner"),
        ({"message": "no code"}, "HTTP 400"),
        ({"title": "line\r\nbreak\x00"}, "HTTP 400: line break"),
        (["list"], "HTTP 400"),
    ],
)
def test_the_reason_is_the_status_and_the_crms_name_for_it(
    task: TaskCommand, body: object, expected: str
) -> None:
    assert reason(task, 400, body) == expected


PERSONAL = [
    "sam@vendor.example",
    "PAT@customer.example",
    "someone.else@third.example",
    "pat%40customer.example",
    "recipient-77",
    "manager-5",
    "Pat asked about the price",
    "Follow up: Pat Buyer",
    "Buyer Ltd renewal",
]


@pytest.mark.parametrize("word", PERSONAL)
@pytest.mark.parametrize("member", ["title", "code", "error", "errorCode", "detail", "message"])
def test_the_reason_names_no_person_and_quotes_nothing_of_the_command(
    task: TaskCommand, word: str, member: str
) -> None:
    full = task.model_copy(
        update={
            "fallback_owner": Person(id="manager-5", email="ann@vendor.example"),
            "body": "Pat asked about the price",
        }
    )
    text = reason(full, 422, {member: f"no {word}, sorry"}) + reason(full, 503, {member: word})
    assert word.lower() not in text.lower()
    assert "@" not in text


def test_a_long_title_is_cut(task: TaskCommand) -> None:
    assert len(reason(task, 422, {"title": "x" * 5000})) == REASON_LIMIT


@given(seconds=st.integers(0, 10**9))
def test_retry_after_in_seconds(seconds: int) -> None:
    assert retry_after(str(seconds), NOW) == seconds


@given(seconds=st.integers(-(10**6), 10**6))
def test_retry_after_as_a_date_is_the_time_until_then(seconds: int) -> None:
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert retry_after(date, NOW) == max(0, seconds)


@given(st.text() | st.sampled_from(["-1", "1e3", "nan", "inf", "²", "Thu, 1 Jan 2026 0:0:0 +9e9"]))
def test_an_unreadable_retry_after_is_no_wish(value: str) -> None:
    wish = retry_after(value, NOW)
    assert wish is None or wish >= 0


def test_a_date_without_a_zone_is_utc() -> None:
    assert retry_after("Thu, 01 Oct 2026 12:00:09 -0000", NOW) == 9
