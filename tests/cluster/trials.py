"""What is done to an installation under load: each returns what was seen, and judges nothing."""

import asyncio
from asyncio import to_thread
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.cluster.cluster import Cluster
from tests.cluster.helm import CHART, NAME
from tests.cluster.installation import COMPONENTS, REPLICAS, Installation
from tests.cluster.load import Load, steady

Record = Callable[[str, object], None]
"""pytest's `record_property`: what is told at the end."""
_LOOK_SECONDS = 0.3
_AUTOSCALED = ("--set", "ingress.autoscaling.enabled=true")
_DRAIN = ("--delete-emptydir-data", "--timeout=280s")


@dataclass
class Seen:
    """What became of the events, and how many receivers there were whenever one looked."""

    load: Load
    receivers: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.load}; at least {min(self.receivers)} receivers"


async def under_load(it: Installation, *steps: Callable[[], object]) -> Seen:
    """Do one step after the other while events come in."""
    seen = Seen(it.load())
    looking = asyncio.create_task(_look(it, seen.receivers))
    try:
        async with steady(seen.load):
            for step in steps:
                await to_thread(step)
    finally:
        looking.cancel()
    return seen


async def rolling_restart(it: Installation, component: str) -> Seen:
    return await under_load(it, partial(it.release.restart, component))


def autoscaled(it: Installation, chart: Path = CHART) -> int:
    """Add a receiver as an autoscaler does, upgrade, and return how many are asked for then.

    There are no metrics here, so the autoscaler itself leaves the number alone.
    """
    it.release.upgrade(*_AUTOSCALED, chart=chart)
    receivers = f"deployment/{NAME}-ingress"
    it.kubectl("scale", receivers, f"--replicas={REPLICAS + 1}")
    it.kubectl("rollout", "status", receivers, "--timeout=120s")
    it.release.upgrade(*_AUTOSCALED, "--set", "ingress.logLevel=WARNING", chart=chart)
    return int(it.kubectl("get", receivers, "--output=jsonpath={.spec.replicas}"))


def no_longer_autoscaled(it: Installation) -> None:
    """Go back to a fixed number, which Helm 4 takes from nobody unless it is told to."""
    it.release.upgrade("--force-conflicts")


async def drain(it: Installation, cluster: Cluster) -> Seen:
    """Have all pods on the first node, then drain it onto the second.

    Raises:
        CommandFailed: a pod could not be moved.
    """
    full, empty = cluster.nodes
    await to_thread(_gather, it, empty)
    try:
        leave = partial(it.kubectl, "drain", full, *_DRAIN)
        return await under_load(it, leave, it.kubectl.until_none_ends)
    finally:
        await to_thread(it.kubectl, "uncordon", full)


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
        receivers.append(len([pod for pod in pods if available(pod)]))
        await asyncio.sleep(_LOOK_SECONDS)


def available(pod: dict[str, Any]) -> bool:
    """Return whether it is ready and was not told to end."""
    conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", ())}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]
