"""What becomes of the items of a collection that was to be created. Pure.

An item that fails has "success": false and a list of {"statusCode", "message", "fields"}, while the
request as a whole is a 200:
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-create.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from streams.crm import AlreadyThere, Created
from streams.crm.batches import Shared
from streams.crm.salesforce.answers import (
    SAME_FOR_ALL,
    dicts,
    documented,
    exactly,
    trouble,
    verdict,
)
from streams.crm.salesforce.record import LINK_FIELDS, TEXT_FIELDS, long_id
from streams.crm.verdict import Trouble, judge

_BATCH_CODES = frozenset({"CANNOT_EXECUTE_FLOW_TRIGGER", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"})
"""Codes that every item may bear because of one of them, or of how many they are.

A trigger runs for all items of a request at once, under limits that are the request's; and where
items fail in three passes the whole is given up ("Too many batch retries in the presence of Apex
triggers and partial failures"), the code of which is not documented:
https://developer.salesforce.com/docs/atlas.en-us.apexcode.meta/apexcode/apex_dml_bulk_exceptions.htm
"""
_RETRIES = "too many batch retries"
_OWNER = {"INACTIVE_OWNER_OR_USER", "OP_WITH_INVALID_USER_TYPE_EXCEPTION", "TRANSFER_REQUIRES_READ"}
LINK_CODES = frozenset(
    {
        "ENTITY_IS_DELETED",
        "FIELD_INTEGRITY_EXCEPTION",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "INVALID_CROSS_REFERENCE_KEY",
        "INVALID_ID_FIELD",
        "MALFORMED_ID",
        *_OWNER,
    }
)
"""Codes that speak of a record the task refers to, not of the task."""

_ID = re.compile(r"\b00T[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?\b", re.ASCII)


class LinkRefused(Exception):
    """A record that the task refers to cannot be referred to; `trouble.fields` may name it."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.code)
        self.trouble = trouble


class TooLong(Exception):
    """A text is longer than Salesforce counts it to be allowed."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.code)
        self.trouble = trouble


class Duplicate(Exception):
    """Some unique field has the task's value already, and Salesforce does not say which."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.code)
        self.trouble = trouble


def created(
    value: Any, records: int, key_field: str, others: Iterable[str]
) -> list[Created | AlreadyThere | Exception]:
    """Return what became of each of so many items of a collection; see `saved`.

    Raises:
        Unavailable: the answer has another form than Salesforce documents.
    """
    with documented():
        return [saved(result, key_field, others) for result in exactly(records, value)]


def saved(
    result: Mapping[str, Any], key_field: str, others: Iterable[str] = ()
) -> Created | AlreadyThere | Exception:
    """Return what became of one item of a collection.

    An error of the field that holds the key or of the `others`, which the operator sets for all
    tasks alike, is the operator's: it would befall the next task as well.
    """
    if result.get("success"):
        return Created(_named_id(result["id"]))
    error = next(iter(dicts(result.get("errors"))), {})
    told = trouble(HTTPStatus.BAD_REQUEST, error, None)
    message = str(error.get("message", ""))
    if told.code == "DUPLICATE_VALUE":
        return _duplicate(message, key_field) or Duplicate(told)
    if _named({key_field, *others}, told):
        return judge(told, {told.code: SAME_FOR_ALL})
    return _mendable(told, message) or verdict(told)


def _named_id(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no id")
    return value


def _mendable(told: Trouble, message: str) -> Exception | None:
    """Return what the task can be sent again for, in another way."""
    if told.code in LINK_CODES or _closed_links(told):
        owner = ["OwnerId"] if told.code in _OWNER else []
        return LinkRefused(replace(told, fields=told.fields or owner))
    if told.code == "STRING_TOO_LONG" and set(told.fields) <= TEXT_FIELDS:
        return TooLong(told)
    if told.code in _BATCH_CODES or _RETRIES in message.lower():
        return Shared(verdict(told))
    return None


def _closed_links(told: Trouble) -> bool:
    """Say whether field-level security closes fields, all of which a task can do without."""
    named = set(told.fields)
    closed = told.code == "INVALID_FIELD_FOR_INSERT_UPDATE"
    return closed and bool(named) and named <= LINK_FIELDS


def _named(fields: Iterable[str], told: Trouble) -> bool:
    ours = {field.lower() for field in fields}
    return any(field.lower() in ours for field in told.fields)


def _duplicate(message: str, key_field: str) -> AlreadyThere | None:
    """Return what the message says, if it names our field.

    It reads "… KeyField__c duplicates value on record with id: 00T…", in the user's language, and
    sometimes has <unknown> in these places:
    https://help.salesforce.com/s/articleView?id=000383480&language=en_US&type=1
    https://salesforcedictionary.com/errors/duplicate-value-found
    """
    if key_field.lower() not in message.lower():
        return None
    there = _ID.search(message)
    return AlreadyThere(long_id(there[0]) if there else None)
