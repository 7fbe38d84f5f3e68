"""TCP links that can be broken while they run: cut, refused, reset, delayed, throttled; no root.

A link never alters, drops or reorders bytes. What is cut is held, as a network holds what it will
send again: connections stay open, and what was under way arrives after the link is mended.
"""

import asyncio
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from random import Random

from ops.ports import HOST
from ops.prove.pipe import Line, Pipe, Quality

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time to linger
_BACKLOG = 512


class Way(StrEnum):
    """One of the two directions of a link."""

    UP = "client to server"
    DOWN = "server to client"


class Link:
    """Listens on a free port of this machine and forwards to the target.

    It starts in perfect order. While either way is cut, new connections are taken and held.
    """

    def __init__(self, name: str, target_host: str, target_port: int) -> None:
        self.name = name
        self._target = (target_host, target_port)
        dice = Random(name)  # noqa: S311 - jitter
        self.lines = {way: Line(dice) for way in Way}
        self._whole = asyncio.Event()
        self._whole.set()
        self._port_keeper: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    @property
    def port(self) -> int:
        """The port that it listens on; it is the same until `stop`, also while it refuses."""
        if self._port_keeper is None:
            raise RuntimeError(f"the link {self.name} is not started")
        return int(self._port_keeper.getsockname()[1])

    @property
    def accepting(self) -> bool:
        return self._server is not None

    @property
    def connections(self) -> int:
        return len(self._connections)

    async def start(self) -> None:
        # A bound socket that does not listen keeps the port from others while the link refuses.
        self._port_keeper = _bound(0)
        await self.accept()

    async def stop(self) -> None:
        """Close everything, by force."""
        self.refuse()
        self.reset()
        if self._port_keeper:
            self._port_keeper.close()
            self._port_keeper = None

    def set(self, quality: Quality, *ways: Way) -> None:
        """Change how the given ways, or both, treat bytes from now on."""
        for way in ways or tuple(Way):
            self.lines[way].quality = quality
        if any(line.quality.cut for line in self.lines.values()):
            self._whole.clear()
        else:
            self._whole.set()
        for connection in tuple(self._connections):
            connection.regulate()

    def cut(self, *ways: Way) -> None:
        """Hold every byte; nobody is told."""
        self.set(Quality(cut=True), *ways)

    def delay(self, seconds: float, jitter: float = 0.0, *ways: Way) -> None:
        """Let every byte arrive `seconds` and up to `jitter` more later, in order."""
        self.set(Quality(delay=seconds, jitter=jitter), *ways)

    def throttle(self, bytes_per_second: float, *ways: Way) -> None:
        """Let so much through in each way, all connections taken together."""
        self.set(Quality(bytes_per_second=bytes_per_second), *ways)

    async def mend(self) -> None:
        """Be in perfect order again."""
        self.set(Quality())
        await self.accept()

    def refuse(self) -> None:
        """Refuse new connections; those that are there go on."""
        if self._server:
            self._server.close()
            self._server = None

    async def accept(self) -> None:
        """Take new connections again."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                lambda: _Connection(self).client, sock=_bound(self.port), backlog=_BACKLOG
            )

    def reset(self) -> int:
        """Reset all connections, towards both ends; return how many there were."""
        ended = tuple(self._connections)
        for connection in ended:
            connection.reset()
        return len(ended)

    async def connected(self, connection: "_Connection") -> None:
        """Connect it to the target, once the link is whole."""
        self._connections.add(connection)
        await self._whole.wait()
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: connection.server, *self._target)
        except OSError:
            connection.reset()

    def forget(self, connection: "_Connection") -> None:
        self._connections.discard(connection)


class Links(Mapping[str, Link]):
    """The links of one stack by name, started and stopped together."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}

    def __getitem__(self, name: str) -> Link:
        return self._links[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._links)

    def __len__(self) -> int:
        return len(self._links)

    def of(self, kind: str) -> Sequence[Link]:
        """Return those whose name begins with `kind`, e.g. all from ingresses to brokers."""
        return [link for name, link in self._links.items() if name.startswith(kind)]

    async def open(self, name: str, port: int) -> Link:
        """Start a link to a port of this machine."""
        link = self._links[name] = Link(name, HOST, port)
        await link.start()
        return link

    async def stop(self) -> None:
        await asyncio.gather(*(link.stop() for link in self._links.values()))
        self._links.clear()


class _Connection:
    """A client's connection, the target's that belongs to it, and a pipe in each way."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.client, self.server = _Side(self), _Side(self)
        self._pipes: tuple[Pipe, ...] = ()
        self._connecting: asyncio.Task[None] | None = None
        self._over = False

    def made(self, side: "_Side") -> None:
        side.transport.pause_reading()
        if self._over:
            _reset(side.transport)
        elif side is self.client:
            self._connecting = asyncio.create_task(self._link.connected(self))
        else:
            self._join()

    def _join(self) -> None:
        lines, client, server = self._link.lines, self.client, self.server
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
        self._link.forget(self)
        if self._connecting and self._connecting is not asyncio.current_task():
            self._connecting.cancel()
        for pipe in self._pipes:
            pipe.close()


class _Side(asyncio.Protocol):
    """What the event loop tells of one end."""

    transport: asyncio.Transport

    def __init__(self, connection: _Connection) -> None:
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


def _bound(port: int) -> socket.socket:
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    own.bind((HOST, port))
    return own
