"""A pod that ends loses nothing, one that comes back is the same, a finding is soon forgotten."""

from collections.abc import Iterator

from streams.source import STOP_SECONDS
from tests.chart.rendered import Rendered, name_of

_START_SECONDS = 10
"""What a pod of streams needs to be scheduled and to start, at least."""


def drain(rendered: Rendered) -> Iterator[str]:
    """A pod that ends has the time for all it promised, and the next one is there before."""
    for pod in rendered.workloads:
        if pod.component != "ingress":
            continue
        hook = pod.container.get("lifecycle", {}).get("preStop", {})
        pause = int(hook.get("sleep", {}).get("seconds", 0))
        if pause != rendered.values["ingress"]["preStopSeconds"]:
            yield f"{name_of(pod.owner)} waits {pause} s before it ends"
        needs = float(pod.env["GEOPHONE_DRAIN_SECONDS"]) + float(
            pod.env["GEOPHONE_DEADLINE_SECONDS"]
        )
        if pod.spec.get("terminationGracePeriodSeconds", 30) < pause + needs + 10:
            yield f"{name_of(pod.owner)} is killed while it drains"
        strategy = pod.owner["spec"].get("strategy", {}).get("rollingUpdate", {})
        if strategy != {"maxUnavailable": 0, "maxSurge": 1}:
            yield f"{name_of(pod.owner)} is updated by {strategy}"


def membership(rendered: Rendered) -> Iterator[str]:
    """A pod of a stage is the same member after its restart, and is waited for that long."""
    for pod in rendered.stages:
        named = {"name": "GEOPHONE_INSTANCE"}
        named |= {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}  # type: ignore[dict-item]
        if pod.owner["kind"] != "StatefulSet" or named not in pod.container["env"]:
            yield f"{name_of(pod.owner)} is another member after each restart"
        grace = pod.spec.get("terminationGracePeriodSeconds", 30)
        if grace <= STOP_SECONDS:
            yield f"{name_of(pod.owner)} is killed before it has let go"
        session = float(pod.env.get("GEOPHONE_SESSION_TIMEOUT_SECONDS", "0"))
        if session <= grace + _START_SECONDS:
            yield f"{name_of(pod.owner)} loses its partitions at each restart"
        if pod.owner["spec"].get("podManagementPolicy") != "Parallel":
            yield f"{name_of(pod.owner)} starts pod by pod"


def state(rendered: Rendered) -> Iterator[str]:
    """Marks in RocksDB are on a volume of the pod's own, if volumes may be claimed."""
    dedup = rendered.values["streams"]["dedup"]
    for pod in rendered.stages:
        claims = pod.owner["spec"].get("volumeClaimTemplates", [])
        wanted = pod.component == "dedup" and dedup["marks"] == "rocksdb"
        wanted = wanted and dedup["persistence"]["enabled"]
        if [each["metadata"]["name"] for each in claims] != ["state"] * wanted:
            yield f"{name_of(pod.owner)} claims {claims}"
        if claims and pod.owner["spec"].get("persistentVolumeClaimRetentionPolicy") != {
            when: dedup["persistence"][when] for when in ("whenScaled", "whenDeleted")
        }:
            yield f"{name_of(pod.owner)} does not say what becomes of its volumes"


def findings(rendered: Rendered) -> Iterator[str]:
    """A Job that failed is gone an hour later, or an alert on failed Jobs would never end."""
    for each in rendered.of("CronJob"):
        job = each["spec"]["jobTemplate"]["spec"]
        if (
            each["spec"]["failedJobsHistoryLimit"] != 1
            or job.get("ttlSecondsAfterFinished") != 3600
        ):
            yield f"{name_of(each)} keeps what it found"
