"""The one endpoint: takes a request, has it judged, waits for Kafka, answers.

The clock starts when the headers are complete and stops with the answer; the deadline holds for
everything between, the body's arrival included, because the sender does not wait longer either.
"""

import asyncio

import structlog
from starlette.types import Receive, Scope, Send

from ingress import answers
from ingress.answers import Answer, Rejected
from ingress.body import Body, HungUp
from ingress.budget import Budget
from ingress.head import Head
from ingress.reception import TAKEN_BACK, Reception
from ingress.record import Call
from ingress.sink import Unavailable

log = structlog.get_logger(__name__)


class Webhook:
    """An ASGI application: whatever is asked of the public port, it answers."""

    def __init__(self, reception: Reception) -> None:
        settings = reception.settings
        self._reception = reception
        self._path = settings.webhook_path
        self._limit = settings.max_body_bytes
        self._deadline_seconds = settings.deadline_seconds
        self._collecting = Budget(settings.max_in_flight, settings.max_in_flight_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        came, answer = self._reception.came(), None
        body = Body(receive)
        try:
            answer = await self._answer(scope, body)
        except HungUp:
            return
        except Exception:
            log.exception("bug")
            answer = answers.FAILED
        finally:
            if TAKEN_BACK in scope:
                self._reception.withdrawn()
            else:
                self._reception.went(came, answer)
        await self._give(answer, body, send)

    async def _answer(self, scope: Scope, body: Body) -> Answer:
        deadline = asyncio.get_running_loop().time() + self._deadline_seconds
        try:
            head = self._head(scope)
            content = await self._content(head, body, deadline)
            verdict = self._reception.judge(Call(content, head.signatures, head.traceparent))
            if isinstance(verdict, Answer):
                return verdict
            await self._reception.sink.store(verdict, deadline)
        except Rejected as rejected:
            return rejected.answer
        except Unavailable as unavailable:
            return self._reception.unavailable(unavailable)
        return self._reception.stored(verdict)

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

    async def _content(self, head: Head, body: Body, deadline: float) -> bytes:
        try:
            async with asyncio.timeout_at(deadline):
                return await body.read(max(0, head.length), self._limit, self._collecting)
        except TimeoutError:
            raise Rejected(answers.TOO_SLOW) from None

    async def _give(self, answer: Answer, body: Body, send: Send) -> None:
        headers = list(answer.headers)
        closing = answers.CLOSE in answer.headers
        if not closing and (body.incomplete or self._reception.state.draining):
            headers.append(answers.CLOSE)
            closing = body.incomplete
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": closing})
        if closing:
            await body.linger()
            await send({"type": "http.response.body"})
