"""What an answer of Dataverse means. Pure.

An error's body is `{"error": {"code": "0x80040220", "message": "…"}}`, the code at times empty. A
code outweighs the HTTP status, which differs between versions for the same error. The codes:
https://learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes
"""

import re
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType
from uuid import UUID

import orjson

from streams.crm import Refused, Unavailable
from streams.crm.answer import Answer
from streams.crm.call import wish
from streams.crm.dynamics.mapping import Links
from streams.crm.verdict import Trouble, again, judge, terminal

_BUSY = again("the CRM is busy")
_SQL = again("the CRM's database gave up, as it does in a deadlock")
_ROLE = again("give the application user a role with this privilege")
_DUPLICATE = terminal("a rule or key of the organization takes it for a duplicate")
VERDICTS = MappingProxyType(
    {
        # https://learn.microsoft.com/power-apps/developer/data-platform/api-limits
        "0x80072321": _BUSY,
        "0x80072322": _BUSY,
        "0x80072326": _BUSY,
        "0x80072327": _BUSY,
        # https://learn.microsoft.com/troubleshoot/power-platform/dataverse/bulk-operation-errors
        "0x80044150": _SQL,
        "0x80044151": _SQL,
        "0x80040251": _SQL,
        "0x80040255": _SQL,
        # https://learn.microsoft.com/troubleshoot/power-platform/dataverse/client-errors
        "0x80040220": _ROLE,
        "0x80048306": _ROLE,
        "0x80042f09": _ROLE,
        "0x80040225": again("the application user is disabled"),
        "0x80072560": again("add the application user to the environment"),
        # https://learn.microsoft.com/troubleshoot/power-platform/dataverse/web-api-client-errors
        "0x8006088a": again("check that the CRM's URL is the environment's"),
        "0x80048d19": terminal("a column is missing or of another type"),
        "0x80044331": terminal("a value is too long or out of range"),
        "0x80040265": terminal("a plug-in of the organization refused it"),
        "0x80040333": _DUPLICATE,
        "0x80060892": _DUPLICATE,
    }
)
_NOT_THERE = "0x80040217"
_USER = frozenset({"0x80040220", "0x80040225", "0x8004022b", "0x80042f09", "0x80048306"})
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FIELD = re.compile(r"\bprv\w+|(?<=')\w+(?=' attribute)", re.ASCII)


def created(answer: Answer) -> bool:
    """Say whether the task was made: 204, since we do not ask for the row back, and the row's name.

    A page of somebody between us and Dataverse would be a 200, or a 204 that names no row.
    https://learn.microsoft.com/power-apps/developer/data-platform/webapi/create-entity-web-api
    """
    return answer.status == HTTPStatus.NO_CONTENT and "OData-EntityId" in answer.headers


def code(answer: Answer) -> str:
    """Return an error's code in lower case, or nothing."""
    return _error(answer)[0]


def may_be_there(answer: Answer) -> bool:
    """Say whether the task may be there, which only the row itself can tell.

    412 is the answer to `If-None-Match: *`, but to the violation of any unique key as well, be it
    of a row that a plug-in adds. The documents show the row's name in the answers to creations;
    a 204 without it may be one that makes its name no header, or nobody's.
    """
    return answer.status in (HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NO_CONTENT)


def refusal(answer: Answer, now: datetime) -> Refused | Unavailable:
    """Return what to raise for an error; `now` (aware) resolves a Retry-After date."""
    return judge(_trouble(answer, now), VERDICTS)


def without(answer: Answer, links: Links) -> Links | None:
    """Return the links to try instead, if the answer finds fault with one; never the same again.

    A record may be gone that was there a minute ago, and a user may be barred from owning tasks:
    neither is a reason not to have the task. An error that names neither is taken for the link's;
    one that names somebody else, such as the application user, is not.
    """
    told, message = _error(answer)
    named = {UUID(text) for text in _GUID.findall(message)}
    if links.owner and told in _USER | {_NOT_THERE} and links.owner in named:
        return replace(links, owner=None)
    if links.owner and told in _USER and not named:
        return replace(links, owner=None)
    if links.regarding and told == _NOT_THERE and links.regarding.key in named:
        return replace(links, regarding=None)
    return Links() if told == _NOT_THERE and links != Links() else None


def _trouble(answer: Answer, now: datetime) -> Trouble:
    # Of the message only what Dataverse names of its own: privileges and columns.
    told, message = _error(answer)
    fields = dict.fromkeys(_FIELD.findall(message))
    return Trouble(answer.status, told, tuple(fields), wish(answer, now))


def _error(answer: Answer) -> tuple[str, str]:
    try:
        error = orjson.loads(answer.body)["error"]
        return str(error["code"] or "").lower(), str(error["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "", ""
