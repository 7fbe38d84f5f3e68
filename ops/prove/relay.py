"""One client's connection through a link: its two ends, and a pipe in each way."""

import asyncio
import socket
import struct
from collections.abc import Mapping
from typing import Protocol

from ops.prove.pipe import Line, Pipe, Way

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time to linger


class Owner(Protocol):
    """The link that a connection belongs to."""

    @property
    def lines(self) -> Mapping[Way, Line]: ...

    async def connected(self, connection: "Connection") -> None:
        """Connect it to the target."""

    def forget(self, connection: "Connection") -> None:
        """It has ended."""


class Connection:
    """A client's connection, the target's that belongs to it, and a pipe in each way."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self.client, self.server = _Side(self), _Side(self)
        self._pipes: tuple[Pipe, ...] = ()
        self._connecting: asyncio.Task[None] | None = None
        self._over = False

    def made(self, side: "_Side") -> None:
        side.transport.pause_reading()
        if self._over:
            _reset(side.transport)
        elif side is self.client:
            self._connecting = asyncio.create_task(self._owner.connected(self))
        else:
            self._join()

    def _join(self) -> None:
        lines, client, server = self._owner.lines, self.client, self.server
        up = Pipe(lines[Way.UP], client.transport, server.transport, self._ended)
        down = Pipe(lines[Way.DOWN], server.transport, client.transport, self._ended)
        client.outgoing, client.incoming = up, down
        server.outgoing, server.incoming = down, up
        self._pipes = (up, down)
        self.regulate()

    def regulate(self) -> None:
        for pipe in self._pipes:
            pipe.regulate()

    def lost(self, side: "_Side", error: Exception | None) -> None:
        """One end is gone. The other learns it when what is under way has arrived."""
        if self._over:
            return
        if error is None or side.outgoing is None or side.incoming is None:
            self.reset()
            return
        side.incoming.close()
        side.outgoing.break_off()

    def _ended(self, *, broken: bool) -> None:
        if broken:
            self.reset()
        elif all(pipe.ended for pipe in self._pipes):
            self._close()

    def _close(self) -> None:
        self._end()
        for side in (self.client, self.server):
            side.transport.close()

    def reset(self) -> None:
        self._end()
        for side in (self.client, self.server):
            if side.connected:
                _reset(side.transport)

    def _end(self) -> None:
        self._over = True
        self._owner.forget(self)
        if self._connecting and self._connecting is not asyncio.current_task():
            self._connecting.cancel()
        for pipe in self._pipes:
            pipe.close()


class _Side(asyncio.Protocol):
    """What the event loop tells of one end."""

    transport: asyncio.Transport

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.connected = False
        self.outgoing: Pipe | None = None
        self.incoming: Pipe | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - it listens to TCP
        self.transport, self.connected = transport, True
        self._connection.made(self)

    def data_received(self, data: bytes) -> None:
        if self.outgoing:
            self.outgoing.feed(data)

    def eof_received(self) -> bool:
        if self.outgoing:
            self.outgoing.finish()
        return True

    def pause_writing(self) -> None:
        if self.incoming:
            self.incoming.choke(full=True)

    def resume_writing(self) -> None:
        if self.incoming:
            self.incoming.choke(full=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self.connected = False
        self._connection.lost(self, exc)


def _reset(transport: asyncio.Transport) -> None:
    own: socket.socket = transport.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
