"""The chart rendered as Helm does it, and what is in the result."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from helm_python import Chart

Object = dict[str, Any]
Values = dict[str, Any]

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "chart"
FIXTURES = sorted(path.stem for path in (CHART / "ci").glob("*.yaml"))
NAMESPACE = "seismic-prod"

STABLE = {f"app.kubernetes.io/{each}" for each in ("name", "instance", "component")}
"""The labels of pods that never change, so that selectors may have them."""

_JOB = ("spec", "jobTemplate", "spec")
_TEMPLATES = {"Deployment": ("spec",), "StatefulSet": ("spec",), "CronJob": _JOB, "Job": ("spec",)}


@dataclass(frozen=True)
class Pod:
    """A pod, or the template of some; `owner` is the object that it is or that makes it."""

    owner: Object
    metadata: Object
    spec: Object

    @property
    def component(self) -> str:
        return str(self.metadata["labels"]["app.kubernetes.io/component"])

    @property
    def container(self) -> Object:
        (container,) = self.spec["containers"]
        return dict(container)

    @property
    def env(self) -> Mapping[str, str]:
        """The variables with a value of their own."""
        return {
            each["name"]: each["value"] for each in self.container.get("env", []) if "value" in each
        }

    @property
    def ports(self) -> list[str]:
        return [each["name"] for each in self.container.get("ports", [])]

    @property
    def is_ours(self) -> bool:
        """Whether geophone runs in it, rather than Kafka."""
        return self.component != "kafka"

    @property
    def serves(self) -> bool:
        """Whether it runs until it is told to end."""
        return self.owner["kind"] in ("Deployment", "StatefulSet")


@dataclass(frozen=True)
class Rendered:
    """`values` are all that were in force; `texts` is what each template gave."""

    values: Values
    texts: Mapping[str, str]
    objects: list[Object]

    def of(self, *kinds: str) -> list[Object]:
        return [each for each in self.objects if each["kind"] in kinds]

    @property
    def pods(self) -> list[Pod]:
        return list(_pods(self.objects))

    @property
    def workloads(self) -> list[Pod]:
        """Our pods that serve."""
        return [pod for pod in self.pods if pod.is_ours and pod.serves]

    @property
    def stages(self) -> list[Pod]:
        return [pod for pod in self.workloads if pod.component != "ingress"]

    def values_of(self, pod: Pod) -> Values:
        """Return the values of a pod's workload."""
        if pod.component == "kafka":
            return dict(self.values["kafka"]["dev"])
        of_stages = pod.component in self.values["streams"]
        return dict((self.values["streams"] if of_stages else self.values)[pod.component])


def given(fixture: str) -> Values:
    """Return the values of a fixture."""
    return dict(yaml.safe_load((CHART / "ci" / f"{fixture}.yaml").read_text(encoding="utf-8")))


def render(values: Values, chart: Path = CHART, *, release: str = "geophone") -> Rendered:
    """Return what `helm install` would send.

    Raises:
        helm_python.HelmError: the values are refused, or a template fails.
    """
    loaded = Chart.load(chart)
    try:
        texts = loaded.render(values, name=release, namespace=NAMESPACE)
        return Rendered(merged(loaded.values, values), texts, list(_objects(texts)))
    finally:
        loaded.close()


@cache
def fixture(name: str) -> Rendered:
    """Return a fixture, rendered once."""
    return render(given(name))


def merged(below: Values, above: Values) -> Values:
    """Return values as Helm coalesces them: null takes away what is there."""
    both = {**below, **above}
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            both[key] = merged(below[key], value)
        elif value is None and isinstance(below.get(key), dict | list):
            both[key] = type(below[key])()
    return both


def name_of(each: Object) -> str:
    """Return how to call an object in a complaint."""
    return f"{each['kind']} {each['metadata']['name']}"


def selects(selector: Object) -> Callable[[Pod], bool]:
    """Return whether a selector finds a pod."""

    def finds(pod: Pod) -> bool:
        labels = pod.metadata["labels"]
        wanted = selector.get("matchLabels", {}).items() <= labels.items()
        further = selector.get("matchExpressions", [])
        return wanted and all(labels.get(each["key"]) in each["values"] for each in further)

    return finds


def _objects(texts: Mapping[str, str]) -> Iterator[Object]:
    for path in sorted(texts):
        if path.endswith(".yaml"):
            yield from filter(None, yaml.safe_load_all(texts[path]))


def _pods(objects: list[Object]) -> Iterator[Pod]:
    for owner in objects:
        if owner["kind"] == "Pod":
            yield Pod(owner, owner["metadata"], owner["spec"])
        elif owner["kind"] in _TEMPLATES:
            found = owner
            for step in _TEMPLATES[owner["kind"]]:
                found = found[step]
            yield Pod(owner, found["template"]["metadata"], found["template"]["spec"])
