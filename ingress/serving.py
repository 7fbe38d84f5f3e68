"""How uvicorn serves an application here: told when to end, and patient with nobody."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from ingress.doorway import HANDSHAKE_SECONDS
from ingress.settings import Settings
from ingress.tls import Tls

FAREWELL_SECONDS = 1.0
"""What TLS gets at the end of a connection."""

FINISH_SECONDS = 5
"""Longest wait for connections to end after the last accept: more than any answer takes."""


class Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen as uvicorn does, but let nobody take a minute for its part of the handshake."""
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()
        tls = self.config.ssl
        self.servers = [
            await loop.create_server(
                self._protocol,
                sock=each,
                backlog=self.config.backlog,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None,
                ssl_shutdown_timeout=FAREWELL_SECONDS if tls else None,
            )
            for each in sockets or []
        ]
        self.started = True

    def stop_accepting(self) -> None:
        """Close this process's copy of the listening socket; connections go on."""
        for each in self.servers:
            each.close()

    def _protocol(self) -> asyncio.Protocol:
        kind: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = kind(self.config, self.server_state, self.lifespan.state)
        return protocol

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone: `serve` decides what they mean."""
        yield


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp,
    listener: socket.socket,
    settings: Settings,
    http: Any = "httptools",
    tls: Tls | None = None,
) -> AsyncIterator[Server]:
    """Serve an application on a socket; at the end stop accepting and finish what is in flight."""
    config = uvicorn.Config(
        app,
        http=http,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=FINISH_SECONDS,
        ssl_context_factory=(lambda *_: tls.context) if tls else None,
    )
    server = Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield server
    finally:
        server.should_exit = True
        await task
