from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from streams.crm import Request
from streams.crm.answer import Answer
from streams.crm.dynamics.batch import Unreadable, read, write
from tests.crm_fakes.dynamics_batch import carry_out
from tests.crm_fakes.dynamics_store import Asked, Reply

SAMPLES = Path("tests/data/crm/dynamics")
BODIES = st.dictionaries(st.text(max_size=9), st.text(max_size=99) | st.none(), max_size=3)


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes().replace(b"\n", b"\r\n")


def answer(body: bytes, content_type: str) -> Answer:
    return Answer(200, CIMultiDict({"content-type": content_type}), body)


def test_the_documented_answer_is_read() -> None:
    boundary = "batchresponse_f44bd09d-573f-4a30-bca0-2e500ee7e139"
    body = sample("batch-response.http")
    refused, *made = read(answer(body, f"multipart/mixed; boundary={boundary}"))
    assert refused.status == 400
    assert orjson.loads(refused.body)["error"]["code"] == "0x80044331"
    assert [one.status for one in made] == [204, 204]
    assert made[1].headers["odata-entityid"].endswith("(b181a991-3c94-ed11-aad1-000d3a9933c9)")
    assert [one.body.strip() for one in made] == [b"", b""]


def test_the_fake_takes_the_documented_request() -> None:
    asked: list[Asked] = []

    def note(request: Asked) -> Reply:
        asked.append(request)
        return Reply(204)

    headers = {
        "Content-Type": 'multipart/mixed; boundary="batch_80dd1615-2a10-428a-bb6f-0e559792721f"',
        "Prefer": "odata.continue-on-error",
    }
    status, _, _ = carry_out(headers, sample("batch-request.http"), note)
    assert status == 200
    assert [(one.method, one.target.rpartition("/")[2]) for one in asked] == [
        *[("POST", "tasks")] * 3,
        ("GET", "Account_Tasks?$select=subject"),
    ]
    assert orjson.loads(asked[2].body)["subject"] == "Task 3 in batch"


@given(st.lists(st.tuples(BODIES, BODIES, st.sampled_from([200, 204, 400, 412, 429])), min_size=1))
def test_requests_arrive_and_answers_come_back_as_they_were(
    pairs: list[tuple[dict[str, str | None], dict[str, str | None], int]],
) -> None:
    requests = [
        Request("PATCH", f"/api/data/v9.2/tasks({at})", orjson.dumps(body), {"If-None-Match": "*"})
        for at, (body, _, _) in enumerate(pairs)
    ]
    arrived: list[Asked] = []

    def reply(asked: Asked) -> Reply:
        arrived.append(asked)
        _, body, status = pairs[len(arrived) - 1]
        return Reply(status, body, {"Retry-After": str(len(arrived))})

    batch = write(requests)
    _, content_type, body = carry_out(batch.headers, batch.body or b"", reply)
    answers = read(answer(body, content_type))
    assert [(one.target, one.body) for one in arrived] == [(r.path, r.body) for r in requests]
    assert {one.headers["if-none-match"] for one in arrived} == {"*"}
    assert [one.status for one in answers] == [status for _, _, status in pairs]
    assert [orjson.loads(one.body) for one in answers] == [body for _, body, _ in pairs]
    assert [int(one.headers["retry-after"]) for one in answers] == list(range(1, len(pairs) + 1))


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/mixed; boundary=b", b""),
        ("multipart/mixed; boundary=b", b"--b\r\n\r\n\r\n--b--\r\n"),
        ("multipart/mixed; boundary=b", b"--b\r\n\r\nHTTP/1.1\r\n--b--\r\n"),
        ("multipart/mixed; boundary=b", b"--b\r\n\r\nHTTP/1.1 no\r\n--b--\r\n"),
        ("multipart/mixed; boundary=b", b"--b\r\n\r\nSMTP 200 OK\r\n--b--\r\n"),
        ("", b"--b\r\n"),
    ],
)
def test_what_is_no_batch_of_answers_is_told(content_type: str, body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(answer(body, content_type))


@given(st.binary(max_size=200))
def test_no_body_whatever_is_more_than_unreadable(body: bytes) -> None:
    try:
        read(answer(b"--b\r\n" + body, "multipart/mixed; boundary=b"))
    except Unreadable:
        return
