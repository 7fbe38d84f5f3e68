"""Alive is about the process, ready about its work."""

from collections.abc import Iterator, Mapping
from typing import Any

from ops.kafka.cluster import RESTART_S
from tests.chart.rendered import Rendered, name_of


def probes(rendered: Rendered) -> Iterator[str]:
    """Alive is about the process, ready about its work, and a start may take its time."""
    for pod in rendered.workloads:
        found = {
            kind: pod.container.get(f"{kind}Probe", {})
            for kind in ("startup", "liveness", "readiness")
        }
        paths = {kind: each.get("httpGet", {}).get("path") for kind, each in found.items()}
        if paths["liveness"] != "/livez" or paths["readiness"] != "/readyz" or not paths["startup"]:
            yield f"{name_of(pod.owner)} is probed at {paths}"
        if {each.get("httpGet", {}).get("port") for each in found.values()} != {"admin"}:
            yield f"{name_of(pod.owner)} is probed at another port"
        if patience(found["startup"]) < 2 * patience(found["liveness"]):
            yield f"{name_of(pod.owner)} has no time to start"


def long_restore(rendered: Rendered) -> Iterator[str]:
    """A stage is not given up while it takes over for the first time."""
    for pod in rendered.stages:
        startup = pod.container["startupProbe"]
        if startup["httpGet"]["path"] != "/readyz" or patience(startup) < int(
            rendered.values["streams"]["startupSeconds"]
        ):
            yield f"{name_of(pod.owner)} is restarted in the middle of a restore"


def long_recovery(rendered: Rendered) -> Iterator[str]:
    """Kafka is not given up while it reads its disk after it was killed."""
    for pod in rendered.pods:
        if not pod.is_ours and patience(pod.container["startupProbe"]) < RESTART_S:
            yield f"{name_of(pod.owner)} is restarted in the middle of a recovery"


def patience(probe: Mapping[str, Any]) -> int:
    """Return for how many seconds a probe may fail."""
    return int(probe.get("periodSeconds", 10)) * int(probe.get("failureThreshold", 3))
