"""What the connections of a process share: how many there are, how long each may take.

Deadlines are not timers: twice a second every connection is asked whether its time is up. That
costs an idle connection less than a microsecond a second, and a request nothing.
"""

import asyncio
import ssl
from collections import Counter
from typing import Protocol

import structlog

from ingress import answers
from ingress import metrics as table
from ingress.answers import Answer
from ingress.reception import Reception
from ingress.rendering import Rendering
from ingress.shape import Shape

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 0.5
"""How late a deadline may be noticed."""

MAX_HEADERS = 100
SYNTAX_BYTES = 4 * MAX_HEADERS + 64
"""What a head may have beside its names and values: colons, spaces, ends of lines, a method."""

MAX_URL_BYTES = 8 * 1024
MAX_PIPELINED = 8
"""Requests of one connection that may wait behind an unanswered one."""

HANDSHAKE_SECONDS = 5.0
"""Longest time until TLS is agreed on."""

UNREAD_SECONDS = 3.0
"""How long answers may wait for a caller that takes none of them, or an end for its consent: for as
long as the sender itself waits for an answer."""

UNREAD_BYTES = 4 * 1024
"""With so many bytes of answers in the process, a connection's next requests wait."""

STUCK_SECONDS = 30.0
"""An answer takes less than four: beyond this it is our bug, and may cost one connection only."""

LINGER_SECONDS = 1.0
"""How long a refused connection is read to nowhere: closing at once would reset it, and the caller
would see that instead of its answer."""

HURRIED_SECONDS = 1.0
"""How long idle connections are kept while there is no room for more."""

SPARE = 256
"""Connections beyond the limit that are told so; those after them are cut off."""


class Connection(Protocol):
    """What the doorway asks of a connection."""

    @property
    def address(self) -> str | None:
        """Where it comes from; None if that cannot be told."""

    def check(self, now: float) -> None:
        """End what takes too long; `now` is the loop's time."""

    def cut(self) -> None:
        """End at once."""


class Doorway:
    """All connections of the public port."""

    def __init__(self, reception: Reception) -> None:
        settings = reception.settings
        self.reception = reception
        self.rendered = Rendering()
        self.shape: Shape | None = None
        """The newest shape that a connection has learned."""
        self.path = settings.webhook_path.encode()
        self.max_body_bytes = settings.max_body_bytes
        self.deadline_seconds = settings.deadline_seconds
        self.header_seconds = settings.header_seconds
        self.max_header_bytes = settings.max_header_bytes
        self._keep_alive_seconds = settings.keep_alive_seconds
        self._max = settings.max_connections
        self._max_per_address = settings.max_connections_per_address
        self._connections: set[Connection] = set()
        self._addresses: Counter[str | None] = Counter()
        self._handshakes: dict[object, float] = {}
        reception.metrics.watch(table.CONNECTIONS, lambda: len(self._connections))

    @property
    def idle_seconds(self) -> float:
        """How long a connection may wait between two requests."""
        return self._keep_alive_seconds if len(self._connections) < self._max else HURRIED_SECONDS

    def began(self, handshake: object) -> None:
        """Count a TLS handshake: until it is done, nobody else tells of its connection.

        Raises:
            ssl.SSLError: there are far too many connections already.
        """
        if len(self._connections) + len(self._handshakes) >= self._max + SPARE:
            self.closed("crowd")
            raise ssl.SSLError("too many connections")
        self._handshakes[handshake] = asyncio.get_running_loop().time()

    def agreed(self, handshake: object) -> None:
        """Note that a handshake is done."""
        self._handshakes.pop(handshake, None)

    def enter(self, connection: Connection) -> Answer | None:
        """Let a connection in, or return the only answer it gets."""
        self._connections.add(connection)
        self._addresses[connection.address] += 1
        if len(self._connections) > self._max + SPARE:
            self.closed("crowd")
            connection.cut()
        if len(self._connections) > self._max:
            return self.reception.crowded
        if self._max_per_address and self._addresses[connection.address] > self._max_per_address:
            return answers.TOO_MANY
        return None

    def leave(self, connection: Connection) -> None:
        """Note that a connection is gone."""
        self._connections.discard(connection)
        self._addresses[connection.address] -= 1
        if not self._addresses[connection.address]:
            del self._addresses[connection.address]

    def closed(self, why: str) -> None:
        """Count a connection that is closed without an answer."""
        self.reception.metrics.closed(why)

    def sweep(self) -> None:
        """Enforce the deadlines."""
        now = asyncio.get_running_loop().time()
        oldest = now - HANDSHAKE_SECONDS - SWEEP_SECONDS
        self._handshakes = {each: at for each, at in self._handshakes.items() if at > oldest}
        for connection in list(self._connections):
            try:
                connection.check(now)
            except Exception:
                log.exception("bug")
                connection.cut()
