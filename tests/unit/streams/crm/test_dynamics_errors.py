import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from streams.crm import Refused, Unavailable
from streams.crm.answer import Answer
from streams.crm.dynamics.batch import read
from streams.crm.dynamics.errors import VERDICTS, created, may_be_there, refusal, without
from streams.crm.dynamics.mapping import Links, Target

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
SAMPLES = Path("tests/data/crm/dynamics")
OWNER = UUID("11111111-1111-4111-8111-111111111111")
CONTACT = UUID("00000000-0000-0000-0000-000000000001")
NO_CODE = b'{"error":{"code":null,"message":null}}'
BOUNDARY = "batchresponse_f44bd09d-573f-4a30-bca0-2e500ee7e139"
BATCH = Answer(
    200,
    {"Content-Type": f"multipart/mixed; boundary={BOUNDARY}"},
    (SAMPLES / "batch-response.http").read_bytes().replace(b"\n", b"\r\n"),
)
LINKS = Links(OWNER, Target("contact", CONTACT))


def samples(name: str) -> list[Answer]:
    found = json.loads((SAMPLES / name).read_text())
    return [answer(**one) for one in (found if isinstance(found, list) else [found])]


def answer(status: int, body: Any, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, headers or {}, orjson.dumps(body))


def error(status: int, code: str, message: str = "") -> Answer:
    return answer(status, {"error": {"code": code, "message": message}})


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("too-long.json", Refused, "HTTP 400: 0x80044331: subject: a value is too long"),
        ("no-such-property.json", Refused, "HTTP 400: 0x80048d19: a column is missing"),
        ("no-such-table.json", Unavailable, "HTTP 404: 0x8006088a: check that the CRM's URL"),
        ("not-a-member.json", Unavailable, "HTTP 403: 0x80072560: add the application user"),
        ("no-privilege.json", Unavailable, "HTTP 403: 0x80040220: prvCreateActivity: give"),
        ("limits.json", Unavailable, "HTTP 429: 0x800723"),
        ("sql.json", Unavailable, "HTTP 500: 0x80044150|HTTP 500: 0x8004"),
    ],
)
def test_documented_errors_are_the_commands_fault_or_not(
    name: str, kind: type[Exception], reason: str
) -> None:
    for sample in samples(name):
        trouble = refusal(sample, NOW)
        assert type(trouble) is kind
        assert any(trouble.reason.startswith(one) for one in reason.split("|"))


@pytest.mark.parametrize("sample", samples("limits.json"))
def test_a_limit_says_when_to_come_back(sample: Answer) -> None:
    trouble = refusal(sample, NOW)
    assert isinstance(trouble, Unavailable)
    assert trouble.retry_after == 17


@pytest.mark.parametrize("status", [400, 403, 500])
@pytest.mark.parametrize("code", ["0x80044150", "0x80044151", "0x80072326"])
def test_a_code_outweighs_the_status(status: int, code: str) -> None:
    assert isinstance(refusal(error(status, code), NOW), Unavailable)


@pytest.mark.parametrize("code", sorted(VERDICTS))
def test_every_code_is_written_as_dataverse_writes_it(code: str) -> None:
    assert code == f"0x{int(code, 16):08x}"
    assert code in refusal(error(400, code.upper().replace("X", "x")), NOW).reason


def test_a_reason_repeats_nothing_of_the_message() -> None:
    message = "Principal pat@customer.example has Follow up: Pat in 'subject' attribute"
    reason = refusal(error(400, "0x80044331", message), NOW).reason
    assert "pat" not in reason.lower().replace("attribute", "")


def test_the_documented_answer_to_a_row_that_exists_asks_for_a_second_look() -> None:
    (sample,) = samples("exists.json")
    assert may_be_there(sample)
    assert not created(sample)


@pytest.mark.parametrize("part", read(BATCH)[1:])
def test_the_documented_answer_to_a_creation_names_the_row(part: Answer) -> None:
    assert created(part)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 302])
def test_what_dataverse_would_not_answer_is_no_success(status: int) -> None:
    page = Answer(status, {}, b"<html>")
    assert not created(page)
    assert isinstance(refusal(page, NOW), Unavailable)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"error":null}', NO_CODE, b"<html>"])
def test_an_error_without_words_is_judged_by_its_status(body: bytes) -> None:
    assert refusal(Answer(502, {}, body), NOW).reason == "HTTP 502"
    assert isinstance(refusal(Answer(400, {}, body), NOW), Refused)


@pytest.mark.parametrize(
    ("told", "left"),
    [
        (samples("not-there.json")[0], Links(OWNER)),
        (error(404, "0x80040217", f"systemuser With Id = {OWNER} Does Not Exist"), "no owner"),
        (error(404, "0x80040217", "it is gone"), Links()),
        (error(403, "0x80040220", f"Principal user (Id={OWNER}) is missing prvX"), "no owner"),
        (error(403, "0x8004022b", "The specified owner has been disabled."), "no owner"),
        (error(400, "0x80042f09"), "no owner"),
        (samples("no-privilege.json")[0], None),
        (samples("not-a-member.json")[0], None),
        (samples("too-long.json")[0], None),
        (error(403, "0x80040220", f"Principal user (Id={CONTACT}) is missing prvX"), None),
        (error(412, ""), None),
    ],
)
def test_a_faulty_link_is_left_out_and_a_good_one_kept(
    told: Answer, left: Links | str | None
) -> None:
    expected = Links(None, LINKS.regarding) if left == "no owner" else left
    assert without(told, LINKS) == expected


def test_without_links_no_link_is_at_fault() -> None:
    for code in ("0x80040217", "0x80040220", "0x8004022b"):
        assert without(error(403, code), Links()) is None
