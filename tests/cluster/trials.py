"""What is done to an installation under load: each returns what was seen, and judges nothing."""

import asyncio
from asyncio import to_thread
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.cluster.cluster import Cluster
from tests.cluster.installation import COMPONENTS, Installation
from tests.cluster.load import Load, steady

Record = Callable[[str, object], None]
"""pytest's `record_property`: what is told at the end."""
_LOOK_SECONDS = 0.3
_DRAIN = ("--delete-emptydir-data", "--timeout=280s")


async def under_load(it: Installation, *steps: Callable[[], object]) -> Load:
    """Do one step after the other while events come in; return what became of them."""
    async with steady(it.load()) as load:
        for step in steps:
            await to_thread(step)
    return load


async def rolling_restart(it: Installation, component: str) -> Load:
    return await under_load(it, partial(it.release.restart, component))


@dataclass
class Drained:
    """How a drain went: how many receivers there were whenever one looked, and what stayed."""

    load: Load
    receivers: list[int] = field(default_factory=list)
    stayed: int = 0


async def drain(it: Installation, cluster: Cluster) -> Drained:
    """Have all pods on the first node, then drain it onto the second."""
    full, empty = cluster.nodes
    await to_thread(_gather, it, empty)
    drained = Drained(it.load())
    looking = asyncio.create_task(_look(it, drained.receivers))
    try:
        async with steady(drained.load):
            await to_thread(it.kubectl, "drain", full, *_DRAIN)
            await to_thread(it.kubectl.until_none_ends)
    finally:
        looking.cancel()
        await to_thread(it.kubectl, "uncordon", full)
    pods = await to_thread(it.kubectl.get, "pods")
    drained.stayed = len([pod for pod in pods if pod["spec"].get("nodeName") == full])
    return drained


def _gather(it: Installation, empty: str) -> None:
    it.kubectl("cordon", empty)
    try:
        for component in COMPONENTS:
            it.release.restart(component)
    finally:
        it.kubectl("uncordon", empty)


async def _look(it: Installation, receivers: list[int]) -> None:
    while True:
        pods = await to_thread(it.kubectl.pods, "ingress")
        receivers.append(len([pod for pod in pods if _available(pod)]))
        await asyncio.sleep(_LOOK_SECONDS)


def _available(pod: dict[str, Any]) -> bool:
    conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", ())}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]
