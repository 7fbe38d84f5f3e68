"""One way of one connection through a link: bytes in, the same bytes out, in order, later."""

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Protocol

_HOLD_BYTES = 256 * 1024
"""So much waits in a delayed or throttled pipe before its sender is made to wait."""


class Way(StrEnum):
    """One of the two directions of a link."""

    UP = "client to server"
    DOWN = "server to client"


@dataclass(frozen=True, slots=True)
class Quality:
    """How bytes are treated; the default is a perfect line. Times in seconds."""

    cut: bool = False
    delay: float = 0.0
    jitter: float = 0.0
    bytes_per_second: float | None = None

    @property
    def perfect(self) -> bool:
        return self == Quality()


class Line:
    """What all connections of a link share in one way."""

    def __init__(self, dice: Random) -> None:
        self.quality = Quality()
        self._dice = dice
        self._free_at = 0.0

    def arrival(self, now: float, size: int) -> float:
        """Return when bytes that come now are through, and keep the line busy until they left."""
        quality = self.quality
        left = now
        if quality.bytes_per_second:
            left = self._free_at = max(now, self._free_at) + size / quality.bytes_per_second
        return left + quality.delay + self._dice.uniform(0, quality.jitter)


class Ended(Protocol):
    """Is told when all has been passed on, or that the sender broke off."""

    def __call__(self, *, broken: bool) -> None: ...


class Pipe:
    """Reads from `source` only as fast as `sink`, or the line, takes it."""

    def __init__(
        self, line: Line, source: asyncio.Transport, sink: asyncio.Transport, ended: Ended
    ) -> None:
        self.ended = False
        self._line, self._source, self._sink, self._tell = line, source, sink, ended
        self._waiting: deque[tuple[float, bytes | None]] = deque()
        self._held = 0
        self._full = self._finished = self._broken = self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def feed(self, data: bytes) -> None:
        """Take what the source has sent."""
        if self._line.quality.perfect:  # then nothing waits: `regulate` has passed it on
            self._sink.write(data)
            return
        self._held += len(data)
        self._queue(data, len(data))

    def finish(self) -> None:
        """The source has sent its last byte."""
        if not self._finished:
            self._finished = True
            self._queue(None, 0)

    def break_off(self) -> None:
        """The source was reset; the sink will be, in its turn."""
        self._broken = True
        self._queue(None, 0)

    def choke(self, *, full: bool) -> None:
        """The sink takes no more, or takes more again."""
        self._full = full
        self.regulate()

    def close(self) -> None:
        self._closed = True
        self._stop_timer()
        self._waiting.clear()

    def regulate(self) -> None:
        """Act on a change: of the line, of the sink, of what waits."""
        if self._closed:
            return
        self._pass_on()
        if self._closed or self._source.is_closing():
            return
        if self._line.quality.cut or self._full or self._held > _HOLD_BYTES:
            self._source.pause_reading()
        elif not self._finished:
            self._source.resume_reading()

    def _queue(self, data: bytes | None, size: int) -> None:
        # Only the first is ever looked at, so jitter does not let a byte overtake another.
        self._waiting.append((self._line.arrival(self._loop.time(), size), data))
        self.regulate()

    def _pass_on(self) -> None:
        """Pass on what is due, and see to it that the rest will be."""
        self._stop_timer()
        quality = self._line.quality
        if quality.cut:
            return
        while self._waiting and not self._closed:
            due, data = self._waiting[0]
            if not quality.perfect and due > self._loop.time():
                self._timer = self._loop.call_at(due, self.regulate)
                return
            self._waiting.popleft()
            self._deliver(data)

    def _deliver(self, data: bytes | None) -> None:
        if data is not None:
            self._held -= len(data)
            self._sink.write(data)
            return
        self.ended = True
        if not self._broken and not self._sink.is_closing():
            self._sink.write_eof()
        self._tell(broken=self._broken)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
