"""TCP links that can be broken while they run: cut, refused, reset, delayed, throttled; no root.

A link never alters, drops or reorders bytes. What is cut is held, as a network holds what it will
send again: connections stay open, and what was under way arrives after the link is mended.
"""

import asyncio
import socket
from collections.abc import Iterator, Mapping, Sequence
from random import Random

from ops.ports import HOST
from ops.prove.pipe import Line, Quality, Way
from ops.prove.relay import Connection

_BACKLOG = 512


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
        self._connections: set[Connection] = set()

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
                lambda: Connection(self).client, sock=_bound(self.port), backlog=_BACKLOG
            )

    def reset(self) -> int:
        """Reset all connections, towards both ends; return how many there were."""
        ended = tuple(self._connections)
        for connection in ended:
            connection.reset()
        return len(ended)

    async def connected(self, connection: Connection) -> None:
        """Connect it to the target, once the link is whole."""
        self._connections.add(connection)
        await self._whole.wait()
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: connection.server, *self._target)
        except OSError:
            connection.reset()

    def forget(self, connection: Connection) -> None:
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


def _bound(port: int) -> socket.socket:
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    own.bind((HOST, port))
    return own
