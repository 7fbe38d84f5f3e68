"""What Salesforce's answers mean. Pure.

A request that fails as a whole is answered by a list of {"errorCode", "message", "fields"}:
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
An item of a collection that fails has "success": false and a list of {"statusCode", "message",
"fields"}, the request as a whole 200:
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-create.html
Codes: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

import orjson

from streams.crm import AlreadyThere, Created, Refused, Unavailable
from streams.crm.answer import Answer
from streams.crm.batches import Shared
from streams.crm.call import Manners, overtaxed, wish
from streams.crm.salesforce.record import LINK_FIELDS, long_id
from streams.crm.verdict import Trouble, Verdict, again, judge, terminal

_PERMISSION = "check the permissions of the integration user"
_OPTIONS = again("a field that is the same for every task: check options: fields, key_field")
_TABLE: Mapping[str, Verdict] = {
    "API_CURRENTLY_DISABLED": again("the API is switched off for now"),
    "API_DISABLED_FOR_ORG": again("the edition or the user's profile has no API access"),
    "CANNOT_EXECUTE_FLOW_TRIGGER": terminal("a flow of the organisation fails on this task"),
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": terminal("a trigger of the organisation fails on it"),
    "DUPLICATE_VALUE": terminal("another unique field has this value already"),
    "DUPLICATES_DETECTED": terminal("a duplicate rule of the organisation blocks it"),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": terminal("a validation rule of the organisation"),
    "FIELD_FILTER_VALIDATION_EXCEPTION": terminal("a lookup filter of the organisation"),
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": again("maintenance"),
    "INSUFFICIENT_ACCESS": again(_PERMISSION),
    "INSUFFICIENT_ACCESS_OR_READONLY": again(_PERMISSION),
    "INVALID_FIELD": again("a field is missing or hidden from the integration user: run the check"),
    "INVALID_FIELD_FOR_INSERT_UPDATE": again("a field is read-only for the integration user"),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": again("options: status or priorities do not exist"),
    "INVALID_SESSION_ID": again("the access token is refused: check the connected app's policies"),
    "INVALID_TYPE_ON_FIELD_IN_RECORD": _OPTIONS,
    "INVALID_TYPE": again(f"an object is hidden: {_PERMISSION}"),
    "JSON_PARSER_ERROR": _OPTIONS,
    "LIMIT_EXCEEDED": again("a limit of the organisation"),
    "QUERY_TIMEOUT": again("a query took too long"),
    "REQUEST_LIMIT_EXCEEDED": again("the organisation's API requests are used up"),
    "REQUIRED_FIELD_MISSING": again("the organisation requires a field: set it in options: fields"),
    "SERVER_UNAVAILABLE": again("Salesforce is overloaded"),
    "STORAGE_LIMIT_EXCEEDED": again("the organisation's storage is full"),
    "STRING_TOO_LONG": terminal("a text is longer than its field"),
    "UNABLE_TO_LOCK_ROW": again("a record is being changed by somebody else"),
    "UNKNOWN_EXCEPTION": again("an error inside Salesforce"),
}
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


class Duplicate(Exception):
    """Some unique field has the task's value already, and Salesforce does not say which."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.code)
        self.trouble = trouble


def saved(
    result: Mapping[str, Any], key_field: str, others: Iterable[str] = ()
) -> Created | AlreadyThere | Exception:
    """Return what became of one item of a collection.

    An error of the field that holds the key or of the `others`, which the operator sets for all
    tasks alike, is the operator's: it would befall the next task as well.
    """
    if result.get("success"):
        return Created(str(result["id"]))
    error = next(iter(_dicts(result.get("errors"))), {})
    trouble = _trouble(HTTPStatus.BAD_REQUEST, error, None)
    message = str(error.get("message", ""))
    if trouble.code == "DUPLICATE_VALUE":
        return _duplicate(message, key_field) or Duplicate(trouble)
    if _named({key_field, *others}, trouble):
        return judge(trouble, {trouble.code: _OPTIONS})
    if trouble.code in LINK_CODES or _closed_links(trouble):
        owner = ["OwnerId"] if trouble.code in _OWNER else []
        return LinkRefused(replace(trouble, fields=trouble.fields or owner))
    if trouble.code in _BATCH_CODES or _RETRIES in message.lower():
        return Shared(verdict(trouble))
    return verdict(trouble)


