"""A plan for tests of the canary."""

from typing import Any

from ops.prove.canary.plan import CanaryPlan
from schemas.connection import KafkaConnection


def plan(url: str = "http://127.0.0.1:9/webhook", **chosen: Any) -> CanaryPlan:
    """Return one that sends fast and tries again at once."""
    defaults: dict[str, Any] = {"rate": 10_000.0, "pauses": (0.0, 0.0)}
    return CanaryPlan(url, "the-secret", KafkaConnection(), **{**defaults, **chosen})
