"""The fields of custom resources that the chart uses, as their definitions name them.

These definitions are not on PyPI. Sources: keda.sh/docs/2.18/reference (ScaledObject,
TriggerAuthentication), prometheus-operator.dev/docs/api-reference/api,
gateway-api.sigs.k8s.io/reference/spec, strimzi.io/docs/operators/latest/configuring. A misspelt
field would be dropped by the API server, or refuse the release.
"""

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from tests.chart.rendered import Object

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
WHOLE: Schema = {"type": "integer"}
TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
NAMES: Schema = {"type": "array", "items": TEXT, "minItems": 1}
ANY: Schema = {"type": "object"}


def fields(*required: str, **known: Schema) -> Schema:
    """Return the schema of an object with no other fields than these."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": known,
        "required": list(required),
    }


def many(item: Schema) -> Schema:
    """Return the schema of a list that is not empty."""
    return {"type": "array", "items": item, "minItems": 1}


POLICY = fields("type", "value", "periodSeconds", type=TEXT, value=WHOLE, periodSeconds=WHOLE)
RULES = fields(stabilizationWindowSeconds=WHOLE, policies=many(POLICY), selectPolicy=TEXT)
TARGET = fields("apiVersion", "kind", "name", apiVersion=TEXT, kind=TEXT, name=TEXT)
# https://keda.sh/docs/2.18/scalers/apache-kafka/ and …/scalers/prometheus/
KAFKA_TRIGGER = fields(
    "bootstrapServers",
    "consumerGroup",
    **dict.fromkeys(
        (
            "bootstrapServers",
            "consumerGroup",
            "topic",
            "lagThreshold",
            "activationLagThreshold",
            "offsetResetPolicy",
            "allowIdleConsumers",
            "version",
        ),
        TEXT,
    ),
    tls={"enum": ["enable", "disable"]},
    sasl={"enum": ["plaintext", "scram_sha256", "scram_sha512", "oauthbearer"]},
)
PROMETHEUS_TRIGGER = fields(
    "serverAddress",
    "query",
    "threshold",
    **dict.fromkeys(("serverAddress", "query", "threshold"), TEXT),
    ignoreNullValues={"enum": ["true", "false"]},
)
TRIGGER: Schema = {
    "type": "object",
    "required": ["type", "metadata"],
    "additionalProperties": False,
    "properties": {
        "type": {"enum": ["kafka", "prometheus"]},
        "metricType": {"enum": ["AverageValue", "Value"]},
        "metadata": ANY,
        "authenticationRef": fields(
            "name",
            name=TEXT,
            kind={"enum": ["TriggerAuthentication", "ClusterTriggerAuthentication"]},
        ),
    },
    "if": {"properties": {"type": {"const": "kafka"}}},
    "then": {"properties": {"metadata": KAFKA_TRIGGER}},
    "else": {"properties": {"metadata": PROMETHEUS_TRIGGER}},
}
SCALED_OBJECT = fields(
    "scaleTargetRef",
    "triggers",
    scaleTargetRef=TARGET,
    pollingInterval=WHOLE,
    minReplicaCount=WHOLE,
    maxReplicaCount=WHOLE,
    fallback=fields(
        "failureThreshold", "replicas", failureThreshold=WHOLE, replicas=WHOLE, behavior=TEXT
    ),
    advanced=fields(
        horizontalPodAutoscalerConfig=fields(behavior=fields(scaleUp=RULES, scaleDown=RULES))
    ),
    triggers=many(TRIGGER),
)
SECRET_KEY = fields("parameter", "name", "key", parameter=TEXT, name=TEXT, key=TEXT)
TRIGGER_AUTHENTICATION = fields(
    env=many(fields("parameter", "name", parameter=TEXT, name=TEXT)),
    secretTargetRef=many(SECRET_KEY),
)
SELECTOR = fields(
    matchLabels=TEXTS,
    matchExpressions=many(fields("key", "operator", key=TEXT, operator=TEXT, values=NAMES)),
)
ENDPOINT = fields("port", port=TEXT, path=TEXT, interval=TEXT)
POD_MONITOR = fields(
    "selector",
    "podMetricsEndpoints",
    selector=SELECTOR,
    podTargetLabels=NAMES,
    podMetricsEndpoints=many(ENDPOINT),
)
SERVICE_MONITOR = fields(
    "selector", "endpoints", selector=SELECTOR, targetLabels=NAMES, endpoints=many(ENDPOINT)
)
RULE = fields(
    "alert", "expr", alert=TEXT, expr=TEXT, labels=TEXTS, annotations=TEXTS, **{"for": TEXT}
)
PROMETHEUS_RULE = fields(
    "groups", groups=many(fields("name", "rules", name=TEXT, rules=many(RULE)))
)
HTTP_ROUTE = fields(
    "parentRefs",
    "hostnames",
    "rules",
    parentRefs=many(fields("name", name=TEXT, namespace=TEXT, sectionName=TEXT, port=WHOLE)),
    hostnames=NAMES,
    rules=many(
        fields(
            "backendRefs",
            matches=many(fields(path=fields("type", "value", type=TEXT, value=TEXT))),
            backendRefs=many(fields("name", "port", name=TEXT, port=WHOLE)),
        )
    ),
)
KAFKA_TOPIC = fields(
    "partitions", "replicas", topicName=TEXT, partitions=WHOLE, replicas=WHOLE, config=TEXTS
)
ACL = fields(
    "resource",
    "operations",
    resource=fields("type", "name", type=TEXT, name=TEXT, patternType={"enum": ["prefix"]}),
    operations=NAMES,
)
KAFKA_USER = fields(
    "authentication",
    authentication=fields("type", type={"enum": ["tls", "scram-sha-512"]}),
    authorization=fields("type", "acls", type={"const": "simple"}, acls=many(ACL)),
)

SPECS: Mapping[tuple[str, str], Schema] = {
    ("keda.sh/v1alpha1", "ScaledObject"): SCALED_OBJECT,
    ("keda.sh/v1alpha1", "TriggerAuthentication"): TRIGGER_AUTHENTICATION,
    ("monitoring.coreos.com/v1", "PodMonitor"): POD_MONITOR,
    ("monitoring.coreos.com/v1", "ServiceMonitor"): SERVICE_MONITOR,
    ("monitoring.coreos.com/v1", "PrometheusRule"): PROMETHEUS_RULE,
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): HTTP_ROUTE,
    ("kafka.strimzi.io/v1", "KafkaTopic"): KAFKA_TOPIC,
    ("kafka.strimzi.io/v1", "KafkaUser"): KAFKA_USER,
}


def complaints(each: Object) -> list[str]:
    """Return what is wrong with the spec of a custom resource."""
    validator = Draft202012Validator(SPECS[each["apiVersion"], each["kind"]])
    return [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
        for error in validator.iter_errors(each["spec"])
    ]
