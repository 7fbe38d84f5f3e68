"""values.yaml, its schema and docs/values.md say the same, and wrong values get a sentence."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_python import HelmError

from deploy.values_page import VALUES, page, values
from tests.chart.rendered import CHART, ROOT, Values, given, merged, render

TEXT = VALUES.read_text(encoding="utf-8")
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
REFUSED = yaml.safe_load((Path(__file__).parent / "refused.yaml").read_text(encoding="utf-8"))
COMPLAINTS = (CHART / "templates" / "_complaints.tpl").read_text(encoding="utf-8")


OF_AN_UMBRELLA = {"global", "enabled"}
"""Given by a chart that this one is part of: Helm's own, and the usual condition."""


def refusal(values: Values, release: str = "geophone") -> str:
    """Return what is said about values that cannot be installed."""
    with pytest.raises(HelmError) as refused:
        render(values, release=release)
    return str(refused.value)


def refused(case: Values) -> str:
    """Return what is said about a case."""
    values = merged(given("minimal"), case.get("values", {}))
    return refusal(values, case.get("release", "geophone"))


@pytest.mark.parametrize("case", REFUSED, ids=lambda each: each["name"])
def test_it_is_refused_with_a_sentence(case: Values) -> None:
    assert case["says"] in refused(case)


def test_a_part_of_another_chart_is_told_so() -> None:
    assert render({**given("minimal"), "enabled": True, "global": {"region": "emea"}}).objects


def test_every_complaint_has_a_case() -> None:
    said = "\n".join(map(refused, REFUSED))
    complaints = re.findall(r"^(- .*)$", COMPLAINTS, re.MULTILINE)
    assert len(complaints) > 20
    for complaint in complaints:
        # What stands between braces depends on the values.
        parts = re.split(r"\{\{.*?\}\}", complaint)
        assert re.search(".+".join(map(re.escape, parts)), said), complaint


def test_everything_wrong_is_said_at_once() -> None:
    assert len(re.findall(r"^- ", refusal({}), re.MULTILINE)) == 2


def test_every_value_is_in_the_schema_and_no_other() -> None:
    assert set(_in_schema(SCHEMA, "")) - OF_AN_UMBRELLA == {value.key for value in values(TEXT)}


def test_the_schema_takes_no_unknown_value_anywhere() -> None:
    open_ended = [each for each in _objects(SCHEMA) if "properties" in each]
    assert all(
        each.get("additionalProperties") is False for each in open_ended if not _theirs(each)
    )


def test_every_value_is_explained() -> None:
    unexplained = [value.key for value in values(TEXT) if not re.search(r"[.:]$", value.meaning)]
    assert unexplained == []


def test_the_page_of_values_is_up_to_date() -> None:
    # python deploy/values_page.py > docs/values.md
    assert (ROOT / "docs" / "values.md").read_text(encoding="utf-8") == page(TEXT)


def test_no_default_is_a_secret() -> None:
    named = [value for value in values(TEXT) if re.search(r"(?i)(password|secret)$", value.key)]
    assert {value.default for value in named} == {'""'}


def _in_schema(schema: dict[str, Any], above: str) -> Iterator[str]:
    for key, below in _resolved(schema).get("properties", {}).items():
        yield f"{above}{key}"
        if key not in ("resources", "labels") and _resolved(below).get("type") == "object":
            yield from _in_schema(below, f"{above}{key}.")


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return dict(SCHEMA["$defs"][name]) if name else schema


def _objects(schema: object) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for below in schema.values():
            yield from _objects(below)


def _theirs(schema: dict[str, Any]) -> bool:
    """Whether it is Kubernetes' own: the API knows its fields better."""
    return "required" in schema and "additionalProperties" not in schema
