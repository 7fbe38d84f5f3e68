"""What Salesforce's answers mean. Pure.

A request that fails as a whole is answered by a list of {"errorCode", "message", "fields"}:
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
What becomes of the items of a collection is in `items.py`.
Codes: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any

import orjson

from streams.crm import Refused, Unavailable
from streams.crm.answer import Answer
from streams.crm.call import Manners, overtaxed, wish
from streams.crm.verdict import Trouble, Verdict, again, judge, terminal

_PERMISSION = "check the permissions of the integration user"
SAME_FOR_ALL = again("a field that is the same for every task: check options: fields, key_field")
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
    "INVALID_TYPE_ON_FIELD_IN_RECORD": SAME_FOR_ALL,
    "INVALID_TYPE": again(f"an object is hidden: {_PERMISSION}"),
    "JSON_PARSER_ERROR": SAME_FOR_ALL,
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


def verdict(found: Trouble) -> Refused | Unavailable:
    """Return the exception that the trouble amounts to."""
    return judge(found, _TABLE)


def content(answer: Answer, now: datetime) -> Any:
    """Return the JSON of a request that did not fail as a whole.

    Raises:
        Refused: the CRM has judged the request.
        Unavailable: try again.
    """
    value = _json(answer.body)
    if answer.status == HTTPStatus.OK and value is not None:
        return value
    raise verdict(trouble(answer.status, next(iter(dicts(value)), {}), wish(answer, now)))


def found(value: Any, queries: int) -> list[Mapping[str, Any]]:
    """Return the records of a composite batch of so many queries; raises as `content`.

    All our queries ask for the Id.
    """
    with documented():
        parts = [part(result)["records"] for result in exactly(queries, value["results"])]
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


def part(result: Mapping[str, Any]) -> Any:
    """Return the JSON of one request of a composite batch; raises as `content`."""
    if result.get("statusCode") == HTTPStatus.OK:
        return result.get("result")
    first = next(iter(dicts(result.get("result"))), {})
    raise verdict(trouble(int(result.get("statusCode", 500)), first, None))


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


def exactly(many: int, values: Any) -> list[Any]:
    """Return the values, if they are a list of so many.

    Raises:
        ValueError: they are not.
    """
    if not isinstance(values, list) or len(values) != many:
        raise ValueError("answers to something else")
    return values


def trouble(status: int, error: Mapping[str, Any], retry_after: float | None) -> Trouble:
    """Return what one {"errorCode" or "statusCode", "message", "fields"} tells."""
    code = error.get("errorCode") or error.get("statusCode") or ""
    fields = error.get("fields") or []
    names = [str(name) for name in fields] if isinstance(fields, list) else []
    return Trouble(status, str(code), names, retry_after)


def dicts(value: Any) -> Sequence[Mapping[str, Any]]:
    """Return those of the values that are objects, if they are a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
