"""An upgrade goes through: what Kubernetes does not let change is as it always was."""

from pathlib import Path

import yaml

from tests.chart.rendered import fixture, name_of

IMMUTABLE = yaml.safe_load((Path(__file__).parent / "immutable.yaml").read_text(encoding="utf-8"))
# A StatefulSet takes changes of these alone; a Deployment's selector is fixed.
CHANGEABLE = {
    "minReadySeconds",
    "ordinals",
    "persistentVolumeClaimRetentionPolicy",
    "replicas",
    "revisionHistoryLimit",
    "template",
    "updateStrategy",
    "strategy",
}


def test_what_cannot_change_does_not() -> None:
    found = {
        name_of(pod.owner): {
            field: value for field, value in pod.owner["spec"].items() if field not in CHANGEABLE
        }
        for pod in fixture("minimal").workloads
    }
    assert found == IMMUTABLE


def test_services_stay_what_they_are() -> None:
    # A headless Service cannot become another, nor the other way round.
    headless = {
        each["metadata"]["name"]
        for each in fixture("minimal").of("Service")
        if each["spec"].get("clusterIP") == "None"
    }
    assert headless == {
        "geophone-ingress-admin",
        "geophone-dedup",
        "geophone-followup",
    }
