"""The guide's way to try geophone out: a Kafka that the chart brings along, all values its own."""

import re
import socket
import time
from asyncio import to_thread
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import orjson
import pytest

from ops.reader import read_all
from schemas.connection import KafkaConnection
from schemas.topics import Topics
from tests.cluster.cluster import Cluster
from tests.cluster.helm import Release
from tests.cluster.kubectl import Kubectl
from tests.cluster.load import Load, steady
from tests.cluster.outcome import outcome
from tests.cluster.terminal import ROOT, Terminal, commands, terminal
from tests.cluster.trials import Record
from tests.streams_rig import eventually

pytestmark = pytest.mark.cluster
NAMESPACE = "geophone"
CLAIMS = 3
"""Volumes that the chart's own values claim: Kafka's, and one for each of two pods of dedup."""
PODS = 6
KAFKA = "geophone-kafka.geophone.svc"
CONNECTION = KafkaConnection(bootstrap_servers=f"{KAFKA}:9092")
TOPICS = Topics()
WORKLOADS = (
    "statefulset/geophone-kafka",
    "deployment/geophone-ingress",
    "statefulset/geophone-dedup",
    "statefulset/geophone-followup",
)
URL = "http://geophone-ingress.geophone.svc:80/webhook"
RATE = 20
"""Events a second while the broker is away: it is about what becomes of them, not about many."""
_SETTLED_SECONDS = 300.0
LEFT = {
    "configmap/kube-root-ca.crt",
    "persistentvolumeclaim/data-geophone-kafka-0",
    "persistentvolumeclaim/state-geophone-dedup-0",
    "persistentvolumeclaim/state-geophone-dedup-1",
    "secret/seismic",
    "serviceaccount/default",
}
"""What the guide says that stays, and what every namespace has."""
TESTED = "pod/geophone-canary-test"
"""Stays as well, or not: Helm's versions differ."""


@pytest.fixture
def inside(cluster: Cluster) -> Iterator[Kubectl]:
    """Give the guide's namespace, which the guide itself makes and removes."""
    kubectl = cluster.kubectl.within(NAMESPACE)
    yield kubectl
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")


@pytest.fixture
def names_lead_to_pods(inside: Kubectl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process find the broker by its Service's name, as pods do."""
    known = socket.getaddrinfo

    def find(host: str, *rest: Any, **more: Any) -> Any:
        if host == KAFKA:
            [pod] = inside.pods("kafka")
            host = pod["status"]["podIP"]
        return known(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", find)


@pytest.mark.usefixtures("names_lead_to_pods")
async def test_the_guides_way_on_one_node(
    cluster: Cluster, inside: Kubectl, tmp_path: Path, record_property: Record
) -> None:
    cluster.volumes(CLAIMS)
    images, install, uninstall = commands(
        ROOT / "docs" / "install.md", "On one node, to try it out"
    )
    assert all("docker build" in each for each in images), "no Docker here; the rest is typed"
    at = terminal(tmp_path, cluster.kubectl.kubeconfig, "helm4")

    began = time.monotonic()
    namespace, *further = install
    await to_thread(at.type, namespace)
    inside("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    notes = await to_thread(typed, at, further)
    assert f"\n  {URL}\n" in notes
    watch, test, forward = told_next(notes)
    await to_thread(all_become_ready, at, watch)
    took = time.monotonic() - began
    assert "all well" in await to_thread(at.type, test)
    await to_thread(answers, at, forward)

    load = Load(Release(inside, {}).url, (tmp_path / "signing-secret.txt").read_text().strip())
    async with steady(load, RATE):
        await to_thread(replace_the_broker, inside)
    record_property("done", "on one node")
    record_property("seen", f"ready after {took:.0f} s; the broker replaced: {load}")
    assert load.accepted
    await books(load)
    assert "all well" in await to_thread(at.type, test)

    leave, *forget = uninstall
    await to_thread(at.type, leave)
    await to_thread(inside.until_none_ends)
    assert await to_thread(there_is, inside) - {TESTED} == LEFT
    await to_thread(typed, at, forget)
    assert not inside.get("persistentvolumeclaims")


def typed(at: Terminal, lines: list[str]) -> str:
    """Type one command after the other; return what the last one printed."""
    return [at.type(line) for line in lines][-1]


def told_next(notes: str) -> list[str]:
    """Return the commands that the notes tell to go on with."""
    _, _, after = notes.partition("\nNext:\n\n")
    return re.findall(r"^  ((?:helm|kubectl) .*)$", after, re.MULTILINE)


def all_become_ready(at: Terminal, watch: str) -> None:
    """Watch until each pod has been seen to be ready."""
    ready: set[str] = set()
    with at.watch(watch) as lines:
        for line in lines:
            name, *state = line.split()
            (ready.add if state[:2] == ["1/1", "Running"] else ready.discard)(name)
            if len(ready) == PODS:
                return
    pytest.fail(f"ready are only {sorted(ready)}")


def answers(at: Terminal, forward: str) -> None:
    """Ask, through the forwarded port, for the pages that the command names behind it."""
    command, _, pages = forward.partition(" # ")
    [port] = re.findall(r" (\d+) ", command)
    with at.watch(forward) as lines:
        assert next(lines).startswith("Forwarding from")
        for page in pages.split(", "):
            with urlopen(f"http://127.0.0.1:{port}{page}") as response:
                assert response.status == 200


def replace_the_broker(inside: Kubectl) -> None:
    """Take the broker's pod away; return when there is another, and the others are ready again."""
    inside("delete", "pod", "geophone-kafka-0")
    for workload in WORKLOADS:
        inside("rollout", "status", workload, "--timeout=280s")


async def books(load: Load) -> None:
    """Assert that all that was accepted came out once, in order, with a task per recipient."""
    await eventually(partial(all_there, load), "all events", _SETTLED_SECONDS, 2)
    (await outcome(CONNECTION, TOPICS)).is_right(load)
    tasks = Counter(await recipients())
    assert [tasks[each] for each in load.recipients] == [1] * len(load.recipients)


async def all_there(load: Load) -> bool:
    found = await outcome(CONNECTION, TOPICS)
    return found.has_all(load) and set(load.recipients) <= set(await recipients())


async def recipients() -> list[str]:
    """Return whom tasks are about; without a CRM they wait in their topic."""
    commands = [each.value for each in await read_all(CONNECTION, [TOPICS.task.name])]
    return [orjson.loads(each)["recipient"]["email"] for each in commands]


def there_is(inside: Kubectl) -> set[str]:
    """Return all that is in the namespace, but for the news of it."""
    kinds = inside("api-resources", "--namespaced", "--verbs=list", "--output=name").split()
    lasting = ",".join(kind for kind in kinds if not kind.startswith("events"))
    return set(inside("get", lasting, "--output=name").split())
