"""How many pods there are, who says so, and where they are."""

import re
from collections.abc import Iterator, Mapping

import promql_parser

from ingress.metrics import METRICS
from schemas.topics import Topics
from tests.chart.rendered import Object, Pod, Rendered, name_of, selects


def one_scaler(rendered: Rendered) -> Iterator[str]:
    """The number of pods is said once; Helm's server-side apply fails where others say it, too."""
    scalers = rendered.of("HorizontalPodAutoscaler", "ScaledObject")
    targets = [
        (each["spec"]["scaleTargetRef"]["kind"], each["spec"]["scaleTargetRef"]["name"])
        for each in scalers
    ]
    for pod in rendered.workloads:
        own = (pod.owner["kind"], pod.owner["metadata"]["name"])
        if targets.count(own) + ("replicas" in pod.owner["spec"]) != 1:
            yield f"{name_of(pod.owner)} has not exactly one scaler"
    for kind, name in targets:
        if f"{kind} {name}" not in {name_of(pod.owner) for pod in rendered.workloads}:
            yield f"{kind} {name} is scaled and not there"


def within_partitions(rendered: Rendered) -> Iterator[str]:
    """A stage has no more pods than partitions, and never none."""
    partitions = int(rendered.values["topics"]["partitions"])
    for each in rendered.of("ScaledObject"):
        spec = each["spec"]
        if spec["minReplicaCount"] < 1:
            yield f"{name_of(each)} scales to nothing, and nobody would see lag"
        for trigger in spec["triggers"]:
            if trigger["type"] != "kafka":
                continue
            if spec["maxReplicaCount"] > partitions:
                yield f"{name_of(each)} scales beyond the partitions"
            if trigger["metadata"].get("allowIdleConsumers") != "false":
                yield f"{name_of(each)} lets pods idle"
    for pod in rendered.stages:
        if int(pod.owner["spec"].get("replicas", 1)) > partitions:
            yield f"{name_of(pod.owner)} has more pods than partitions"


def lag_of_what_is_read(rendered: Rendered) -> Iterator[str]:
    """KEDA looks at the group and the topics that the stage itself reads."""
    for each in rendered.of("ScaledObject"):
        for trigger in each["spec"]["triggers"]:
            if trigger["type"] == "kafka":
                yield from _reads(rendered, each, trigger["metadata"])


def _reads(rendered: Rendered, scaler: Object, metadata: Mapping[str, str]) -> Iterator[str]:
    name = scaler["spec"]["scaleTargetRef"]["name"]
    (pod,) = (each for each in rendered.workloads if each.owner["metadata"]["name"] == name)
    env = pod.env
    stage = env["GEOPHONE_STAGES"]
    # A target of crm has a group of its own.
    target = "(-.+)?" if stage == "crm" else ""
    if not re.fullmatch(f"{env['GEOPHONE_APP_ID']}-{stage}{target}", metadata["consumerGroup"]):
        yield f"{name_of(scaler)} looks at the group {metadata['consumerGroup']}"
    if metadata["bootstrapServers"] != env["GEOPHONE_KAFKA_BOOTSTRAP_SERVERS"]:
        yield f"{name_of(scaler)} looks at another Kafka"
    topics = Topics(env["GEOPHONE_TOPIC_PREFIX"])
    # What followup reads, its rules say: KEDA looks at all that the group does.
    reads = {"dedup": topics.raw.name, "crm": topics.task.name}.get(stage)
    if metadata.get("topic") != reads:
        yield f"{name_of(scaler)} looks at the topic {metadata.get('topic')}"


def keda_logs_in(rendered: Rendered) -> Iterator[str]:
    """With SASL or a CA of its own, KEDA is told how to log in."""
    made = {each["metadata"]["name"] for each in rendered.of("TriggerAuthentication")}
    kafka, keda = rendered.values["kafka"], rendered.values["streams"]["keda"]
    needed = kafka["securityProtocol"].startswith("SASL") or kafka["tls"]["caSecret"]
    for each in rendered.of("ScaledObject"):
        for trigger in each["spec"]["triggers"]:
            if trigger["type"] == "kafka" and needed:
                named = trigger.get("authenticationRef", {}).get("name")
                if named not in made | {keda["authenticationRef"]} or not named:
                    yield f"{name_of(each)} does not log in"


