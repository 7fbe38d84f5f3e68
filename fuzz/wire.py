"""Bytes on a connection mean the same, in whatever pieces they come and whichever way they go in.

Each input is fed to both ways in (`ingress.gate`, `ingress.fast_lane`), whole and in pieces, and to
the fast lane once more with what it has learned from the input (`ingress.shape`), and with what it
would have from another one. The first byte says how large the pieces are. No socket and no clock: a
caller that is too slow is nobody's find here.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, NamedTuple

import uvicorn
from uvicorn.server import ServerState

from ingress.app import create_app, create_reception
from ingress.doorway import Doorway
from ingress.fast_lane import FastLane
from ingress.gate import Gate
from ingress.keyring import Keyring
from ingress.metrics import Metrics
from ingress.reception import State
from ingress.record import Record
from ingress.settings import Settings
from ingress.shape import Shape
from ingress.sink import Settle

_STATUS = re.compile(rb"HTTP/1\.1 (\d\d\d) ")
_TURNS = 1000
_STILL, _STILL_BUSY = 5, 25
"""Turns of the loop without a byte of an answer after which none comes; while the application has a
request, it may be longer."""


_USUAL = Shape.of(
    b"POST /webhook HTTP/1.1\r\nHost: t\r\nx-seismic-signature: 00\r\nx: y\r\n"
    b"traceparent: 00-0\r\nContent-Length: 1\r\n\r\n",
    1024,
)


class Meaning(NamedTuple):
    """What came of some bytes."""

    statuses: tuple[int, ...]
    stored: tuple[bytes, ...]
    closed: bool


class Stored:
    """See `ingress.sink.Sink`: keeps what it is given."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def put(self, record: Record, deadline: float, settle: Settle) -> None:
        self.values.append(record.value)
        asyncio.get_running_loop().call_soon(settle, record, None)

    async def store(self, record: Record, deadline: float) -> None:
        self.values.append(record.value)

    def trouble(self) -> str | None:
        return None


class Line(asyncio.Transport):
    """The server's end of a connection whose caller reads all there is."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1), "sockname": ("192.0.2.2", 8080)})
        self.written = b""
        self._closing = False

    def write(self, data: Any) -> None:
        if not self._closing:
            self.written += data

    def close(self) -> None:
        self._closing = True

    abort = close

    def is_closing(self) -> bool:
        return self._closing

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Wire:
    """One process's ingress, without sockets."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # Limits small enough for an input to exceed.
        settings = Settings(allow_unsigned=True, max_body_bytes=2048, max_header_bytes=1024)
        self._stored = Stored()
        reception = create_reception(
            settings, self._stored, keyring=Keyring([]), metrics=Metrics(), state=State()
        )
        self._doorway = Doorway(reception)
        self._config = uvicorn.Config(
            create_app(reception), ws="none", lifespan="off", log_config=None, server_header=False
        )
        self._config.load()

    def check(self, data: bytes) -> None:
        """Feed one input in all ways.

        Raises:
            AssertionError: two ways differ, or one breaks a promise.
        """
        if not data:
            return
        size, sent = data[0] + 1, data[1:]
        pieces = list(_cut(sent, size))
        whole = self.meaning(Gate, [sent])
        _sound(whole)
        self._doorway.shape = None
        self._compare(FastLane, sent, pieces, whole)
        self._compare(Gate, sent, pieces, whole)
        for shape in filter(None, (self._doorway.shape, _USUAL)):
            self._doorway.shape = shape
            self._compare(FastLane, sent, pieces, whole)

    def _compare(self, way: type[Gate], sent: bytes, pieces: list[bytes], whole: Meaning) -> None:
        for one in ([sent], pieces):
            found = self.meaning(way, one)
            assert found == whole, (way.__name__, len(one), found, whole)
        # An early answer may come before the rest, which is then another matter.
        _sound(self.meaning(way, pieces, turns=True))

    def meaning(self, way: type[Gate], pieces: list[bytes], *, turns: bool = False) -> Meaning:
        """Return what the pieces lead to, with `turns` of the loop between them or at once."""
        return self._loop.run_until_complete(self._meaning(way, pieces, turns=turns))

    async def _meaning(self, way: type[Gate], pieces: list[bytes], *, turns: bool) -> Meaning:
        self._stored.values.clear()
        line = Line()
        protocol = way(self._doorway, self._config, ServerState(), {})
        protocol.connection_made(line)
        for piece in pieces:
            if not line.is_closing():
                protocol.data_received(piece)
            if turns:
                await asyncio.sleep(0)
        await _quiet(line)
        closed = line.is_closing()
        protocol.connection_lost(None)
        await _quiet(line)
        statuses = tuple(int(each) for each in _STATUS.findall(line.written))
        return Meaning(statuses, tuple(self._stored.values), closed)


def _sound(found: Meaning) -> None:
    taken = [status for status in found.statuses if status < HTTPStatus.MULTIPLE_CHOICES]
    assert len(taken) >= len(found.stored), found
    assert max(found.statuses, default=0) < HTTPStatus.INTERNAL_SERVER_ERROR, found


async def _quiet(line: Line) -> None:
    """Let the loop turn until nothing is waited for but a body that does not come."""
    still, before = 0, -1
    for _ in range(_TURNS):
        await asyncio.sleep(0)
        busy = len(asyncio.all_tasks()) > 1 and not line.is_closing()
        now = len(line.written)
        still = still + 1 if now == before else 0
        before = now
        if still > (_STILL_BUSY if busy else _STILL):
            return


def _cut(sent: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(sent), size):
        yield sent[start : start + size]


@contextmanager
def opened() -> Iterator[Callable[[bytes], None]]:
    """Yield what checks one input after the other, on an event loop of its own."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        loop = runner.get_loop()
        yield Wire(loop).check
