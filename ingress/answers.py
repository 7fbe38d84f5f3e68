"""Every answer a caller can get: the one table of statuses.

Errors are RFC 9457 problem documents and generic: a stranger learns nothing from them, and the
sender reads nothing but the status. Whatever is not an event for us closes the connection.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import orjson

Header = tuple[bytes, bytes]

CLOSE: Header = (b"connection", b"close")
_GUARDED: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete answer; `name` is its label in logs and metrics, never its content."""

    name: str
    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = ()

    @property
    def is_error(self) -> bool:
        """Whether the caller did not get what it came for."""
        return self.status >= 400  # noqa: PLR2004 - RFC 9110: 4xx and 5xx


class Rejected(Exception):
    """The caller's fault: answered 4xx."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.name)
        self.answer = answer


def plain(text: str) -> Answer:
    """Return the answer to an old verification: the challenge and nothing else."""
    return _verification(text.encode(), b"text/plain; charset=utf-8")


def challenge(text: str) -> Answer:
    """Return the answer to a new verification."""
    return _verification(orjson.dumps({"challenge": text}), b"application/json")


def _verification(body: bytes, content_type: bytes) -> Answer:
    return Answer("verification", 200, body, (*_content(body, content_type), *_GUARDED))


def _empty(name: str, status: int) -> Answer:
    return Answer(name, status, b"", ((b"content-length", b"0"),))


def _problem(name: str, status: int, title: str, *more: Header) -> Answer:
    body = orjson.dumps({"type": "about:blank", "title": title, "status": status})
    headers = (*_content(body, b"application/problem+json"), *_GUARDED, *more)
    return Answer(name, status, body, headers)


def _content(body: bytes, content_type: bytes) -> tuple[Header, ...]:
    return ((b"content-type", content_type), (b"content-length", b"%d" % len(body)))


STORED = _empty("stored", 200)
QUARANTINED = _empty("quarantined", 200)
LIFECYCLE = _empty("lifecycle", 202)

UNSIGNED = _problem(
    "unsigned",
    401,
    "The signature is missing or wrong",
    (b"www-authenticate", b"x-seismic-signature"),
    CLOSE,
)
NOT_FOUND = _problem("not_found", 404, "There is nothing here", CLOSE)
WRONG_METHOD = _problem("wrong_method", 405, "Only POST is served", (b"allow", b"POST"), CLOSE)
BAD_REQUEST = _problem("bad_request", 400, "The request cannot be read", CLOSE)
TOO_SLOW = _problem("too_slow", 408, "The request did not arrive in time", CLOSE)
TOO_LARGE = _problem("too_large", 413, "The body is too large", CLOSE)
ENCODED = _problem(
    "encoded",
    415,
    "A body with a content-encoding is not read",
    (b"accept-encoding", b"identity"),
    CLOSE,
)
LONG_URL = _problem("long_url", 414, "The path is too long", CLOSE)
TOO_MANY = _problem("too_many", 429, "Too much at once from one caller", CLOSE)
LARGE_HEAD = _problem("large_head", 431, "The headers are too large", CLOSE)
FAILED = _problem("failed", 500, "Something went wrong", CLOSE)


@dataclass(frozen=True, slots=True)
class Unavailabilities:
    """The answers that ask the caller to come again: all 503, told apart for the operator."""

    late: Answer
    refused: Answer
    full: Answer
    crowded: Answer


def unavailabilities(retry_after_seconds: int) -> Unavailabilities:
    """Return the 503 answers; the seconds go into Retry-After."""
    again = (b"retry-after", b"%d" % retry_after_seconds)
    return Unavailabilities(
        late=_problem("not_acknowledged", 503, "Not stored: come again later", again),
        refused=_problem("refused", 503, "Not stored: come again later", again),
        full=_problem("full", 503, "Too much is in flight: come again later", again),
        crowded=_problem("crowded", 503, "Too many connections: come again later", again, CLOSE),
    )


def every() -> Iterator[Answer]:
    """Yield every answer once."""
    yield from (STORED, QUARANTINED, LIFECYCLE, plain(""), UNSIGNED, NOT_FOUND, WRONG_METHOD)
    yield from (BAD_REQUEST, TOO_SLOW, TOO_LARGE, LONG_URL, ENCODED, TOO_MANY, LARGE_HEAD, FAILED)
    again = unavailabilities(0)
    yield from (getattr(again, field.name) for field in fields(again))
