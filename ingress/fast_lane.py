"""The short way in: an event that arrives whole is answered by the connection itself.

Whatever is not an ordinary event goes the long way, to the webhook application: other methods and
paths, bodies in pieces, chunked or with an encoding, a request behind an unanswered one, a caller
that does not read its answers, a process that drains. Both ways give the same bytes
(`tests/contracts`, `tests/unit/ingress/test_fast_lane.py`); the short one needs no scope, no task
and no application.
"""

import asyncio
from functools import partial
from typing import Any, cast

import structlog

from ingress import answers
from ingress.answers import Answer
from ingress.doorway import Doorway
from ingress.gate import Gate
from ingress.record import Record
from ingress.sink import Unavailable

log = structlog.get_logger(__name__)


class _Cycle:
    """One request in uvicorn's eyes: it reads and sets these."""

    __slots__ = ("came", "disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self, came: float) -> None:
        self.came = came
        self.disconnected = False
        self.keep_alive = True
        self.message_event = _NOBODY
        self.response_complete = False


class FastLane(Gate):
    """One connection."""

    def __init__(self, doorway: Doorway, *arguments: Any, **named: Any) -> None:
        super().__init__(doorway, *arguments, **named)
        self._reception = doorway.reception
        self._short = False
        self._body = b""

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
            self._take(body)
        else:
            super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._short and self.parser is not None:
            self._wait_for_the_rest()

    def _ordinary(self) -> bool:
        """Whether the request may take the short way, if its body is here."""
        parser, reception, head = self.parser, self._reception, self.head
        return (
            self.url == self.doorway.path
            and parser.get_method() == b"POST"
            and not self._owes()
            and not self.expect_100_continue
            and not reception.state.draining
            and not self.flow.write_paused
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and 0 <= head.length <= self.doorway.max_body_bytes
            and not head.encoded
        )

    def _wait_for_the_rest(self) -> None:
        body, self._short, self._body = self._body, False, b""
        super().pass_on()
        if body:
            super().on_body(body)

    def _take(self, body: bytes) -> None:
        reception = self._reception
        cycle = self.cycle = self._running = cast("Any", _Cycle(reception.came()))
        deadline = self.loop.time() + self.doorway.deadline_seconds
        try:
            verdict = reception.judge(body, self.head)
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
        if unavailable:
            self._give(cycle, self._reception.unavailable(unavailable))
        else:
            self._give(cycle, self._reception.stored(record))

    def _give(self, cycle: _Cycle, answer: Answer) -> None:
        self._reception.went(cycle.came, answer)
        cycle.response_complete = True
        if cycle.disconnected or self.transport.is_closing():
            return
        closing = answers.CLOSE in answer.headers or not cycle.keep_alive
        closing = closing or self._reception.state.draining
        self.write(answer, closing=closing)
        if closing:
            self.transport.close()
        self.on_response_complete()


_NOBODY = asyncio.Event()
"""Nobody waits for the body of a request that is here."""
