"""HTTP/1.1 to one address, as little of it as the sender needs.

aiohttp's client takes 235 µs of a core for an attempt at 1,500 a second, and this 75; at 300 a
second, where every attempt wakes a sleeping process, 460 and 245. What the sender does not take,
the processes under test have.
"""

import asyncio
import errno
import time
from typing import cast
from urllib.parse import urlsplit

import httptools

from ops.sender import signature

IDLE_SECONDS = 2.0
"""A connection that was idle for longer is not used again: the server may be closing it just now,
and an attempt that meets this says nothing about the server."""

_OURS = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EACCES}
)


class Exhausted(Exception):
    """This machine cannot make another connection: the attempt was not one."""


class Client:
    """Posts signed bodies to one URL; any number at once, each on a connection of its own."""

    def __init__(self, url: str, secret: str, answer_seconds: float) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._head = (
            f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\nuser-agent: geophone-prove\r\n"
            "content-type: application/json\r\n"
        )
        self._secret = secret
        self._seconds = answer_seconds
        self._idle: list[_Connection] = []

    async def post(self, body: bytes) -> int | None:
        """Deliver once; return the status, None if no whole answer came in time.

        Raises:
            Exhausted: see there.
        """
        request = self._request(body)
        connection: _Connection | None = None
        try:
            async with asyncio.timeout(self._seconds):
                connection = self._reusable() or await self._connect()
                status = await connection.exchange(request)
        except OSError as error:  # TimeoutError is one
            if connection:
                connection.abandon()
            _raise_if_ours(error)
            return None
        if connection.reusable:
            self._idle.append(connection)
        return status

    async def abort(self, body: bytes) -> None:
        """Begin a delivery and close the connection in the middle of its body.

        Raises:
            Exhausted: see there.
        """
        request = self._request(body)
        try:
            async with asyncio.timeout(self._seconds):
                connection = await self._connect()
        except OSError as error:
            _raise_if_ours(error)
        else:
            connection.begin(request[: len(request) - len(body) // 2])

    def close(self) -> None:
        """Close the connections that wait."""
        for connection in self._idle:
            connection.abandon()
        self._idle.clear()

    def _request(self, body: bytes) -> bytes:
        signed = signature(body, self._secret)
        more = f"x-seismic-signature: {signed}\r\ncontent-length: {len(body)}\r\n\r\n"
        return f"{self._head}{more}".encode() + body

    def _reusable(self) -> "_Connection | None":
        """The one that was used last: the fewest then stay warm."""
        fresh = time.monotonic() - IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable and connection.used > fresh:
                return connection
            connection.abandon()
        return None

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, self._host, self._port)
        return connection


def _raise_if_ours(error: OSError) -> None:
    if error.errno in _OURS:
        raise Exhausted(str(error)) from error


class _Connection(asyncio.Protocol):
    """One connection, one exchange at a time; called back by httptools."""

    def __init__(self) -> None:
        self.used = 0.0
        self.reusable = True
        self._answer: asyncio.Future[int | None] | None = None

    def exchange(self, request: bytes) -> "asyncio.Future[int | None]":
        """Send; the future's status is None if the connection ends before the answer does."""
        self._parser = httptools.HttpResponseParser(self)
        self._answer = asyncio.get_running_loop().create_future()
        if self.reusable:
            self._transport.write(request)
        else:
            self._settle(None)
        return self._answer

    def begin(self, part: bytes) -> None:
        """Send a part of a request and no more."""
        self._transport.write(part)
        self._transport.close()

    def abandon(self) -> None:
        """Close without waiting for anything."""
        self.reusable = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # What uvloop gives has all of its methods and is no subclass.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            # Nobody has asked: the server says why it is about to close.
            self.abandon()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.abandon()
            self._settle(None)

    def connection_lost(self, _: Exception | None) -> None:
        self.reusable = False
        self._settle(None)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # noqa: PLR2004 - 1xx announces the answer
            return
        self.reusable = self._parser.should_keep_alive()
        self.used = time.monotonic()
        self._settle(status)
        if not self.reusable:
            self._transport.close()

    def _settle(self, status: int | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(status)
