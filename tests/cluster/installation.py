"""One installation of geophone: the release, and what lies around it on this machine."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import ClientSession
from aiokafka import ConsumerRecord

from ops.reader import read_all
from schemas.topics import Topics
from tests.books import balance, identity
from tests.cluster.around import Around
from tests.cluster.cluster import Cluster
from tests.cluster.helm import Release
from tests.cluster.kubectl import Kubectl, namespace
from tests.cluster.load import Load
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
    def prefix(self) -> str:
        return f"{self.kubectl.namespace}."

    def load(self, secret: str = SECRET) -> Load:
        return Load(self.release.url, secret)

    async def books(self, load: Load) -> None:
        """Assert that all that was accepted came out once, in order, with a task per recipient."""
        await eventually(lambda: self._all_there(load), "all events", _SETTLED_SECONDS, 2)
        records = await self._records()
        raw = records.pop(f"{self.prefix}raw")
        quarantine = records.pop(f"{self.prefix}quarantine")
        balance(raw, [each for found in records.values() for each in found], quarantine)
        stored = [who for who in map(identity, raw) if who in load.accepted]
        assert len(stored) == len(set(stored)), "stored twice"
        assert set(stored) == set(load.accepted), "answered 2xx and not stored"
        tasks = await self._recipients()
        assert sorted(who for who in tasks if who in load.recipients) == sorted(load.recipients)

    async def _all_there(self, load: Load) -> bool:
        records = await self._records()
        outputs = [name for name in records if ".event." in name]
        out = {identity(each) for name in outputs for each in records[name]}
        return set(load.accepted) <= out and set(load.recipients) <= set(await self._recipients())

    async def _records(self) -> dict[str, list[ConsumerRecord]]:
        topics = Topics(self.prefix)
        names = [topic.name for topic in topics if ".event." in topic.name]
        names += [topics.raw.name, topics.quarantine.name]
        found: dict[str, list[ConsumerRecord]] = {name: [] for name in names}
        for record in await read_all(self.around.connection, names):
            found[record.topic].append(record)
        return found

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
        "image": {"registry": "localhost", "pullPolicy": "Never"},
        "seismic": {"existingSecret": SECRET_NAME},
        "kafka": {"bootstrapServers": around.kafka},
        "topics": {"prefix": f"{name}.", "partitions": PARTITIONS, "replication": 1},
        "ingress": {"replicas": REPLICAS, "resources": _SMALL},
        "streams": {"appId": name, **stages},
        "crm": {"connector": "sandbox", "url": around.crm},
    }
