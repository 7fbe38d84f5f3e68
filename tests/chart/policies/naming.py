"""What objects are called, what is said for all of them, and what outlives a release."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.topics import Topics
from tests.chart.rendered import NAMESPACE, STABLE, Pod, Rendered, name_of


def common_values(rendered: Rendered) -> Iterator[str]:
    """What is said for all pods reaches every one; what is said for one workload, that one."""
    common = rendered.values
    for pod in rendered.pods:
        own = rendered.values_of(pod)
        nodes = {**common["nodeSelector"], **own.get("nodeSelector", {})}
        expected = {
            "nodeSelector": nodes,
            "tolerations": [*own.get("tolerations", []), *common["tolerations"]],
            "imagePullSecrets": common["imagePullSecrets"],
            "affinity": own.get("affinity") or common["affinity"],
            "priorityClassName": own.get("priorityClassName") or common["priorityClassName"],
        }
        for name, value in expected.items():
            if pod.spec.get(name, type(value)()) != value:
                yield f"{name_of(pod.owner)} has {name} {pod.spec.get(name)}"
        if pod.container["imagePullPolicy"] != common["image"]["pullPolicy"]:
            yield f"{name_of(pod.owner)} pulls {pod.container['imagePullPolicy']}"
        if pod.is_ours:
            yield from _extras(pod, common, own)


def _extras(pod: Pod, common: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[str]:
    """What is said for one workload replaces what is said for all under the same name."""
    places = {
        "extraEnv": ("name", pod.container["env"]),
        "extraVolumes": ("name", pod.spec["volumes"]),
        "extraVolumeMounts": ("mountPath", pod.container["volumeMounts"]),
    }
    for name, (key, place) in places.items():
        said = {each[key]: each for level in (common, own) for each in level.get(name, [])}
        if any(each not in place for each in said.values()):
            yield f"{name_of(pod.owner)} lacks what {name} says"


def names(rendered: Rendered) -> Iterator[str]:
    """Names are DNS labels; a StatefulSet's leaves room for what becomes a label of its pods."""
    for each in rendered.objects:
        name = each["metadata"]["name"]
        # Topics have the names that they have; the API allows them 253 characters.
        longest = {"StatefulSet": 52, "CronJob": 52, "KafkaTopic": 253}.get(each["kind"], 63)
        pattern = (
            r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?" if longest > 63 else r"[a-z]([-a-z0-9]*[a-z0-9])?"
        )
        if len(name) > longest or not re.fullmatch(pattern, name):
            yield f"{name_of(each)} is no name for one"
    labels = [name_of(each) + each["metadata"].get("namespace", "") for each in rendered.objects]
    if len(set(labels)) < len(labels):
        yield "two objects have the same name"


def labels(rendered: Rendered) -> Iterator[str]:
    """Every object says what it is, of which release, and where it is."""
    wanted = STABLE | {
        "app.kubernetes.io/version",
        "app.kubernetes.io/managed-by",
        "app.kubernetes.io/part-of",
        "helm.sh/chart",
        *rendered.values["commonLabels"],
    }
    for each in rendered.objects:
        if each["metadata"]["name"] == "geophone-extra":
            continue
        if each["kind"] != "Pod" and not wanted <= set(each["metadata"].get("labels", {})):
            yield f"{name_of(each)} has the labels {each['metadata'].get('labels')}"
        elsewhere = rendered.values["kafka"]["strimzi"]["namespace"]
        expected = elsewhere if each["kind"].startswith("Kafka") and elsewhere else NAMESPACE
        if each["metadata"].get("namespace") != expected:
            yield f"{name_of(each)} is in namespace {each['metadata'].get('namespace')}"
        if any(len(str(label)) > 63 for label in each["metadata"].get("labels", {}).values()):
            yield f"{name_of(each)} has a label that is too long"


def hooks(rendered: Rendered) -> Iterator[str]:
    """No hook but the test: others hang with --wait, and become something else under Argo CD."""
    for each in rendered.objects:
        annotations = each["metadata"].get("annotations", {})
        hook = annotations.get("helm.sh/hook")
        if hook not in (None, "test"):
            yield f"{name_of(each)} is a {hook} hook"
        if hook and annotations.get("helm.sh/hook-delete-policy") != "before-hook-creation":
            yield f"{name_of(each)} is in the next test's way, or gone before its log is read"


_RIGHTS = {
    "topic": {"Describe", "Read", "Write"},
    "group": {"Describe", "Read"},
    "transactionalId": {"Describe", "Write"},
}
"""What all processes together do: fetch and produce, commit offsets, end transactions."""


def rights(rendered: Rendered) -> Iterator[str]:
    """The user may do what the processes do, to what is ours by its prefix."""
    values = rendered.values
    group = f"{values['streams']['appId']}-"
    prefixes = {"topic": values["topics"]["prefix"], "group": group, "transactionalId": group}
    making = {"Create"} if values["topics"]["mode"] == "create" else set()
    for each in rendered.of("KafkaUser"):
        found = {acl["resource"]["type"]: acl for acl in each["spec"]["authorization"]["acls"]}
        for kind, needed in _RIGHTS.items():
            acl = found[kind]
            if acl["resource"] != {"type": kind, "name": prefixes[kind], "patternType": "prefix"}:
                yield f"{name_of(each)} is about {acl['resource']}"
            wanted = needed | making if kind == "topic" else needed
            if missing := wanted - set(acl["operations"]):
                yield f"{name_of(each)} may not {sorted(missing)} a {kind}"


def kept_topics(rendered: Rendered) -> Iterator[str]:
    """Topics as resources are those of the contract, and outlive the release."""
    values = rendered.values
    found = {each["spec"]["topicName"]: each for each in rendered.of("KafkaTopic")}
    wanted = (
        list(Topics(values["topics"]["prefix"])) if values["kafka"]["strimzi"]["topics"] else []
    )
    if set(found) != {topic.name for topic in wanted}:
        yield f"the topics are {sorted(found)}"
    for topic in wanted:
        if (each := found.get(topic.name)) is None:
            continue
        spec, replicas = each["spec"], values["topics"]["replication"]
        if spec["config"] != topic.config(replicas) or spec["replicas"] != replicas:
            yield f"{name_of(each)} is {spec}"
        if spec["partitions"] != values["topics"]["partitions"]:
            yield f"{name_of(each)} has {spec['partitions']} partitions"
        # Another number is then another resource for the same topic, and Strimzi heeds the oldest.
        if not each["metadata"]["name"].endswith(f".{spec['partitions']}"):
            yield f"an upgrade changes the partitions of {topic.name}"
    for each in rendered.of("KafkaTopic", "KafkaUser"):
        if each["metadata"].get("annotations", {}).get("helm.sh/resource-policy") != "keep":
            yield f"{name_of(each)} is deleted with the release, and all that is in it"
        if (
            each["metadata"]["labels"].get("strimzi.io/cluster")
            != values["kafka"]["strimzi"]["cluster"]
        ):
            yield f"{name_of(each)} belongs to no cluster"
