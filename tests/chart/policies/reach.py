"""Who reaches whom: selectors, Services, ways in, network policies, Prometheus."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import yaml

from tests.chart.rendered import STABLE, Object, Pod, Rendered, name_of, selects

_DNS = {(protocol, port) for protocol in ("UDP", "TCP") for port in (53, 5353)}
"""5353 is where OpenShift's DNS pods listen: a policy sees them, and not their Service's port."""
_INSTALLATION = STABLE - {"app.kubernetes.io/component"}
_MEANT = {"https": 443, "http": 80}


def selectors(rendered: Rendered) -> Iterator[str]:
    """Selectors find their pods, those alone, and never change: they are immutable."""
    for pod in rendered.pods:
        if not pod.serves:
            continue
        chosen = pod.owner["spec"]["selector"]["matchLabels"]
        found = [
            each for each in rendered.pods if chosen.items() <= each.metadata["labels"].items()
        ]
        if found != [pod] or set(chosen) != STABLE:
            yield f"{name_of(pod.owner)} selects {chosen}"
        for claim in pod.owner["spec"].get("volumeClaimTemplates", []):
            if set(claim["metadata"].get("labels", {})) - STABLE:
                yield f"{name_of(pod.owner)} has labels on its claims that change"


def services(rendered: Rendered) -> Iterator[str]:
    """Services select pods that have the port, and the admin port is behind no balancer."""
    for each in rendered.of("Service"):
        spec = each["spec"]
        pods = [pod for pod in rendered.pods if selects({"matchLabels": spec["selector"]})(pod)]
        for port in spec["ports"]:
            if not pods or any(port["targetPort"] not in pod.ports for pod in pods):
                yield f"{name_of(each)}: no pod has the port {port['targetPort']}"
            if port["targetPort"] == "admin" and spec.get("clusterIP") != "None":
                yield f"{name_of(each)} shows the admin port"
    for pod in rendered.pods:
        if pod.owner["kind"] == "StatefulSet":
            headless = [each for each in rendered.of("Service") if each["spec"].get("clusterIP")]
            if pod.owner["spec"]["serviceName"] not in {
                each["metadata"]["name"] for each in headless
            }:
                yield f"{name_of(pod.owner)} names no headless Service"


def balancer_probes(rendered: Rendered) -> Iterator[str]:
    """A load balancer is not told what is spoken: Azure's would ask for / and take 404 for ill.

    https://learn.microsoft.com/azure/aks/load-balancer-standard (default health probe protocol).
    """
    for each in rendered.of("Service"):
        said = any("appProtocol" in port for port in each["spec"]["ports"])
        if said and each["spec"].get("type") == "LoadBalancer":
            yield f"{name_of(each)} has a protocol that its balancer would probe by"


def routes(rendered: Rendered) -> Iterator[str]:
    """The world reaches the webhook's path, and nothing else."""
    path = rendered.values["ingress"]["webhookPath"]
    there = {
        (each["metadata"]["name"], port["name"], port["port"])
        for each in rendered.of("Service")
        for port in each["spec"]["ports"]
    }
    for each in rendered.of("Ingress"):
        (rule,) = each["spec"]["rules"]
        (way,) = rule["http"]["paths"]
        target = way["backend"]["service"]
        if (way["path"], way["pathType"], target["port"]["name"]) != (path, "Exact", "webhook"):
            yield f"{name_of(each)} leads {way} in"
        if target["name"] not in {name for name, *_ in there}:
            yield f"{name_of(each)} leads nowhere"
    for each in rendered.of("HTTPRoute"):
        (rule,) = each["spec"]["rules"]
        if rule["matches"] != [{"path": {"type": "Exact", "value": path}}]:
            yield f"{name_of(each)} leads {rule} in"
        (backend,) = rule["backendRefs"]
        if (backend["name"], "webhook", backend["port"]) not in there:
            yield f"{name_of(each)} leads nowhere"


def network(rendered: Rendered) -> Iterator[str]:
    """Each pod has one policy, which lets it reach Kafka and be reached at its ports."""
    policies = rendered.of("NetworkPolicy")
    for pod in rendered.pods:
        own = [each for each in policies if selects(each["spec"]["podSelector"])(pod)]
        if len(own) != bool(rendered.values["networkPolicy"]["enabled"]):
            yield f"{name_of(pod.owner)} has {len(own)} policies"
        for each in own:
            if each["spec"]["policyTypes"] != ["Ingress", "Egress"]:
                yield f"{name_of(each)} is about {each['spec']['policyTypes']} only"
            outwards = _opened(each["spec"]["egress"])
            if missing := (_DNS | _needed(rendered, pod)) - outwards:
                yield f"{name_of(each)} keeps pods from ports {sorted(missing)}"
            inwards = _opened(each["spec"]["ingress"])
            if inwards != {("TCP", port) for port in pod.ports}:
                yield f"{name_of(each)} opens {inwards}"


def _needed(rendered: Rendered, pod: Pod) -> set[tuple[str, int | str]]:
    urls: list[str] = []
    if pod.component == "crm":
        targets = yaml.safe_load(rendered.values["crm"]["targets"]) or {}
        urls = [rendered.values["crm"]["url"], *(each.get("url", "") for each in targets.values())]
    ports = [port_of(url) for url in filter(None, urls)]
    return {("TCP", port) for port in (*_brokers(rendered, pod), *ports)}


def port_of(url: str) -> int:
    """Return the port of a URL, said or meant."""
    return urlsplit(url).port or _MEANT[urlsplit(url).scheme]


def _brokers(rendered: Rendered, pod: Pod) -> list[int]:
    servers = pod.env.get("GEOPHONE_KAFKA_BOOTSTRAP_SERVERS", "kafka:9092").split(",")
    ports = [int(each.rpartition(":")[2]) for each in servers]
    return [*rendered.values["networkPolicy"]["kafkaPorts"]] or ports


def _opened(rules: list[Object]) -> set[tuple[str, int | str]]:
    return {(port.get("protocol", "TCP"), port["port"]) for rule in rules for port in rule["ports"]}


def monitors(rendered: Rendered) -> Iterator[str]:
    """What Prometheus is told to scrape is each pod, once, at a port that it has."""
    for each in rendered.of("PodMonitor"):
        (endpoint,) = each["spec"]["podMetricsEndpoints"]
        found = [pod for pod in rendered.pods if selects(each["spec"]["selector"])(pod)]
        if found != rendered.workloads or endpoint["port"] != "admin":
            yield f"{name_of(each)} scrapes {[name_of(pod.owner) for pod in found]}"
        if set(each["spec"]["podTargetLabels"]) != STABLE:
            yield f"{name_of(each)} tells metrics apart by {each['spec']['podTargetLabels']}"
    for each in rendered.of("ServiceMonitor"):
        chosen = each["spec"]["selector"]["matchLabels"].items()
        found_services = [
            one for one in rendered.of("Service") if chosen <= one["metadata"]["labels"].items()
        ]
        scraped = [
            pod
            for service in found_services
            for pod in rendered.pods
            if selects({"matchLabels": service["spec"]["selector"]})(pod)
        ]
        if len(scraped) != len(rendered.workloads):
            yield f"{name_of(each)} scrapes {[name_of(pod.owner) for pod in scraped]}"
        if set(each["spec"]["targetLabels"]) != STABLE:
            yield f"{name_of(each)} tells metrics apart by {each['spec']['targetLabels']}"
    for each in rendered.of("PodMonitor", "ServiceMonitor"):
        if not set(each["spec"]["selector"]["matchLabels"]) >= _INSTALLATION:
            yield f"{name_of(each)} scrapes what is another installation's"
