"""What HubSpot's errors mean: see the table in `streams/crm/hubspot/errors.py`."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streams.crm import Refused, Unavailable
from streams.crm.answer import Answer
from streams.crm.hubspot import wire
from streams.crm.hubspot.errors import MANNERS, Judged, carried_out, of_input, wish

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
SAMPLES = Path(__file__).parents[3] / "data/crm/hubspot"
WINDOW = "X-HubSpot-RateLimit-Interval-Milliseconds"
MOST = "X-HubSpot-RateLimit-Max"
LEFT = "X-HubSpot-RateLimit-Remaining"


def sample(name: str) -> dict[str, Any]:
    return dict(json.loads((SAMPLES / f"{name}.json").read_text()))


def answer(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, headers or {}, b"" if body is None else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "name", "reason", "wait"),
    [
        (401, "401", "INVALID_AUTHENTICATION: give a valid access token", None),
        (
            403,
            "403-scopes",
            "MISSING_SCOPES: crm.schemas.deals.read, crm.objects.deals.sensitive.read.v2, ",
            None,
        ),
        (
            400,
            "400-property",
            "PROPERTY_DOESNT_EXIST: testproperty: create this property on tasks",
            None,
        ),
        (429, "429-daily", "DAILY: the account's limit for today is spent", 600.0),
    ],
)
def test_what_is_not_the_commands_fault_is_tried_again(
    status: int, name: str, reason: str, wait: float | None
) -> None:
    with pytest.raises(Unavailable) as caught:
        carried_out(answer(status, sample(name)), NOW)
    assert caught.value.reason.startswith(f"HTTP {status}: {reason}")
    assert len(caught.value.reason) <= 200
    assert caught.value.retry_after == wait


@pytest.mark.parametrize(
    "status", [301, 401, 402, 403, 404, 405, 407, 408, 410, 423, 425, 429, 477, 500, 502, 503, 524]
)
def test_a_status_that_is_not_a_judgement_is_tried_again(status: int) -> None:
    with pytest.raises(Unavailable, match=f"HTTP {status}"):
        carried_out(answer(status), NOW)


@pytest.mark.parametrize("status", [400, 409, 413, 414, 415, 422])
def test_any_other_4xx_judges_the_request(status: int) -> None:
    with pytest.raises(Judged):
        carried_out(answer(status, {"category": "VALIDATION_ERROR"}), NOW)


def test_a_record_that_is_gone_judges_the_request_that_names_it() -> None:
    with pytest.raises(Judged):
        carried_out(answer(404, {"category": "OBJECT_NOT_FOUND"}), NOW)
    with pytest.raises(Unavailable):
        carried_out(answer(404, {"category": "NOT_FOUND"}), NOW)


def test_the_only_input_of_a_judged_request_is_refused() -> None:
    with pytest.raises(Judged) as caught:
        carried_out(answer(400, {"category": "VALIDATION_ERROR"}), NOW)
    assert isinstance(caught.value.verdict, Refused)
    assert caught.value.verdict.reason == "HTTP 400: VALIDATION_ERROR"


@pytest.mark.parametrize(("status", "name"), [(409, "409-conflict"), (400, "400-unique")])
def test_a_key_that_is_taken_is_never_a_dead_letter(status: int, name: str) -> None:
    error = sample(name)
    assert isinstance(of_input(error), Unavailable)
    with pytest.raises((Judged, Unavailable)) as caught:
        carried_out(answer(status, error), NOW)
    assert not isinstance(getattr(caught.value, "verdict", None), Refused)


def test_an_inputs_error_is_read_from_its_message() -> None:
    ((trace, error),) = wire.failures(sample("207-create"))
    assert trace == "549b1c2a9351"
    verdict = of_input(error)
    assert isinstance(verdict, Unavailable)
    assert verdict.reason == (
        "HTTP 400: PROPERTY_DOESNT_EXIST: missing: create this property on tasks"
    )


def test_the_trace_of_a_conflict_is_found() -> None:
    ((trace, error),) = wire.failures(sample("207-create-conflict"))
    assert (trace, error["context"]["existingId"]) == ("0", ["101"])


@pytest.mark.parametrize(
    "error",
    [
        {"message": "[pat@customer.example]"},
        {"category": "pat@customer.example", "errors": [{"code": "Pat Buyer"}]},
        {"errors": [{"context": {"propertyName": ["pat@customer.example"]}}]},
        {"message": '[{"error":"pat@customer.example","name":"pat@customer.example"}]'},
    ],
)
def test_the_reason_names_no_person(error: dict[str, Any]) -> None:
    assert of_input(error).reason == "HTTP 400"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'{"errors": 1}', b'{"errors": [1], "context": 2}']
)
def test_every_member_of_an_error_may_be_missing(body: bytes) -> None:
    with pytest.raises(Judged):
        carried_out(Answer(400, {}, body), NOW)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (answer(200), None),
        (answer(429), None),
        (answer(429, {"policyName": "SECONDLY"}), 1.0),
        (answer(429, {"policyName": "TEN_SECONDLY_ROLLING"}), 1.0),
        (answer(429, {"policyName": "DAILY"}), 600.0),
        (answer(429, {"policyName": "DAILY"}, {"Retry-After": "7"}), 7.0),
        (answer(423), 2.0),
        (answer(477, None, {"Retry-After": "120"}), 120.0),
        (answer(200, None, {LEFT: "0", WINDOW: "10000", MOST: "100"}), 0.1),
        (answer(200, None, {LEFT: "0", WINDOW: "10000", MOST: "0"}), 10.0),
        (answer(200, None, {LEFT: "1", WINDOW: "10000", MOST: "100"}), None),
        (answer(200, None, {LEFT: "0", WINDOW: "soon", MOST: "100"}), None),
        (answer(200, None, {LEFT: "0", WINDOW: "10000"}), None),
    ],
)
def test_the_wish_to_rest(given: Answer, seconds: float | None) -> None:
    assert wish(given, NOW) == seconds


@pytest.mark.parametrize(("status", "yes"), [(429, True), (423, True), (503, True), (500, False)])
def test_who_asks_too_much_asks_less_at_once(status: int, *, yes: bool) -> None:
    assert MANNERS.overtaxed(answer(status)) is yes


def test_a_read_tells_whom_it_found() -> None:
    read = carried_out(answer(207, sample("207-read")), NOW)
    assert wire.by_email(read) == {"pat@customer.example": "201"}


def test_every_address_of_a_contact_is_its_own_the_primary_first() -> None:
    first = {"id": "1", "properties": {"email": "Pat@A.example", "hs_additional_emails": "x@b.c"}}
    second = {"id": "2", "properties": {"email": "x@b.c"}}
    assert wire.by_email({"results": [first]}) == {"pat@a.example": "1", "x@b.c": "1"}
    both = {"pat@a.example": "1", "x@b.c": "2"}
    assert wire.by_email({"results": [first, second]}) == both
    assert wire.by_email({"results": [second, first]}) == both
