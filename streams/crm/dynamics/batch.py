"""Several requests in one: OData's `$batch`, written and read. Pure.

Each request stands alone, outside any change set, so that one refusal takes nothing else with it;
`Prefer: odata.continue-on-error` keeps Dataverse from stopping at the first.
https://learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api
"""

from collections.abc import Sequence
from email import policy
from email.message import Message
from email.parser import BytesParser
from uuid import uuid4

from multidict import CIMultiDict

from streams.crm import Request
from streams.crm.answer import Answer
from streams.crm.dynamics.odata import ODATA, ROOT

MOST = 10
"""Dataverse takes 1,000, carries them out one by one and advises to begin with 10 at a time."""

_PART = b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
_PARSER = BytesParser(policy=policy.HTTP)
_STATUS_LINE = 2  # the version and the status; the reason phrase is for people


class Unreadable(ValueError):
    """The answer is no batch of answers."""


def write(requests: Sequence[Request]) -> Request:
    """Return the one request that holds these; every line ends in CRLF, as Dataverse demands.

    Bodies must be of one line, as JSON is without indentation: then none can hold the boundary.
    """
    boundary = f"batch_{uuid4()}"
    delimiter = f"--{boundary}".encode()
    parts = [delimiter + b"\r\n" + _PART + _http(request) for request in requests]
    headers = {
        **ODATA,
        "Content-Type": f'multipart/mixed; boundary="{boundary}"',
        "Prefer": "odata.continue-on-error",
    }
    body = b"\r\n".join([*parts, delimiter + b"--", b""])
    return Request("POST", f"{ROOT}/$batch", body, headers)


def read(answer: Answer) -> list[Answer]:
    """Return the answers within one, in the order of the requests; there may be fewer.

    Raises:
        Unreadable: the answer, or one within it, has another form.
    """
    head = f"Content-Type: {answer.headers.get('Content-Type', '')}\r\n\r\n".encode()
    message = _PARSER.parsebytes(head + answer.body)
    parts = message.get_payload()
    if not isinstance(parts, list):
        raise Unreadable("not multipart")
    return [_answer(part) for part in parts if isinstance(part, Message)]


def _http(request: Request) -> bytes:
    lines = [f"{request.method} {request.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + (request.body or b"")


def _answer(part: Message) -> Answer:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        raise Unreadable("a part is no answer")
    line, _, rest = content.partition(b"\n")
    words = line.split(maxsplit=_STATUS_LINE)
    if len(words) < _STATUS_LINE or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise Unreadable("a part has no status line")
    message = _PARSER.parsebytes(rest)
    body = message.get_payload(decode=True)
    headers = CIMultiDict(message.items())
    return Answer(int(words[1]), headers, body if isinstance(body, bytes) else b"")
