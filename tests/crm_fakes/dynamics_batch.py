"""`$batch` as Dataverse takes and gives it. Pure.

Line endings other than CRLF, more than 1,000 requests and a batch in a batch are refused; it stops
at the first error unless told otherwise.
https://learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api
"""

import re
from collections.abc import Callable, Mapping
from email import policy
from email.message import Message
from email.parser import BytesParser
from http import HTTPStatus
from uuid import uuid4

import orjson

from tests.crm_fakes.dynamics_store import Asked, Reply, Trouble

_MOST = 1000
_LONELY_LF = re.compile(rb"(?<!\r)\n")
_PARSER = BytesParser(policy=policy.HTTP)


def carry_out(
    headers: Mapping[str, str], body: bytes, answer: Callable[[Asked], Reply]
) -> tuple[int, str, bytes]:
    """Return status, Content-Type and body of the answer to a batch."""
    requests = _requests(headers["Content-Type"], body)
    goes_on = "odata.continue-on-error" in headers.get("Prefer", "")
    replies: list[Reply] = []
    for asked in requests:
        replies.append(answer(asked))
        if replies[-1].status >= HTTPStatus.BAD_REQUEST and not goes_on:
            break
    status = HTTPStatus.OK if goes_on else replies[-1].status
    boundary = f"batchresponse_{uuid4()}"
    parts = [f"--{boundary}\r\n".encode() + _part(reply) + b"\r\n" for reply in replies]
    whole = b"".join([*parts, f"--{boundary}--\r\n".encode()])
    return max(status, HTTPStatus.OK), f"multipart/mixed; boundary={boundary}", whole


def _requests(content_type: str, body: bytes) -> list[Asked]:
    if _LONELY_LF.search(body):
        raise Trouble(400, "0x80048d19", "System.ArgumentException: Stream was not readable.")
    message = _PARSER.parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    parts = message.get_payload()
    if not isinstance(parts, list) or message.defects:
        raise Trouble(400, "0x0", "The message is not a valid batch.")
    if len(parts) > _MOST:
        raise Trouble(400, "0x80040203", "The batch holds more than 1000 requests.")
    return [_asked(part) for part in parts if isinstance(part, Message)]


def _asked(part: Message) -> Asked:
    content = part.get_payload(decode=True)
    encoding = part["Content-Transfer-Encoding"]
    if part.get_content_type() != "application/http" or encoding != "binary":
        raise Trouble(400, "0x0", "A part of the batch is no request.")
    assert isinstance(content, bytes)
    line, _, rest = content.partition(b"\r\n")
    method, target, version = line.decode().split(" ")
    assert version == "HTTP/1.1"
    head, _, body = rest.partition(b"\r\n\r\n")
    headers = _PARSER.parsebytes(head)
    return Asked(method, target, {name.lower(): value for name, value in headers.items()}, body)


def _part(reply: Reply) -> bytes:
    status = HTTPStatus(reply.status)
    content = orjson.dumps(reply.body) if reply.body is not None else b""
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary", ""]
    lines += [f"HTTP/1.1 {status.value} {status.phrase}"]
    if content:
        lines += ["Content-Type: application/json; odata.metadata=minimal"]
    lines += ["OData-Version: 4.0", *(f"{name}: {value}" for name, value in reply.headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content
