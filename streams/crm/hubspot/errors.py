"""What HubSpot's errors mean. Pure.

| answer | meaning |
| --- | --- |
| 2xx | carried out; 207 lists the inputs that failed, each with an error of the kinds below |
| 429 | wait: 1 s, as the windows roll; a spent daily limit is tried in ten minutes |
| 408, 423, 425, 477, 5xx | wait: `Retry-After` if given; 2 s for 423, a record that is locked |
| 3xx, 401, 402, 403, 404, 405, 407, 410 | the operator's: address, token, scopes |
| `MISSING_SCOPES`, `PROPERTY_DOESNT_EXIST` and their like with any status | the operator's |
| `OBJECT_NOT_FOUND` with any status | judged: it names a record that is gone |
| any other 4xx, any other error of an input | judged: the request or that input is not acceptable |

How a second use of a unique value is told is not documented and differs between objects (status
400 or 409, or 207; category `VALIDATION_ERROR`, `CONFLICT` or `OBJECT_ALREADY_EXISTS`). So no error
is read as "already there": the connector asks which keys exist, see `connector.py`.

Sources: https://developers.hubspot.com/docs/api-reference/latest/error-handling and
https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

import orjson

from streams.crm import Refused, Unavailable
from streams.crm.answer import Answer, is_operators, retry_after
from streams.crm.call import Manners
from streams.crm.verdict import Trouble, Verdict, again, judge, terminal

_LOCKED = 423
_MOVING = 477  # the account is being moved to another data centre
_OVERTAXED = frozenset({_LOCKED, 429, 503})
_WAITS = {"DAILY": 600.0, "SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 1.0}
"""A rolling window frees call by call, so who waits for all of it leaves most of it unused."""
_LOCKED_SECONDS = 2.0
_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)
_WORD = re.compile(r"[A-Z][A-Z0-9_]{1,63}", re.ASCII)

_TAKEN = again("the key is taken, and no task has it")
TABLE: Mapping[str, Verdict] = {
    "CONFLICT": _TAKEN,
    "CONFLICTING_UNIQUE_VALUE": _TAKEN,
    "DAILY": again("the account's limit for today is spent"),
    "EXPIRED_AUTHENTICATION": again("give a valid access token"),
    "INVALID_AUTHENTICATION": again("give a valid access token"),
    "MISSING_SCOPES": again("grant the token one of these scopes"),
    "OBJECT_ALREADY_EXISTS": _TAKEN,
    "OBJECT_NOT_FOUND": terminal("a record that it names is gone"),
    "PROPERTY_DOESNT_EXIST": again("create this property on tasks"),
    "SECONDLY": again("asked too often"),
    "TEN_SECONDLY_ROLLING": again("asked too often"),
}
"""By category, code or policy; one that is not here is judged by the status."""


class Judged(Exception):
    """HubSpot will not accept a request; with several inputs, which is to blame is not known.

    `verdict` is what to make of the only input, if there is but one.
    """

    def __init__(self, verdict: Refused | Unavailable) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


class Closed(Unavailable):
    """The operator has to mend something; `status` is HubSpot's."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def carried_out(answer: Answer, now: datetime) -> dict[str, Any]:
    """Return the members of an answer that carried the request out, at least in part.

    Raises:
        Judged: the request is wrong, not its moment and not the set-up.
        Closed: the address, the token or its scopes are.
        Unavailable: anything else; `now` (aware) resolves a Retry-After date.
    """
    members = _members(answer.body)
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return members
    wait = wish(answer, now)
    if answer.status in (_LOCKED, _MOVING):
        raise Unavailable(f"HTTP {answer.status}: busy", wait)
    found = judge(_trouble(answer.status, members, wait), TABLE)
    if isinstance(found, Refused) or answer.status == HTTPStatus.CONFLICT:
        raise Judged(found)
    if is_operators(answer.status):
        raise Closed(answer.status, found.reason)
    raise found


def of_input(error: Mapping[str, Any]) -> Refused | Unavailable:
    """Return what to make of one input's error in a 207, when HubSpot does not have its key."""
    return judge(_trouble(HTTPStatus.BAD_REQUEST, error, None), TABLE)


def wish(answer: Answer, now: datetime) -> float | None:
    """Return the seconds after which HubSpot wants the next call, if it says so."""
    asked = retry_after(answer.headers.get("Retry-After"), now)
    if asked is not None:
        return asked
    if answer.status == _LOCKED:
        return _LOCKED_SECONDS
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _WAITS.get(str(_members(answer.body).get("policyName")))
    return _next_free(answer.headers)


MANNERS = Manners(overtaxed=lambda answer: answer.status in _OVERTAXED, wish=wish)


def words(error: Mapping[str, Any]) -> list[str]:
    """Return the error's codes and its category, wherever HubSpot put them: the closest first."""
    named = [
        *_nested(error, "code"),
        *_embedded(error, "error"),
        error.get("policyName"),
        error.get("category"),
    ]
    return [word for word in named if isinstance(word, str) and _WORD.fullmatch(word)]


def _next_free(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that one call takes at the rate allowed, if none is left in the window.

    The window rolls: by then the next one is free again, if calls came evenly; else a 429 says so.
    """
    if headers.get("X-HubSpot-RateLimit-Remaining") != "0":
        return None
    window = headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "")
    most = headers.get("X-HubSpot-RateLimit-Max", "")
    if not (_NUMBER.fullmatch(window) and _NUMBER.fullmatch(most)):
        return None
    return int(window) / 1000 / max(1, int(most))


def _trouble(status: int, error: Mapping[str, Any], retry: float | None) -> Trouble:
    found = words(error)
    code = next((word for word in found if word in TABLE), next(iter(found), ""))
    fields = dict.fromkeys([*_context(error), *_embedded(error, "name")])
    return Trouble(status, code, [str(field) for field in fields], retry)


def _context(error: Mapping[str, Any]) -> Iterator[Any]:
    for context in (error.get("context"), *_nested(error, "context")):
        for name in ("propertyName", "requiredGranularScopes"):
            listed = context.get(name) if isinstance(context, dict) else None
            yield from listed if isinstance(listed, list) else []


def _embedded(error: Mapping[str, Any], name: str) -> Iterator[Any]:
    # "Property values were not valid: [{...,"error":"PROPERTY_DOESNT_EXIST","name":"missing"}]"
    _, bracket, rest = str(error.get("message", "")).partition("[")
    try:
        listed = orjson.loads(bracket + rest)
    except orjson.JSONDecodeError:
        return
    yield from (one.get(name) for one in listed if isinstance(one, dict))


def _nested(error: Mapping[str, Any], name: str) -> Iterator[Any]:
    nested = error.get("errors")
    yield from (
        one.get(name)
        for one in (nested if isinstance(nested, list) else [])
        if isinstance(one, dict)
    )


def _members(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
