"""The operator's port when there are several workers: one answer for all of them.

Numbers are told by worker (a label), so that a worker that starts anew is a counter that starts
anew, as Prometheus knows them.
"""

import asyncio
from collections.abc import Iterable, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ingress.asking import OK, ask
from ingress.reception import State
from ingress.workers import Slot

Answers = dict[int, tuple[int, str] | None]
"""By number of the worker that serves; None of one that does not answer."""


def create_pool_admin(slots: Sequence[Slot], state: State) -> Starlette:
    """Return the admin application of the parent."""

    async def livez(_: Request) -> Response:
        for number, answer in (await _all(slots, "/livez")).items():
            if answer is None:
                return PlainTextResponse(f"worker {number} does not answer", 503)
        return PlainTextResponse("alive")

    async def readyz(_: Request) -> Response:
        why = "shutting down" if state.draining else await _trouble(slots)
        return JSONResponse({"ready": why is None, "why": why}, status_code=503 if why else 200)

    async def numbers(_: Request) -> Response:
        answers = await _all(slots, "/metrics")
        texts = {number: answer[1] for number, answer in answers.items() if answer}
        registry = CollectorRegistry()
        registry.register(_Labelled(texts))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", numbers)]
    )


async def _trouble(slots: Sequence[Slot]) -> str | None:
    """Say why an event that came now might not be stored, None if it would be."""
    answers = await _all(slots, "/readyz")
    for slot in slots:
        answer = answers.get(slot.number)
        if answer is None:
            return f"worker {slot.number} does not serve"
        if answer[0] != OK:
            return f"worker {slot.number}: {answer[1]}"
    return None


async def _all(slots: Sequence[Slot], path: str) -> Answers:
    """Ask all workers that serve."""
    asked = {slot.number: url for slot in slots if (url := slot.admin_url)}
    answers = await asyncio.gather(*(ask(url, path) for url in asked.values()))
    return dict(zip(asked, answers, strict=True))


class _Labelled(Collector):
    """The metrics of all workers, each sample with the number of its worker."""

    def __init__(self, texts: dict[int, str]) -> None:
        self._texts = texts

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        for number, text in self._texts.items():
            for family in text_string_to_metric_families(text):
                ours = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                for sample in family.samples:
                    labels = {**sample.labels, "worker": str(number)}
                    ours.add_sample(sample.name, labels, sample.value)
        return families.values()
