"""One connection of the public port: uvicorn's protocol, with limits on all that a stranger sends.

Plain uvicorn waits for ever for the rest of a request, keeps headers and trailers of any size and
answers a request with two hosts like any other. Here a request that is too large, too slow, or can
be read in two ways is answered by the connection itself, behind the answers that are still owed on
it, and the connection ends. The rest goes to the application, which has its own limit and deadline
for the body.
"""

from dataclasses import replace
from enum import Enum, auto
from typing import Any

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ingress import answers
from ingress.answers import Answer
from ingress.doorway import (
    LINGER_SECONDS,
    MAX_HEADERS,
    MAX_PIPELINED,
    MAX_URL_BYTES,
    STUCK_SECONDS,
    SYNTAX_BYTES,
    UNREAD_BYTES,
    UNREAD_SECONDS,
    Doorway,
)
from ingress.head import Head
from ingress.reception import TAKEN_BACK
from ingress.unread import Unread

log = structlog.get_logger(__name__)


class Refused(Exception):
    """The request is not taken; raised to the parser, which stops at once."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.name)
        self.answer = answer


class Awaits(Enum):
    """What the connection waits for."""

    REQUEST = auto()
    HEAD = auto()
    BODY = auto()
    ANSWERS = auto()
    """Of those that are owed; nothing more is read after a refusal."""
    NOTHING = auto()
    """It has its last answer: what still comes is read to nowhere."""


class Gate(HttpToolsProtocol):
    """One connection.

    `head` is that of the newest request, `cycle` that request in uvicorn's eyes; `_running` is the
    one being answered. `_since` is the loop's time of the last answer, or when a head began.
    """

    head: Head

    def __init__(self, doorway: Doorway, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.doorway = doorway
        self.address: str | None = None
        self._awaits = Awaits.REQUEST
        self._since = self.loop.time()
        self._running: Any = None
        self._unread = Unread(self._since)
        self._closing_since: float | None = None
        self._idle_bytes = 0
        self._farewell: Answer | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=UNREAD_BYTES)
        self.address = self.client[0] if self.client else None
        self.doorway.agreed(transport.get_extra_info("ssl_object"))
        if answer := self.doorway.enter(self):
            self._refuse(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._running is not None:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)
        self.doorway.leave(self)

    def data_received(self, data: bytes) -> None:
        if self._awaits in (Awaits.ANSWERS, Awaits.NOTHING):
            return
        self._idle_bytes += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.answer if isinstance(cause, Refused) else answers.BAD_REQUEST)
        if self._idle_bytes > self.doorway.max_header_bytes + SYNTAX_BYTES:
            self._refuse(answers.LARGE_HEAD)

    def on_message_begin(self) -> None:
        """Begin a request; the scope is made when somebody asks for it."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._awaits = Awaits.HEAD
        self._since = self.loop.time()

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > MAX_URL_BYTES:
            raise Refused(answers.LONG_URL)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; behind the body it is a trailer, and nobody reads it."""
        headers = self.headers
        if len(headers) >= MAX_HEADERS:
            raise Refused(answers.LARGE_HEAD)
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.parser.get_method() == b"CONNECT":
            raise Refused(answers.WRONG_METHOD)
        if not self.parser.should_upgrade():
            self._admit()
            self.pass_on()
            self._progress(Awaits.BODY)

    def on_body(self, body: bytes) -> None:
        self._idle_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            self.complete()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._since = self.loop.time()
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._awaits in (Awaits.BODY, Awaits.ANSWERS):
            self._take_leave()
        elif not self.flow.write_paused:
            self.flow.resume_reading()

    def pause_writing(self) -> None:
        """Take no more requests from a caller that does not read its answers."""
        super().pause_writing()
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.pipeline:
            self.flow.resume_reading()

    def pass_on(self) -> None:
        """Give the request, whose head is complete, to the application."""
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        if url == b"*":
            raise Refused(answers.NOT_FOUND)
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect
        self.scope["headers"] = headers
        self.headers = []
        super().on_headers_complete()

    def complete(self) -> None:
        """Note that the newest request is here whole."""
        self._progress(Awaits.REQUEST)

    def shutdown(self) -> None:
        """Begin to end, as uvicorn asks: a head that is arriving may arrive."""
        if self._awaits is not Awaits.HEAD:
            super().shutdown()

    def check(self, now: float) -> None:
        """End what takes too long; `now` is the loop's time."""
        if self.transport.is_closing():
            self._closing_since = self._closing_since or now
            if now - self._closing_since > UNREAD_SECONDS:
                self._break_off("unread")
        elif self._unread.seconds(self.transport, now) > UNREAD_SECONDS:
            self._break_off("unread")
        elif self._awaits is Awaits.NOTHING:
            if now - self._since > LINGER_SECONDS:
                self.transport.close()
        elif not self._owes():
            self._check(now - self._since)
        elif now - self._since > STUCK_SECONDS:
            log.error("bug", what="a request without an answer", awaits=self._awaits.name)
            self._break_off("stuck")

    def cut(self) -> None:
        """End at once."""
        self.transport.abort()

    def _feed(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        while rest:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                rest = memoryview(rest)[upgrade.args[0] :]
            else:
                return
            self._stay()

    def _stay(self) -> None:
        """Ignore the wish for another protocol, as RFC 9110 section 7.8 allows.

        The parser takes the body for the other protocol: the head is read again without.
        """
        start = b"%b %b HTTP/%b" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode(),
        )
        kept = [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(b"\r\n".join([start, *kept, b"", b""]))

    def _admit(self) -> None:
        self.head = Head.of(self.headers, self.parser.get_http_version())
        if len(self.url) + self.head.size > self.doorway.max_header_bytes:
            raise Refused(answers.LARGE_HEAD)
        if not self.head.framed:
            raise Refused(answers.BAD_REQUEST)
        if len(self.pipeline) >= MAX_PIPELINED or self.transport.is_closing():
            raise Refused(answers.TOO_MANY)
        if self.flow.write_paused and self._owes():
            raise Refused(answers.TOO_MANY)

    def _progress(self, awaits: Awaits) -> None:
        self._awaits = awaits
        self._idle_bytes = 0

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _owes(self) -> bool:
        running = self._running
        return bool(self.pipeline) or not (
            running is None or running.response_complete or running.disconnected
        )

    def _check(self, seconds: float) -> None:
        """Check a connection that owes no answer; `seconds` since something happened on it."""
        if self._awaits is Awaits.HEAD:
            if seconds > self.doorway.header_seconds:
                self._refuse(answers.TOO_SLOW)
        elif self._running is None:
            if seconds > self.doorway.header_seconds:
                self.doorway.closed("silent")
                self.transport.close()
        elif seconds > self.doorway.idle_seconds:
            self.transport.close()

    def _break_off(self, why: str) -> None:
        self.doorway.closed(why)
        self.transport.abort()

    def _refuse(self, answer: Answer) -> None:
        """Answer the newest request, of which not all is here, and end."""
        self._farewell = answer
        if self._awaits is Awaits.BODY:
            self._take_back()
        self._progress(Awaits.ANSWERS)
        if not self._owes():
            self._take_leave()

    def _take_back(self) -> None:
        """Take the newest request from the application."""
        if self.pipeline:
            self.pipeline.popleft()
            return
        running = self._running
        if running.response_started:
            self._farewell = None
        else:
            running.scope[TAKEN_BACK] = True
        running.waiting_for_100_continue = False
        running.disconnected = True
        running.message_event.set()

    def _take_leave(self) -> None:
        """Give the last answer; what the caller still sends is read for a while."""
        self._awaits, self._since = Awaits.NOTHING, self.loop.time()
        if self.transport.is_closing():
            return
        if self._farewell:
            self.doorway.reception.refused(self._farewell)
            self.write(self._spoken(self._farewell), closing=True)
        self.flow.resume_reading()

    def _spoken(self, answer: Answer) -> Answer:
        """Leave out the body if the newest request asked for the head only."""
        return replace(answer, body=b"") if self.parser.get_method() == b"HEAD" else answer

    def write(self, answer: Answer, *, closing: bool) -> None:
        """Write an answer."""
        defaults = self.server_state.default_headers
        self.transport.write(self.doorway.rendered(answer, defaults, closing=closing))
