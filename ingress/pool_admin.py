"""The operator's port when there are several workers: one answer for all of them.

Numbers are told by worker (a label), so that a worker that starts anew is a counter that starts
anew, as Prometheus knows them.
"""

import asyncio
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ingress.reception import State
from ingress.workers import Slot

ANSWER_SECONDS = 1.0
"""A worker whose event loop turns answers within milliseconds."""
OK = 200
_GET = b"GET %b HTTP/1.1\r\nhost: worker\r\nconnection: close\r\n\r\n"


def create_pool_admin(slots: Sequence[Slot], state: State) -> Starlette:
    """Return the admin application of the parent."""

    async def livez(_: Request) -> Response:
        answers = await _all(slots, "/livez")
        silent = [number for number, answer in answers if answer is None]
        if silent:
            return PlainTextResponse(f"worker {silent[0]} does not answer", 503)
        return PlainTextResponse("alive")

    async def readyz(_: Request) -> Response:
        why = "shutting down" if state.draining else await _trouble(slots)
        return JSONResponse({"ready": why is None, "why": why}, status_code=503 if why else 200)

    async def numbers(_: Request) -> Response:
        answers = await _all(slots, "/metrics")
        registry = CollectorRegistry()
        registry.register(_Labelled((number, answer[1]) for number, answer in answers if answer))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", numbers)]
    )


Answer = tuple[int, str]


async def _trouble(slots: Sequence[Slot]) -> str | None:
    """Say why an event that came now might not be stored, None if it would be."""
    answers = dict(await _all(slots, "/readyz"))
    for slot in slots:
        answer = answers.get(slot.number)
        if answer is None:
            return f"worker {slot.number} does not serve"
        if answer[0] != OK:
            return f"worker {slot.number}: {answer[1]}"
    return None


async def _all(slots: Sequence[Slot], path: str) -> list[tuple[int, Answer | None]]:
    """Ask all workers that serve; None for one that does not answer."""
    urls = [(slot.number, slot.worker and slot.worker.admin_url) for slot in slots]
    asked = [(number, url) for number, url in urls if url]
    answers = await asyncio.gather(*(_ask(url, path) for _, url in asked))
    return [(number, answer) for (number, _), answer in zip(asked, answers, strict=True)]


async def _ask(url: str, path: str) -> Answer | None:
    where = urlsplit(url)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            try:
                writer.write(_GET % path.encode())
                said = (await reader.read()).decode()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    head, _, body = said.partition("\r\n\r\n")
    return (int(head.split(" ", 2)[1]), body) if head else None


class _Labelled(Collector):
    """The metrics of all workers, each sample with the number of its worker."""

    def __init__(self, texts: Iterable[tuple[int, str]]) -> None:
        self._texts = list(texts)

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        for number, text in self._texts:
            for family in text_string_to_metric_families(text):
                ours = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                for sample in family.samples:
                    labels = {**sample.labels, "worker": str(number)}
                    ours.add_sample(sample.name, labels, sample.value)
        return families.values()