def _closed_links(trouble: Trouble) -> bool:
    """Say whether field-level security closes fields, all of which a task can do without."""
    named = set(trouble.fields)
    closed = trouble.code == "INVALID_FIELD_FOR_INSERT_UPDATE"
    return closed and bool(named) and named <= LINK_FIELDS


def _named(fields: Iterable[str], trouble: Trouble) -> bool:
    ours = {field.lower() for field in fields}
    return any(field.lower() in ours for field in trouble.fields)


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


def verdict(trouble: Trouble) -> Refused | Unavailable:
    """Return the exception that the trouble amounts to."""
    return judge(trouble, _TABLE)


def content(answer: Answer, now: datetime) -> Any:
    """Return the JSON of a request that did not fail as a whole.

    Raises:
        Refused: the CRM has judged the request.
        Unavailable: try again.
    """
    value = _json(answer.body)
    if answer.status == HTTPStatus.OK and value is not None:
        return value
    raise verdict(_trouble(answer.status, next(iter(_dicts(value)), {}), wish(answer, now)))


def found(value: Any, queries: int) -> list[Mapping[str, Any]]:
    """Return the records of a composite batch of so many queries; raises as `content`.

    All our queries ask for the Id.
    """
    with documented():
        parts = [part(result)["records"] for result in _exactly(queries, value["results"])]
        return [{**record, "Id": str(record["Id"])} for records in parts for record in records]


@contextmanager
def look_up() -> Iterator[None]:
    """Take a question that is refused for one not asked: it judges our words, not the command.

    Raises:
        Unavailable: in place of `Refused`.
    """
    try:
        yield
    except Refused as refused:
        raise Unavailable(refused.reason) from refused


def created(
    value: Any, records: int, key_field: str, others: Iterable[str]
) -> list[Created | AlreadyThere | Exception]:
    """Return what became of each of so many items of a collection; see `saved`.

    Raises:
        Unavailable: the answer has another form than Salesforce documents.
    """
    with documented():
        return [saved(result, key_field, others) for result in _exactly(records, value)]


def part(result: Mapping[str, Any]) -> Any:
    """Return the JSON of one request of a composite batch; raises as `content`."""
    if result.get("statusCode") == HTTPStatus.OK:
        return result.get("result")
    first = next(iter(_dicts(result.get("result"))), {})
    raise verdict(_trouble(int(result.get("statusCode", 500)), first, None))


def _overtaxed(answer: Answer) -> bool:
    return overtaxed(answer) or (
        answer.status == HTTPStatus.FORBIDDEN and b"REQUEST_LIMIT_EXCEEDED" in answer.body
    )


MANNERS = Manners(overtaxed=_overtaxed)


@contextmanager
def documented() -> Iterator[None]:
    """Take an answer of another form for none: a gateway gave it, or one that is not finished.

    Raises:
        Unavailable: in place of what goes wrong when it is read.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unavailable("the answer has not Salesforce's form: check the CRM's URL") from error


def _exactly(many: int, values: Any) -> list[Any]:
    if not isinstance(values, list) or len(values) != many:
        raise ValueError("answers to something else")
    return values


def _trouble(status: int, error: Mapping[str, Any], retry_after: float | None) -> Trouble:
    code = error.get("errorCode") or error.get("statusCode") or ""
    fields = error.get("fields") or []
    names = [str(name) for name in fields] if isinstance(fields, list) else []
    return Trouble(status, str(code), names, retry_after)


def _dicts(value: Any) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
