"""What a running worker says about itself on its admin port."""

import json
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from ops.child import Child

START_SECONDS = 30


class Probe:
    """Asks one worker; each call finds the port anew, as a restart changes it."""

    def __init__(self, worker: Child) -> None:
        self._worker = worker

    async def livez(self) -> int:
        return (await self._get("/livez"))[0]

    async def readyz(self) -> int:
        return (await self._get("/readyz"))[0]

    async def json(self, path: str) -> Any:
        return json.loads((await self._get(path))[1])

    async def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples with these labels; 0 if there is none."""
        _, text = await self._get("/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    async def _get(self, path: str) -> tuple[int, str]:
        url = (await self._worker.announced(START_SECONDS))["admin_url"]
        async with aiohttp.ClientSession() as session, session.get(url + path) as response:
            return response.status, await response.text()
