"""Documented answers of Salesforce, and what each means for the command."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streams.crm import AlreadyThere, Created, Refused, Unavailable
from streams.crm.answer import Answer
from streams.crm.batches import Shared
from streams.crm.salesforce.answers import MANNERS, content, part
from streams.crm.salesforce.items import LINK_CODES, Duplicate, LinkRefused, TooLong, saved

NOW = datetime(2026, 10, 1, tzinfo=UTC)
SAMPLES = Path(__file__).parents[3] / "data" / "crm" / "salesforce"


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def item(code: str, message: str = "", fields: list[str] | None = None) -> Any:
    error = {"statusCode": code, "message": message, "fields": fields or []}
    return saved({"success": False, "errors": [error]}, "Geophone_Key__c", ["RecordTypeId"])


def test_created_records_in_their_order() -> None:
    results = content(answer(200, sample("created")), NOW)
    assert [saved(one, "Geophone_Key__c") for one in results] == [
        Created("001D000000K0fXOIAZ"),
        Created("003D000000QV9n2IAD"),
    ]


def test_an_item_that_is_refused_names_code_and_field_but_no_value() -> None:
    (result,) = content(answer(200, sample("item-refused")), NOW)
    refused = saved(result, "Geophone_Key__c")
    assert isinstance(refused, Refused)
    assert refused.reason == "HTTP 400: INVALID_EMAIL_ADDRESS: Email"


def test_a_duplicate_of_our_key_is_already_there() -> None:
    (error,) = json.loads(sample("duplicate"))
    result = {"success": False, "errors": [{"statusCode": error["errorCode"], **error}]}
    assert saved(result, "UUID__c") == AlreadyThere("00TD000000QV9n2MAD")
    assert isinstance(saved(result, "Geophone_Key__c"), Duplicate)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "duplicate value found: <unknown> duplicates value on record with id: <unknown>",
    ],
)
def test_a_duplicate_that_names_no_field_has_to_be_looked_for(message: str) -> None:
    assert isinstance(item("DUPLICATE_VALUE", message), Duplicate)


def test_a_duplicate_of_our_key_is_there_even_if_its_record_may_not_be_named() -> None:
    message = "duplicate value found: Geophone_Key__c duplicates value on record with id: <unknown>"
    assert item("DUPLICATE_VALUE", message) == AlreadyThere(None)


@pytest.mark.parametrize(
    ("status", "name", "reason"),
    [
        (403, "limit", "HTTP 403: REQUEST_LIMIT_EXCEEDED: the organisation's API requests"),
        (401, "session", "HTTP 401: INVALID_SESSION_ID"),
        (400, "locked", "HTTP 400: UNABLE_TO_LOCK_ROW: a record is being changed"),
    ],
)
def test_documented_failures_are_tried_again(status: int, name: str, reason: str) -> None:
    with pytest.raises(Unavailable, match=reason):
        content(answer(status, sample(name)), NOW)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>", Unavailable),
        (302, b"", Unavailable),
        (400, b"[]", Refused),
        (400, b'[{"errorCode": "JSON_PARSER_ERROR", "message": "pat@x.example"}]', Unavailable),
        (400, b'[{"errorCode": "A_CODE_TO_COME", "message": "pat@x.example"}]', Refused),
        (404, b'[{"errorCode": "NOT_FOUND"}]', Unavailable),
        (503, b"", Unavailable),
        (500, b'"text"', Unavailable),
        (400, b'[{"errorCode": 7, "fields": "Subject"}, "x"]', Refused),
    ],
)
def test_any_other_answer_has_a_meaning(status: int, body: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        content(answer(status, body), NOW)
    assert "@" not in str(caught.value)


def test_the_wish_to_wait_is_kept() -> None:
    with pytest.raises(Unavailable) as caught:
        content(answer(503, Retry_After="30"), NOW)
    assert caught.value.retry_after == 30


@pytest.mark.parametrize("code", sorted(LINK_CODES))
def test_a_refused_link_is_no_judgement_on_the_task(code: str) -> None:
    refused = item(code, fields=["WhatId"])
    assert isinstance(refused, LinkRefused)
    assert refused.trouble.fields == ["WhatId"]


@pytest.mark.parametrize("code", ["INACTIVE_OWNER_OR_USER", "TRANSFER_REQUIRES_READ"])
def test_an_owner_who_cannot_own_is_named_by_the_code(code: str) -> None:
    assert item(code).trouble.fields == ["OwnerId"]


@pytest.mark.parametrize(
    ("code", "field"),
    [
        ("STRING_TOO_LONG", "Geophone_Key__c"),
        ("INVALID_CROSS_REFERENCE_KEY", "RecordTypeId"),
        ("A_CODE_TO_COME", "RECORDTYPEID"),
    ],
)
def test_a_field_that_is_the_same_for_every_task_is_the_operators(code: str, field: str) -> None:
    unavailable = item(code, fields=[field])
    assert isinstance(unavailable, Unavailable)
    assert unavailable.reason == (
        f"HTTP 400: {code}: {field}: a field that is the same for every task:"
        " check options: fields, key_field"
    )


def test_a_duplicate_is_one_though_it_names_the_keys_field() -> None:
    assert isinstance(item("DUPLICATE_VALUE", fields=["Geophone_Key__c"]), Duplicate)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("UNABLE_TO_LOCK_ROW", Unavailable),
        ("REQUIRED_FIELD_MISSING", Unavailable),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", Unavailable),
        ("INSUFFICIENT_ACCESS_OR_READONLY", Unavailable),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", Refused),
        ("STRING_TOO_LONG", TooLong),
        ("CANNOT_EXECUTE_FLOW_TRIGGER", Shared),
        ("A_CODE_TO_COME", Refused),
    ],
)
def test_items_are_judged_by_their_code(code: str, kind: type[Exception]) -> None:
    assert isinstance(item(code), kind)


def test_parts_of_a_batch() -> None:
    results = content(answer(200, sample("batch")), NOW)["results"]
    ids = [record["Id"] for result in results for record in part(result)["records"]]
    assert ids == ["001D000000K0fXOIAZ", "006D000000K0fXPIAZ"]
    with pytest.raises(Unavailable, match="INVALID_TYPE: an object is hidden"):
        part({"statusCode": 400, "result": [{"errorCode": "INVALID_TYPE"}]})


def test_a_used_up_limit_is_told_from_another_403() -> None:
    assert MANNERS.overtaxed(answer(403, sample("limit")))
    assert not MANNERS.overtaxed(answer(403, b'[{"errorCode": "API_DISABLED_FOR_ORG"}]'))
    assert MANNERS.overtaxed(answer(503))
    assert MANNERS.refused_token(answer(401, sample("session")))
