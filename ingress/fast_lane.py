"""The short way in: an event that arrives whole is answered by the connection itself.

Whatever is not an ordinary event goes the long way, to the webhook application: other methods and
paths, bodies in pieces, chunked or with an encoding, a request behind an unanswered one, a caller
that does not read its answers, a process that drains. Both ways give the same bytes
(`tests/contracts`, `tests/unit/ingress/test_fast_lane.py`); the short one needs no scope, no task
and no application.
"""

import asyncio
from typing import Any, cast

import structlog

from ingress import answers
from ingress.answers import Answer
from ingress.doorway import Doorway
from ingress.gate import Awaits, Gate
from ingress.record import Call, Record
from ingress.shape import Shape
from ingress.sink import Unavailable

log = structlog.get_logger(__name__)

LESSONS = 3
"""A caller whose every request looks another way is not worth a fourth: learning takes 0.4 ms."""


class _Cycle:
    """The request being answered, in uvicorn's eyes: it reads and sets these.

    One serves a connection for all its requests, as none is taken while another is unanswered.
    """

    __slots__ = ("came", "disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self) -> None:
        self.came = 0.0
        self.disconnected = False
        self.keep_alive = True
        self.message_event = _NOBODY
        self.response_complete = True


class FastLane(Gate):
    """One connection.

    `_teaches` says that the parser found an event in what has just come, and that it was accepted;
    `_lessons` how many more shapes may be learned from this caller.
    """

    def __init__(self, doorway: Doorway, *arguments: Any, **named: Any) -> None:
        super().__init__(doorway, *arguments, **named)
        self._reception = doorway.reception
        self._short = False
        self._body = b""
        self._own = _Cycle()
        self._shape = doorway.shape
        self._lessons = LESSONS
        self._teaches = False

    def pass_on(self) -> None:
        """Keep an ordinary event; hand over the rest."""
        self._short = self._ordinary()
        if not self._short:
            super().pass_on()

    def on_body(self, body: bytes) -> None:
        if self._short:
            self._body = self._body + body if self._body else body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._short:
            self.complete()
            body, self._short, self._body = self._body, False, b""
            self._teaches = self._take(Call(body, self.head.signatures, self.head.traceparent))
        else:
            super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        idle = self._awaits is Awaits.REQUEST
        call = self._shape.read(data) if idle and self._shape else None
        if call and self._may_take(len(call.body)):
            self._since = self.loop.time()
            self.complete()
            self._take(call)
            return
        self._teaches = False
        super().data_received(data)
        if self._short and self.parser is not None:
            self._wait_for_the_rest()
        elif self._teaches and self._lessons and idle:
            self._learn(data)

    def _learn(self, data: bytes) -> None:
        """Remember how the event looks that was just taken, if it came by itself."""
        self._lessons -= 1
        head, end, body = data.partition(b"\r\n\r\n")
        if len(body) == self.head.length:
            shape = Shape.of(head + end, self.doorway.max_header_bytes)
            self._shape = self.doorway.shape = shape or self._shape

    def _ordinary(self) -> bool:
        """Whether the request may take the short way, if its body is here."""
        parser, head = self.parser, self.head
        return (
            self.url == self.doorway.path
            and parser.get_method() == b"POST"
            and not self.expect_100_continue
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and head.length >= 0
            and not head.encoded
            and self._may_take(head.length)
        )

    def _may_take(self, size: int) -> bool:
        """Whether a body of `size` bytes may be answered at once, however its head was read."""
        return (
            size <= self.doorway.max_body_bytes
            and not self._owes()
            and not self._reception.state.draining
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _wait_for_the_rest(self) -> None:
        body, self._short, self._body = self._body, False, b""
        super().pass_on()
        if body:
            super().on_body(body)

    def _take(self, call: Call) -> bool:
        """Have a call judged and stored; say whether it was accepted."""
        reception, cycle = self._reception, self._own
        self.cycle = self._running = cast("Any", cycle)
        cycle.came, cycle.response_complete = reception.came(), False
        deadline = self.loop.time() + self.doorway.deadline_seconds
        try:
            verdict = reception.judge(call)
            if isinstance(verdict, Record):
                reception.sink.put(verdict, deadline, self._stored)
                return True
        except Unavailable as unavailable:
            verdict = reception.unavailable(unavailable)
        except Exception:
            log.exception("bug")
            verdict = answers.FAILED
        self._give(verdict)
        return False

    def _stored(self, record: Record, unavailable: Unavailable | None) -> None:
        if unavailable:
            self._give(self._reception.unavailable(unavailable))
        else:
            self._give(self._reception.stored(record))

    def _give(self, answer: Answer) -> None:
        cycle = self._own
        self._reception.went(cycle.came, answer)
        cycle.response_complete = True
        if cycle.disconnected or self.transport.is_closing():
            return
        closing = (
            answers.CLOSE in answer.headers
            or not cycle.keep_alive
            or self._reception.state.draining
        )
        self.write(answer, closing=closing)
        if closing:
            self.transport.close()
        self.on_response_complete()


_NOBODY = asyncio.Event()
"""Nobody waits for the body of a request that is here."""
