"""What an HTTP answer to a create request means. Pure: no clock, no I/O.

The table, for an endpoint that follows the contract in `streams/crm/webhook.py`:

| answer | outcome |
| --- | --- |
| 2xx | `Created`; with `Idempotent-Replayed: true`, `AlreadyThere` |
| 409 | `AlreadyThere`; with `Retry-After`, `Unavailable` |
| 408, 425, 429, 5xx | `Unavailable`, with the CRM's `Retry-After` |
| 3xx, 401, 402, 403, 404, 405, 407, 410 | `Unavailable`: the operator's to mend |
| any other 4xx | `Refused` |

The operator's codes speak of the address, the credential or the account, not of this task. To
refuse on them would empty the whole topic into the dead letters for one expired password.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import orjson

from schemas.task import TaskCommand
from streams.crm import AlreadyThere, Created, Refused, Unavailable

REASON_LIMIT = 200  # it becomes a record header and a log field
_BUSY = frozenset({408, 425, 429})
_OPERATORS = frozenset({401, 402, 403, 404, 405, 407, 410})
_CODES = ("code", "errorCode", "error")  # where a CRM's JSON names its error in one word
_CODE = re.compile(r"[\w.-]{1,64}", re.ASCII)
_MAIL = re.compile(r"\S*(?:@|%40)\S*", re.IGNORECASE)
_HIDDEN = "…"


@dataclass(frozen=True)
class Answer:
    """A CRM's answer: status, headers (looked up without regard to case), body or its beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def outcome(answer: Answer, task: TaskCommand, now: datetime) -> Created | AlreadyThere:
    """Translate the answer to creating `task`; `now` (aware) resolves a Retry-After date.

    Raises:
        Refused: the CRM has judged this command.
        Unavailable: try again.
    """
    wish = retry_after(answer.headers.get("Retry-After"), now)
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        replayed = answer.headers.get("Idempotent-Replayed", "").lower() == "true"
        return (AlreadyThere if replayed else Created)(_record_id(answer.body))
    if answer.status == HTTPStatus.CONFLICT and wish is None:
        return AlreadyThere(_record_id(answer.body))
    if refuses(answer.status):
        raise Refused(_reason(answer, task))
    raise Unavailable(_reason(answer, task), wish)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds a Retry-After header asks for (RFC 9110, 10.2.3); None if unreadable."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (_aware(moment) - now).total_seconds())


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_operators(status: int) -> bool:
    """Say whether the status speaks of the address, the credential or the account."""
    return status in _OPERATORS or status < HTTPStatus.BAD_REQUEST


def refuses(status: int) -> bool:
    """Say whether the status is the CRM's judgement on the command."""
    client_error = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return client_error and status not in _BUSY | _OPERATORS | {HTTPStatus.CONFLICT}


def _reason(answer: Answer, task: TaskCommand) -> str:
    hint = "check the CRM's address and credential" if is_operators(answer.status) else ""
    parts = [f"HTTP {answer.status}", hint, _impersonal(_error_name(answer.body), task)]
    return ": ".join(part for part in parts if part)[:REASON_LIMIT]


def _error_name(body: bytes) -> str:
    # A code is one word; free text is taken only from `title`, which RFC 9457 keeps the same
    # for every occurrence. Messages and details quote the request, and so people.
    members = _members(body)
    codes = (str(members.get(name, "")) for name in _CODES)
    title = members.get("title")
    return next(filter(_CODE.fullmatch, codes), title if isinstance(title, str) else "")


def _impersonal(text: str, task: TaskCommand) -> str:
    for person in sorted(_personal(task), key=len, reverse=True):
        text = re.sub(re.escape(person), _HIDDEN, text, flags=re.IGNORECASE)
    return _MAIL.sub(_HIDDEN, " ".join(re.sub(r"[^ -~…]", " ", text).split()))


def _personal(task: TaskCommand) -> set[str]:
    people = (task.owner, task.fallback_owner, task.recipient)
    texts = [text for one in people if one for text in (one.id, one.email)]
    texts += [task.subject, task.body]
    texts += [task.related.id, task.related.name] if task.related else []
    return {text for text in texts if text}


def _record_id(body: bytes) -> str | None:
    value = _members(body).get("id")
    return str(value) if isinstance(value, str | int) else None


def _members(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