def keda_asks_prometheus(rendered: Rendered) -> Iterator[str]:
    """KEDA asks for what the receiver exports, and no answer is no zero."""
    keda = rendered.values["ingress"]["keda"]
    for each in rendered.of("ScaledObject"):
        for trigger in each["spec"]["triggers"]:
            if trigger["type"] != "prometheus":
                continue
            query = trigger["metadata"]["query"]
            gauges = {metric.name for metric in METRICS if metric.kind == "gauge"}
            if [each.name in gauges for each in _selectors(query)] != [True]:
                yield f"{name_of(each)} asks for {query}"
            if trigger["metadata"].get("ignoreNullValues") != "false":
                yield f"{name_of(each)} scales down when Prometheus cannot scrape"
            reference = trigger.get("authenticationRef", {})
            if reference.get("name", "") != keda["authenticationRef"]:
                yield f"{name_of(each)} logs in to Prometheus as {reference}"


def _selectors(query: str) -> list[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []

    def keep(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(query), pre_visit=keep)
    return found


def patient(rendered: Rendered) -> Iterator[str]:
    """A stage is scaled down slowly, pod by pod; a new group begins where its stage does."""
    wanted = rendered.values["streams"]["keda"]["stabilizationSeconds"]
    for each in rendered.of("ScaledObject"):
        triggers = [one for one in each["spec"]["triggers"] if one["type"] == "kafka"]
        if not triggers:
            continue
        config = each["spec"]["advanced"]["horizontalPodAutoscalerConfig"]
        down = config["behavior"]["scaleDown"]
        if down["stabilizationWindowSeconds"] != wanted:
            yield f"{name_of(each)} scales down after {down['stabilizationWindowSeconds']} s"
        if {policy["value"] for policy in down["policies"]} != {1}:
            yield f"{name_of(each)} takes several pods at once"
        # `streams.source` reads a partition from its beginning where nothing was committed.
        if {one["metadata"]["offsetResetPolicy"] for one in triggers} != {"earliest"}:
            yield f"{name_of(each)} sees no lag of a new group"


def measured_container(rendered: Rendered) -> Iterator[str]:
    """The autoscaler looks at a container that there is, and that asks for CPU."""
    for each in rendered.of("HorizontalPodAutoscaler"):
        name = each["spec"]["scaleTargetRef"]["name"]
        (pod,) = (one for one in rendered.workloads if one.owner["metadata"]["name"] == name)
        for metric in each["spec"]["metrics"]:
            asked = metric["containerResource"]
            if asked["container"] != pod.container["name"]:
                yield f"{name_of(each)} measures {asked['container']}"
            if asked["name"] not in pod.container["resources"]["requests"]:
                yield f"{name_of(each)} measures a share of nothing"


def disruption_budgets(rendered: Rendered) -> Iterator[str]:
    """One pod at a time, where there are several; of one pod a budget would hold up every node."""
    selected = [selects(each["spec"]["selector"]) for each in rendered.of("PodDisruptionBudget")]
    for each in rendered.of("PodDisruptionBudget"):
        if each["spec"].get("maxUnavailable") != 1:
            yield f"{name_of(each)} lets more than one go"
        # Or a pod that never gets ready keeps its node from being drained.
        if each["spec"].get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
            yield f"{name_of(each)} holds on to pods that do not work"
    for pod in rendered.workloads:
        wanted = fewest(rendered, pod) > 1 and bool(rendered.values_of(pod)["podDisruptionBudget"])
        if sum(matches(pod) for matches in selected) != wanted:
            yield f"{name_of(pod.owner)} has a wrong number of budgets"


def fewest(rendered: Rendered, pod: Pod) -> int:
    """Return how many pods there are at least."""
    for each in rendered.of("HorizontalPodAutoscaler", "ScaledObject"):
        spec = each["spec"]
        if spec["scaleTargetRef"]["name"] == pod.owner["metadata"]["name"]:
            return int(spec.get("minReplicas", spec.get("minReplicaCount")))
    return int(pod.owner["spec"]["replicas"])


def spread(rendered: Rendered) -> Iterator[str]:
    """Pods of a workload are spread over nodes and zones, each version of them anew."""
    wanted = rendered.values["topologySpread"]
    for pod in rendered.workloads:
        found = pod.spec.get("topologySpreadConstraints", [])
        if [each["topologyKey"] for each in found] != wanted["keys"]:
            yield f"{name_of(pod.owner)} is spread over {found}"
        for each in found:
            if not selects(each["labelSelector"])(pod) or not each.get("matchLabelKeys"):
                yield f"{name_of(pod.owner)} is spread by others"
            if each["whenUnsatisfiable"] != wanted["whenUnsatisfiable"]:
                yield f"{name_of(pod.owner)} is spread {each['whenUnsatisfiable']}"
