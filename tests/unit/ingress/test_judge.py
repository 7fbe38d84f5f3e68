"""The decision about a body: who is answered at once, and what is stored where under which key."""

import orjson
import pytest

from ingress import answers
from ingress.answers import Answer
from ingress.judge import Judge
from ingress.keyring import Keyring
from ingress.record import Call, Record
from schemas.topics import Topics
from tests.ingress_rig import SECRET, VERIFICATION, event, sign

CALLBACK = (
    b'{"appId":"a","appName":"n","tenantId":"t-9","tenant":"x","userId":"u","userEmail":"e",'
    b'"requestId":"r-1","version":"0.1.4","type":"install","timestamp":"2020-09-01T08:45:42Z"}'
)


def judge(*secrets: str, allow_unsigned: bool = False) -> Judge:
    return Judge(Keyring(secrets), Topics(), legacy_tenant="old", allow_unsigned=allow_unsigned)


def signed(body: bytes, secret: str = SECRET) -> Record | Answer:
    return judge(SECRET)(Call(body, (sign(body, secret).encode(),)), 1000)


def stored(body: bytes) -> Record:
    verdict = signed(body)
    assert isinstance(verdict, Record)
    return verdict


def test_an_event_goes_to_the_raw_topic_under_its_tenant() -> None:
    body = event(7, "tenant-7")
    record = stored(body)
    assert (record.topic, record.key, record.value) == ("seismic.raw", b"tenant-7", body)
    assert record.answer is answers.STORED
    assert record.timestamp_ms == 1000
    headers = dict(record.headers)
    assert (headers["ce_id"], headers["ce_tenantid"]) == (b"e-7", b"tenant-7")
    assert headers["geophone-received"] == b"1000"


def test_a_traceparent_travels_with_the_record() -> None:
    body = event()
    parent = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    verdict = judge(SECRET)(Call(body, (sign(body).encode(),), parent), 1)
    assert isinstance(verdict, Record)
    assert dict(verdict.headers)["traceparent"] == parent.encode()


def test_a_lifecycle_callback_has_its_own_topic_and_answer() -> None:
    record = stored(CALLBACK)
    assert (record.topic, record.key, record.value) == ("seismic.lifecycle", b"t-9", CALLBACK)
    assert record.answer.status == 202


@pytest.mark.parametrize("member", ["tenantId", "requestId"])
def test_a_callback_with_an_endless_name_is_set_aside(member: str) -> None:
    body = orjson.dumps({**orjson.loads(CALLBACK), member: "x" * 513})
    assert stored(body).topic == "seismic.quarantine"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not-json"),
        (b"\xff\x00", "not-json"),
        (b"[]", "wrong-shape"),
        (b"[" * 65 + b"]" * 65, "wrong-shape"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "too-deep"),
        (b'{"tenantId":"t"}', "no-id"),
        (b'{"id":"x"}', "no-tenant"),
        (b'{"id":5,"tenantId":"t"}', "wrong-shape"),
        (b'{"type":"verification","challenge":"\\u00e9"}', "no-id"),
    ],
)
def test_a_signed_body_that_is_no_event_is_set_aside_with_the_reason(
    body: bytes, reason: str
) -> None:
    record = stored(body)
    assert (record.topic, record.value) == ("seismic.quarantine", body)
    assert record.answer is answers.QUARANTINED
    assert record.answer.status == 200
    assert record.reason == reason
    assert dict(record.headers)["geophone-reason"] == reason.encode()


def test_what_is_set_aside_keeps_its_tenant_where_it_names_one() -> None:
    assert stored(b'{"tenantId":"t"}').key == b"t"
    assert stored(b'{"tenantId":"","a":1}').key is None
    assert stored(b'{"tenantId":5}').key is None
    assert stored(b"{").key is None


@pytest.mark.parametrize("body", [event(), CALLBACK, VERIFICATION, b"{"])
def test_a_wrong_signature_ends_it(body: bytes) -> None:
    assert signed(body, "another secret") is answers.UNSIGNED


@pytest.mark.parametrize("body", [event(), CALLBACK, b"{", b""])
def test_without_a_signature_nothing_is_stored(body: bytes) -> None:
    assert judge(SECRET)(Call(body, ()), 1) is answers.UNSIGNED


@pytest.mark.parametrize("signatures", [(), (sign(VERIFICATION).encode(),)])
@pytest.mark.parametrize("secrets", [(), (SECRET,)])
def test_a_verification_needs_no_signature(
    signatures: tuple[bytes, ...], secrets: tuple[str, ...]
) -> None:
    verdict = judge(*secrets)(Call(VERIFICATION, signatures), 1)
    assert isinstance(verdict, Answer)
    assert (verdict.status, verdict.body) == (200, b"abc")


def test_a_strangers_large_body_is_not_looked_into() -> None:
    body = orjson.dumps({"type": "verification", "challenge": "x", "padding": "x" * 8192})
    assert judge(SECRET)(Call(body, ()), 1) is answers.UNSIGNED


def test_unsigned_events_are_stored_only_if_the_operator_says_so() -> None:
    verdict = judge(SECRET, allow_unsigned=True)(Call(event(), ()), 1)
    assert isinstance(verdict, Record)
    assert judge(allow_unsigned=True)(Call(event(), (b"0" * 64,)), 1)
    assert judge(SECRET, allow_unsigned=True)(Call(event(), (b"0" * 64,)), 1) is answers.UNSIGNED


def test_a_legacy_body_belongs_to_the_configured_tenant() -> None:
    record = stored(b'{"interactionId":"i","recipients":[]}')
    assert (record.topic, record.key) == ("seismic.raw", b"old")
