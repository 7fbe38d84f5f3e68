"""Whom network policies let in and out, beside the ports: whom the values name."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from tests.chart.policies.reach import port_of
from tests.chart.rendered import Object, Pod, Rendered, name_of, selects


def peers(rendered: Rendered) -> Iterator[str]:
    """Who may call a port is who the values say; the webhook's always the canary's, too."""
    values = rendered.values["networkPolicy"]
    for pod in rendered.workloads:
        for each in _policies(rendered, pod):
            admin = _let_in(each, "admin")
            if admin != values["metricsFrom"]:
                yield f"{name_of(each)} shows metrics to {admin}"
            if pod.component == "ingress":
                yield from _callers(rendered, each, values["webhookFrom"])


def _callers(rendered: Rendered, policy: Object, wanted: list[Object]) -> Iterator[str]:
    found = _let_in(policy, "webhook")
    canaries = [each for each in found if _finds(rendered, each, "canary")]
    if [each for each in found if each not in canaries] != wanted:
        yield f"{name_of(policy)} lets {found} call the webhook"
    if wanted and not canaries:
        yield f"{name_of(policy)} keeps the canary out"


def _finds(rendered: Rendered, peer: Object, component: str) -> bool:
    found = [pod for pod in rendered.pods if selects(peer.get("podSelector", {}))(pod)]
    return "podSelector" in peer and {pod.component for pod in found} == {component}


def further_ways_out(rendered: Rendered) -> Iterator[str]:
    """What users let all pods do beside, they may; and the canary reaches where it calls."""
    for pod in rendered.pods:
        for each in _policies(rendered, pod):
            egress = each["spec"]["egress"]
            further = rendered.values["networkPolicy"]["extraEgress"]
            if pod.is_ours and any(rule not in egress for rule in further):
                yield f"{name_of(each)} lacks {further}"
            if pod.component == "canary":
                opened = {port["port"] for rule in egress for port in rule["ports"]}
                if missing := _called(rendered, pod) - opened:
                    yield f"{name_of(each)} keeps the canary from {missing}"


def _called(rendered: Rendered, canary: Pod) -> set[int]:
    """Return the port of the URL, and that of the pods behind it if it is the Service's."""
    arguments = canary.container["args"]
    url = str(arguments[arguments.index("--url") + 1])
    pods = {
        port["containerPort"]
        for pod in rendered.workloads
        for port in pod.container["ports"]
        if port["name"] == "webhook" and str(urlsplit(url).hostname).endswith(".svc")
    }
    return {port_of(url), *pods}


def own_kafka(rendered: Rendered) -> Iterator[str]:
    """The Kafka for trying out asks for no login, so only this installation talks to it."""
    for pod in rendered.pods:
        if pod.is_ours:
            continue
        for each in _policies(rendered, pod):
            (peer,) = _let_in(each, "kafka")
            chosen = peer.get("podSelector", {}).get("matchLabels", {})
            if set(chosen) != {f"app.kubernetes.io/{label}" for label in ("name", "instance")}:
                yield f"{name_of(each)} lets {peer} in"
            if not all(selects(peer["podSelector"])(other) for other in rendered.pods):
                yield f"{name_of(each)} keeps pods of ours out"


def _policies(rendered: Rendered, pod: Pod) -> list[Object]:
    return [
        each for each in rendered.of("NetworkPolicy") if selects(each["spec"]["podSelector"])(pod)
    ]


def _let_in(policy: Object, port: str) -> list[Any]:
    """Return who may call a port; nobody named is everybody."""
    return [
        peer
        for rule in policy["spec"]["ingress"]
        if {each["port"] for each in rule["ports"]} == {port}
        for peer in rule.get("from", [])
    ]
