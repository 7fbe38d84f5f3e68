"""Prometheus itself says when each alert fires."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.rendered import NAMESPACE, fixture

CASES = yaml.safe_load((Path(__file__).parent / "alerts.yaml").read_text(encoding="utf-8"))
OURS = (
    f'namespace="{NAMESPACE}",app_kubernetes_io_name="bridge",app_kubernetes_io_instance="geophone"'
)
PROMTOOL = shutil.which("promtool")

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="needs promtool, which is in Debian's package prometheus"
)


def rules() -> dict[str, Any]:
    """Return the alerts as a rule file of Prometheus."""
    (rule,) = fixture("everything").of("PrometheusRule")
    return dict(rule["spec"])


def in_promtools_words(case: dict[str, Any]) -> dict[str, Any]:
    """Return one case as a test of promtool's."""
    return {
        "interval": case.get("every", "1m"),
        "input_series": [
            {"series": here(series), "values": str(values)}
            for series, values in case["seen"].items()
        ],
        "promql_expr_test": list(expected(case)),
    }


def here(series: str) -> str:
    """Return a series with the labels of the installation."""
    name, _, labels = series.rstrip("}").partition("{")
    return f"{name}{{{labels + ',' if labels else ''}{OURS}}}"


def expected(case: dict[str, Any]) -> Iterator[dict[str, Any]]:
    name = case["alert"]
    fires = [{"labels": f'{{alertname="{name}"}}', "value": 1}]
    for when, samples in (("fires", fires), ("silent", [])):
        for at in case.get(when, []):
            yield {
                "expr": f'group by (alertname) (ALERTS{{alertstate="firing",alertname="{name}"}})',
                "eval_time": at,
                "exp_samples": samples,
            }


def judged(folder: Path, case: dict[str, Any]) -> str:
    """Return what promtool has to say against a case."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules()), encoding="utf-8")
    tests = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": case.get("every", "1m"),
        "tests": [in_promtools_words(case)],
    }
    (folder / "tests.yaml").write_text(yaml.safe_dump(tests), encoding="utf-8")
    command = [str(PROMTOOL), "test", "rules", "tests.yaml"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ended.stdout + ended.stderr if ended.returncode else ""


@needs_promtool
@pytest.mark.parametrize("case", CASES, ids=lambda each: each["alert"])
def test_the_alert_fires_when_it_should(case: dict[str, Any], tmp_path: Path) -> None:
    assert judged(tmp_path, case) == ""


@needs_promtool
def test_a_wrong_expectation_is_noticed(tmp_path: Path) -> None:
    case = CASES[0] | {"silent": CASES[0]["fires"], "fires": []}
    assert "GeophoneIngressDown" in judged(tmp_path, case)


def test_every_alert_is_seen_to_fire_and_to_keep_still() -> None:
    names = {each["alert"] for group in rules()["groups"] for each in group["rules"]}
    for when in ("fires", "silent"):
        assert {case["alert"] for case in CASES if case.get(when)} == names
