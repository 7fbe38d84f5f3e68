"""What users say for one object reaches it, and no other."""

import hashlib
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

from tests.chart.rendered import STABLE, Object, Pod, Rendered, name_of

_SAID = (
    ("ServiceAccount", ("metadata", "annotations"), "serviceAccount.annotations"),
    ("Ingress", ("metadata", "annotations"), "expose.ingress.annotations"),
    ("Ingress", ("spec", "ingressClassName"), "expose.ingress.className"),
    ("Ingress", ("spec", "tls", 0, "secretName"), "expose.ingress.tlsSecret"),
    ("Ingress", ("spec", "tls", 0, "hosts", 0), "expose.ingress.host"),
    ("Ingress", ("spec", "rules", 0, "host"), "expose.ingress.host"),
    ("HTTPRoute", ("metadata", "annotations"), "expose.gateway.annotations"),
    ("HTTPRoute", ("spec", "parentRefs"), "expose.gateway.parentRefs"),
    ("HTTPRoute", ("spec", "hostnames"), "expose.gateway.hostnames"),
    (
        "PodMonitor",
        ("spec", "podMetricsEndpoints", 0, "interval"),
        "monitoring.podMonitor.interval",
    ),
    ("ServiceMonitor", ("spec", "endpoints", 0, "interval"), "monitoring.serviceMonitor.interval"),
)
"""Kind, place in the object, and the value that stands there; nothing for a value that is empty."""

_LABELLED = {
    "PodMonitor": "monitoring.podMonitor.labels",
    "ServiceMonitor": "monitoring.serviceMonitor.labels",
    "PrometheusRule": "monitoring.prometheusRule.labels",
}


def passed_on(rendered: Rendered) -> Iterator[str]:
    """A value that is one object's is found in it as it was said."""
    for kind, place, value in _SAID:
        wanted = _at(rendered.values, tuple(value.split(".")))
        for each in rendered.of(kind):
            needed = wanted if place[:2] != ("spec", "tls") or _tls(rendered) else None
            if (_at(each, place) or None) != (needed or None):
                yield f"{name_of(each)} does not say what {value} says"
    for kind, value in _LABELLED.items():
        wanted = _at(rendered.values, tuple(value.split(".")))
        for each in rendered.of(kind):
            if not wanted.items() <= each["metadata"]["labels"].items():
                yield f"{name_of(each)} lacks the labels {wanted}"


def _tls(rendered: Rendered) -> bool:
    return bool(rendered.values["expose"]["ingress"]["tlsSecret"])


def _at(found: Any, place: tuple[str | int, ...]) -> Any:
    """Return what is at a place, None if there is no such place."""

    def step(below: Any, name: str | int) -> Any:
        if isinstance(name, int):
            return below[name] if below and len(below) > name else None
        return (below or {}).get(name)

    return reduce(step, place, found)


def front_service(rendered: Rendered) -> Iterator[str]:
    """The Service in front is what the values say, and lets in whom they say."""
    said = rendered.values["ingress"]["service"]
    for each in rendered.of("Service"):
        spec = each["spec"]
        if "webhook" not in {port["name"] for port in spec["ports"]}:
            continue
        found = (
            spec.get("type"),
            [port["port"] for port in spec["ports"]],
            each["metadata"].get("annotations", {}),
            spec.get("loadBalancerSourceRanges", []),
            spec.get("externalTrafficPolicy", "Cluster"),
        )
        names = ("type", "annotations", "loadBalancerSourceRanges", "externalTrafficPolicy")
        kind, annotations, ranges, policy = (said[name] for name in names)
        if found != (kind, [said["port"]], annotations, ranges, policy):
            yield f"{name_of(each)} is {found}"


def own_words(rendered: Rendered) -> Iterator[str]:
    """A pod has the labels and annotations of all pods and of its workload, and no others."""
    common = rendered.values
    for pod in rendered.pods:
        own = rendered.values_of(pod)
        labels = {**common["commonLabels"], **common["podLabels"], **own.get("podLabels", {})}
        found = pod.metadata["labels"]
        if {name: each for name, each in found.items() if name not in STABLE} != labels:
            yield f"{name_of(pod.owner)} has the labels {found}"
        annotations = {**common["podAnnotations"], **own.get("podAnnotations", {})}
        ours = {
            name: each
            for name, each in pod.metadata.get("annotations", {}).items()
            if not name.startswith(("helm.sh/", "geophone/"))
        }
        if ours != annotations:
            yield f"{name_of(pod.owner)} has the annotations {ours}"


def anew_with_its_text(rendered: Rendered) -> Iterator[str]:
    """A pod that reads a text of ours at its start is another one when the text is."""
    texts = {each["metadata"]["name"]: each["data"] for each in rendered.of("ConfigMap")}
    for pod in rendered.pods:
        told = pod.metadata.get("annotations", {}).get("geophone/text")
        read = [text for name in _config_maps(pod) for text in texts.get(name, {}).values()]
        digests = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in read]
        if ([told] if told else []) != digests:
            yield f"{name_of(pod.owner)} stays as it is when its text changes"


def _config_maps(pod: Pod) -> Iterator[str]:
    for volume in pod.spec["volumes"]:
        for source in (volume, *_sources(volume)):
            if "configMap" in source:
                yield source["configMap"]["name"]


def _sources(volume: Object) -> list[Mapping[str, Any]]:
    return list(volume.get("projected", {}).get("sources", []))
