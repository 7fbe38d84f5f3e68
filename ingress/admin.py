"""The operator's port: is it alive, is it ready, what does it count. Never for strangers.

Alive means that the event loop turns; Kafka has no say in it, because a restart cures no broker.
Ready means that an event that came now would be stored.
"""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ingress import metrics as table
from ingress.metrics import Metrics
from ingress.reception import State
from ingress.sink import Sink


def create_admin(sink: Sink, metrics: Metrics, state: State) -> Starlette:
    """Return the admin application."""

    def trouble() -> str | None:
        return "shutting down" if state.draining else sink.trouble()

    async def livez(_: Request) -> Response:
        return PlainTextResponse("alive")

    async def readyz(_: Request) -> Response:
        why = trouble()
        return JSONResponse({"ready": why is None, "why": why}, status_code=503 if why else 200)

    async def numbers(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    metrics.watch(table.READY, lambda: not trouble())
    return Starlette(
        routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", numbers)]
    )
