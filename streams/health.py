"""Probes and metrics on the admin port.

Liveness is progress: there is no work, or something moved lately. A process that exists and holds
its partitions without moving them is what a restart can mend; an outage of Kafka or of the CRM is
not, and a worker that keeps trying counts as alive. Readiness is ownership: the group is joined
and every assigned partition has been taken over.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import faust
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams.exit import ending_process
from streams.settings import Settings
from streams.source import Source


class Admin(faust.Service):
    """Serves /livez, /readyz and /metrics."""

    def __init__(self, sources: Sequence[Source], settings: Settings) -> None:
        super().__init__()
        self._sources = sources
        self._settings = settings

    async def on_start(self) -> None:
        app = web.Application()
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", _metrics)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        host, port = self._settings.admin_host, self._settings.admin_port
        with ending_process(f"serve on GEOPHONE_ADMIN_HOST, GEOPHONE_ADMIN_PORT {host}:{port}"):
            await self._runner.setup()
            await web.TCPSite(self._runner, host, port).start()
        if self._settings.ready_file:
            with ending_process("write GEOPHONE_READY_FILE"):
                self._announce(self._settings.ready_file)

    async def on_stop(self) -> None:
        await self._runner.cleanup()

    async def _livez(self, _: web.Request) -> web.Response:
        stalled = {source.stage: round(source.stalled_for(), 1) for source in self._sources}
        alive = all(seconds < self._settings.stalled_seconds for seconds in stalled.values())
        return web.json_response({"stalled_seconds": stalled}, status=200 if alive else 503)

    async def _readyz(self, _: web.Request) -> web.Response:
        ready = {source.stage: source.ready() for source in self._sources}
        return web.json_response({"ready": ready}, status=200 if all(ready.values()) else 503)

    def _announce(self, path: Path) -> None:
        """Write where the admin port is, whole or not at all."""
        host, port = self._runner.addresses[0][:2]
        reachable = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound
        draft = path.with_suffix(".tmp")
        draft.write_text(
            json.dumps({"pid": os.getpid(), "admin_url": f"http://{reachable}:{port}"}) + "\n"
        )
        draft.replace(path)


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
