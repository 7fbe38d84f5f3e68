"""The short way in: an event that arrives whole is answered by the connection itself.

It is uvicorn's own protocol, and whatever is not an ordinary event goes uvicorn's way to the
webhook application: other methods and paths, bodies in pieces, chunked or with an encoding, a
request behind an unanswered one, a caller that does not read its answers, a process that drains.
Both ways give the same bytes (`tests/contracts`, `tests/unit/ingress/test_fast_lane.py`); the short
one needs no scope, no task and no application.
"""

import asyncio
from functools import partial
from typing import Any, cast

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ingress import answers
from ingress.answers import Answer
from ingress.head import Head
from ingress.reception import Reception
from ingress.record import Record
from ingress.sink import Unavailable

log = structlog.get_logger(__name__)

_CLOSE = b"connection: close\r\n"


class Lane:
    """What the connections of a process share: the reception, and answers ready to be sent."""

    def __init__(self, reception: Reception) -> None:
        self.reception = reception
        self.path = reception.settings.webhook_path.encode()
        self.limit = reception.settings.max_body_bytes
        self.deadline_seconds = reception.settings.deadline_seconds
        self._defaults: list[tuple[bytes, bytes]] = []
        self._common = b""

    def rendered(
        self, answer: Answer, defaults: list[tuple[bytes, bytes]], *, closing: bool
    ) -> bytes:
        """Return the whole answer; `defaults` are uvicorn's headers, new ones every second."""
        if defaults is not self._defaults:
            self._defaults, self._common = defaults, _lines(defaults)
        own = _lines(answer.headers)
        last = _CLOSE if closing and answers.CLOSE not in answer.headers else b""
        return b"".join((STATUS_LINE[answer.status], self._common, own, last, b"\r\n", answer.body))


class _Cycle:
    """One request in uvicorn's eyes: it reads and sets these."""

    __slots__ = ("came", "disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self, came: float) -> None:
        self.came = came
        self.disconnected = False
        self.keep_alive = True
        self.message_event = _NOBODY
        self.response_complete = False


class FastLane(HttpToolsProtocol):
    """One connection."""

    def __init__(self, lane: Lane, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._lane = lane
        self._head: Head | None = None
        self._body = b""

    def on_message_begin(self) -> None:
        """Begin a request; the scope is made when somebody asks for it."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Keep an ordinary event; hand over the rest."""
        self._head = self._ordinary()
        if self._head is None:
            self._hand_over()

    def on_body(self, body: bytes) -> None:
        if self._head is None:
            super().on_body(body)
        else:
            self._body = self._body + body if self._body else body

    def on_message_complete(self) -> None:
        if self._head is None:
            super().on_message_complete()
        else:
            head, body = self._head, self._body
            self._head, self._body = None, b""
            self._take(head, body)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head is not None and self.parser is not None:
            self._wait_for_the_rest()

    def _ordinary(self) -> Head | None:
        """Return the head of a request that may take the short way, if its body is here."""
        parser, cycle, reception = self.parser, self.cycle, self._lane.reception
        if (
            self.url != self._lane.path
            or parser.get_method() != b"POST"
            or (cycle is not None and not cycle.response_complete)
            or self.expect_100_continue
            or reception.state.draining
            or self.flow.write_paused
            or parser.get_http_version() != "1.1"
            or parser.should_upgrade()
            or not parser.should_keep_alive()
        ):
            return None
        head = Head.of(self.headers)
        return head if 0 <= head.length <= self._lane.limit and not head.encoded else None

    def _hand_over(self) -> None:
        """Go uvicorn's way, from the headers on."""
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect
        self.headers = self.scope["headers"] = headers
        super().on_headers_complete()

    def _wait_for_the_rest(self) -> None:
        self._head, body, self._body = None, self._body, b""
        self._hand_over()
        if body:
            super().on_body(body)

    def _take(self, head: Head, body: bytes) -> None:
        reception = self._lane.reception
        cycle = self.cycle = cast("Any", _Cycle(reception.came()))
        deadline = self.loop.time() + self._lane.deadline_seconds
        try:
            verdict = reception.judge(body, head)
            if isinstance(verdict, Record):
                reception.sink.put(verdict, deadline, partial(self._stored, cycle, verdict))
                return
        except Unavailable as unavailable:
            verdict = reception.unavailable(unavailable)
        except Exception:
            log.exception("bug")
            verdict = answers.FAILED
        self._give(cycle, verdict)

    def _stored(self, cycle: _Cycle, record: Record, unavailable: Unavailable | None) -> None:
        reception = self._lane.reception
        if unavailable:
            self._give(cycle, reception.unavailable(unavailable))
        else:
            self._give(cycle, reception.stored(record))

    def _give(self, cycle: _Cycle, answer: Answer) -> None:
        reception = self._lane.reception
        reception.went(cycle.came, answer)
        cycle.response_complete = True
        if cycle.disconnected or self.transport.is_closing():
            return
        closing = answers.CLOSE in answer.headers or not cycle.keep_alive
        closing = closing or reception.state.draining
        defaults = self.server_state.default_headers
        self.transport.write(self._lane.rendered(answer, defaults, closing=closing))
        if closing:
            self.transport.close()
        self.on_response_complete()


def _lines(headers: Any) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


_NOBODY = asyncio.Event()
"""Nobody waits for the body of a request that is here."""
