"""One installation of geophone: the release, and what lies around it on this machine."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import ClientSession

from schemas.topics import Topics
from tests.cluster.around import Around
from tests.cluster.cluster import Cluster
from tests.cluster.helm import Release
from tests.cluster.kubectl import Kubectl, namespace
from tests.cluster.load import Load
from tests.cluster.outcome import outcome
from tests.streams_rig import eventually

SECRET = "0123456789abcdef-the-first"
SECRET_NAME = "seismic"
PARTITIONS = 4
REPLICAS = 2
"""Pods of each workload."""
COMPONENTS = ("ingress", "dedup", "followup", "crm")
_SETTLED_SECONDS = 180.0
_SMALL = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}


@dataclass(frozen=True)
class Installation:
    """A release in a namespace of its own, with topics of its own."""

    release: Release
    kubectl: Kubectl
    around: Around

    @property
    def topics(self) -> Topics:
        return Topics(f"{self.kubectl.namespace}.")

    def load(self, secret: str = SECRET) -> Load:
        return Load(self.release.url, secret)

    async def books(self, load: Load) -> None:
        """Assert that all that was accepted came out once, in order, with a task per recipient."""
        await eventually(lambda: self._all_there(load), "all events", _SETTLED_SECONDS, 2)
        (await outcome(self.around.connection, self.topics)).is_right(load)
        tasks = await self._recipients()
        assert sorted(who for who in tasks if who in load.recipients) == sorted(load.recipients)

    async def _all_there(self, load: Load) -> bool:
        found = await outcome(self.around.connection, self.topics)
        return found.has_all(load) and set(load.recipients) <= set(await self._recipients())

    async def _recipients(self) -> list[str]:
        url = f"{self.around.crm}/tasks?limit=10000"
        async with ClientSession() as session, session.get(url) as response:
            tasks = orjson.loads(await response.read())["tasks"]
        return [task["command"]["recipient"]["email"] for task in tasks]


@contextmanager
def installation(
    cluster: Cluster, around: Around, name: str, helm: str = "helm4"
) -> Iterator[Installation]:
    """Give a namespace that is ready for the chart, restricted; at the end all in it is gone."""
    with namespace(cluster.kubectl, name) as kubectl:
        put_secret(kubectl, SECRET)
        yield Installation(Release(kubectl, _values(name, around), helm), kubectl, around)


def put_secret(kubectl: Kubectl, *secrets: str) -> None:
    """Make or replace the Secret that the ingress knows its signing secrets from."""
    lines = base64.b64encode("\n".join(secrets).encode()).decode()
    kubectl.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": SECRET_NAME},
            "data": {"secrets": lines},
        }
    )


def _values(name: str, around: Around) -> dict[str, Any]:
    stages = {stage: {"replicas": REPLICAS, "resources": _SMALL} for stage in COMPONENTS[1:]}
    return {
        "image": {"pullPolicy": "Never"},
        "seismic": {"existingSecret": SECRET_NAME},
        "kafka": {"bootstrapServers": around.kafka},
        "topics": {"prefix": f"{name}.", "partitions": PARTITIONS, "replication": 1},
        "ingress": {"replicas": REPLICAS, "resources": _SMALL},
        "streams": {"appId": name, **stages},
        "crm": {"connector": "sandbox", "url": around.crm},
    }
