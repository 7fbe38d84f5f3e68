"""The one endpoint: takes a request, has it judged, waits for Kafka, answers.

The clock starts when the headers are complete and stops with the answer; the deadline holds for
everything between, the body's arrival included, because the sender does not wait longer either.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from starlette.types import Receive, Scope, Send

from ingress import answers
from ingress import metrics as table
from ingress.answers import Answer, Rejected
from ingress.body import Body, HungUp
from ingress.budget import Budget
from ingress.judge import Judge
from ingress.metrics import Metrics
from ingress.record import Call
from ingress.refusals import Refusals
from ingress.settings import Settings
from ingress.sink import Cause, Sink, Unavailable

log = structlog.get_logger(__name__)

_SIGNATURES = (b"x-seismic-signature", b"x-seismic-signature-old")


@dataclass(slots=True)
class State:
    """What the parts of one process tell each other."""

    draining: bool = False


class Head(NamedTuple):
    """What a request's headers say, as far as it matters."""

    signatures: tuple[bytes, ...]
    traceparent: str | None
    encoded: bool
    length: int

    @classmethod
    def of(cls, headers: list[tuple[bytes, bytes]]) -> "Head":
        """Read ASGI headers: names in lower case, latin-1."""
        signatures, traceparent, encoded, length = [], None, False, 0
        for name, value in headers:
            if name in _SIGNATURES:
                signatures.append(value)
            elif name == b"traceparent":
                traceparent = value.decode("latin-1")
            elif name == b"content-encoding":
                encoded = value.strip().lower() not in (b"", b"identity")
            elif name == b"content-length":
                length = int(value)
        return cls(tuple(signatures), traceparent, encoded, length)


class Webhook:
    """An ASGI application: whatever is asked of the public port, it answers."""

    def __init__(
        self, settings: Settings, judge: Judge, sink: Sink, metrics: Metrics, state: State
    ) -> None:
        self._judge = judge
        self._sink = sink
        self._metrics = metrics
        self._state = state
        self._path = settings.webhook_path
        self._limit = settings.max_body_bytes
        self._deadline_seconds = settings.deadline_seconds
        self._collecting = Budget(settings.max_in_flight, settings.max_in_flight_bytes)
        again = answers.unavailabilities(settings.retry_after_seconds)
        self._unavailable = {
            Cause.LATE: again.late,
            Cause.REFUSED: again.refused,
            Cause.FULL: again.full,
        }
        self._refusals = Refusals()
        self._in_flight = 0
        metrics.watch(table.IN_FLIGHT, lambda: self._in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        body = Body(receive)
        self._in_flight += 1
        try:
            answer = await self._answer(scope, body)
        except HungUp:
            self._metrics.abandoned.inc()
            return
        except Exception:
            log.exception("bug")
            answer = answers.FAILED
        finally:
            self._in_flight -= 1
        seconds = time.monotonic() - started
        self._metrics.answered(answer.name, seconds)
        self._refusals.note(answer)
        log.debug("answered", answer=answer.name, seconds=round(seconds, 4))
        await self._give(answer, body, send)

    async def _answer(self, scope: Scope, body: Body) -> Answer:
        deadline = asyncio.get_running_loop().time() + self._deadline_seconds
        try:
            call = await self._call(self._head(scope), body, deadline)
            verdict = self._judge(call)
            if isinstance(verdict, Answer):
                return verdict
            await self._sink.store(verdict, deadline)
        except Rejected as rejected:
            return rejected.answer
        except Unavailable as unavailable:
            return self._unavailable[unavailable.cause]
        if verdict.reason:
            self._metrics.quarantined(verdict.reason)
        return verdict.answer

    def _head(self, scope: Scope) -> Head:
        if scope["path"] != self._path:
            raise Rejected(answers.NOT_FOUND)
        if scope["method"] != "POST":
            raise Rejected(answers.WRONG_METHOD)
        head = Head.of(scope["headers"])
        if head.encoded:
            raise Rejected(answers.ENCODED)
        if head.length > self._limit:
            raise Rejected(answers.TOO_LARGE)
        return head

    async def _call(self, head: Head, body: Body, deadline: float) -> Call:
        try:
            async with asyncio.timeout_at(deadline):
                content = await body.read(head.length, self._limit, self._collecting)
        except TimeoutError:
            raise Rejected(answers.TOO_SLOW) from None
        self._metrics.body_bytes.inc(len(content))
        return Call(content, head.signatures, int(time.time() * 1000), head.traceparent)

    async def _give(self, answer: Answer, body: Body, send: Send) -> None:
        headers = list(answer.headers)
        closing = answers.CLOSE in answer.headers
        if self._state.draining and not closing:
            headers.append(answers.CLOSE)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": closing})
        if closing:
            await body.linger()
            await send({"type": "http.response.body"})
