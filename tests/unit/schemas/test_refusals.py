"""What is no event is refused with the reason an operator will filter by."""

import json

import pytest

from schemas import envelope
from schemas.envelope import MAX_CONTAINERS, MAX_DEPTH, MAX_NAME
from schemas.reasons import Malformed, Reason


def nested(levels: int) -> bytes:
    """An event of exactly `levels` levels, the envelope being the first."""
    inner = levels - 1
    value = "[" * inner + "]" * inner
    return b'{"id":"1","tenantId":"t","version":"v","data":%s}' % value.encode()


def refusal(body: bytes) -> Malformed:
    with pytest.raises(Malformed) as refused:
        envelope.read(body, legacy_tenant="legacy")
    return refused.value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.NOT_JSON),
        (b"challenge", Reason.NOT_JSON),
        (b'{"id":"1"', Reason.NOT_JSON),
        (b'{"id":"\xff"}', Reason.NOT_JSON),
        (b'{"id":NaN}', Reason.NOT_JSON),
        (b"null", Reason.WRONG_SHAPE),
        (
            b'{"id":"1","tenantId":"t","data":[' + b"[]," * MAX_CONTAINERS + b"0]}",
            Reason.WRONG_SHAPE,
        ),
        (b'[{"id":"1","tenantId":"t"}]', Reason.WRONG_SHAPE),
        (b'{"id":1,"tenantId":"t","version":"v"}', Reason.WRONG_SHAPE),
        (b'{"id":"1","tenantId":{},"version":"v"}', Reason.WRONG_SHAPE),
        (b'{"id":"1","tenantId":"t","version":["v"]}', Reason.WRONG_SHAPE),
        (b'{"id":"1\\u0000","tenantId":"t","version":"v"}', Reason.WRONG_SHAPE),
        (b'{"id":"1","tenantId":"t\\n","version":"v"}', Reason.WRONG_SHAPE),
        (b'{"id":"1","tenantId":"t","version":"\\u0085"}', Reason.WRONG_SHAPE),
        (b"{}", Reason.NO_ID),
        (b'{"id":"","tenantId":"t","version":"v"}', Reason.NO_ID),
        (b'{"id":null,"tenantId":"t","version":"v"}', Reason.NO_ID),
        (b'{"id":"1","version":"v"}', Reason.NO_TENANT),
        (b'{"id":"1","tenantId":"","version":"v"}', Reason.NO_TENANT),
        (b"[" * 3000 + b"]" * 3000, Reason.TOO_DEEP),
    ],
)
def test_each_fault_has_its_reason(body: bytes, reason: Reason) -> None:
    assert refusal(body).reason is reason


def test_the_deepest_event_is_read_and_one_level_more_is_refused() -> None:
    assert envelope.read(nested(MAX_DEPTH), legacy_tenant="legacy").event_id == "1"
    assert refusal(nested(MAX_DEPTH + 1)).reason is Reason.TOO_DEEP


def test_brackets_in_a_text_are_no_depth() -> None:
    body = {"id": "1", "tenantId": "t", "version": "v", "data": {"text": "[" * 500}}
    assert envelope.read(json.dumps(body).encode(), legacy_tenant="legacy").data == body["data"]


@pytest.mark.parametrize("member", ["id", "tenantId", "version"])
def test_the_longest_name_is_read_and_a_longer_one_refused(member: str) -> None:
    body = {"id": "1", "tenantId": "t", "version": "v"}
    longest = json.dumps(body | {member: "x" * MAX_NAME}).encode()
    envelope.read(longest, legacy_tenant="legacy")
    refused = refusal(json.dumps(body | {member: "x" * (MAX_NAME + 1)}).encode())
    assert refused.reason is Reason.WRONG_SHAPE
    assert refused.detail == f"{member} is a string longer than 512 characters"


def test_a_reason_s_value_never_changes() -> None:
    """Operators filter and alert on these, and a month of quarantine carries them."""
    assert [reason.value for reason in Reason] == [
        "not-json",
        "wrong-shape",
        "too-deep",
        "ambiguous",
        "no-id",
        "no-tenant",
        "unreadable-task",
        "refused-by-crm",
    ]


def test_the_older_member_type_names_the_event_before_version_does() -> None:
    body = {"id": "1", "tenantId": "t", "version": "1.0", "type": "UserCreatedV1"}
    assert envelope.read(json.dumps(body).encode(), legacy_tenant="legacy").type_name == (
        "UserCreatedV1"
    )


def test_a_type_of_verification_names_no_event() -> None:
    body = {"id": "1", "tenantId": "t", "version": "UserCreatedV1", "type": "Verification"}
    assert envelope.read(json.dumps(body).encode(), legacy_tenant="legacy").type_name == (
        "UserCreatedV1"
    )
