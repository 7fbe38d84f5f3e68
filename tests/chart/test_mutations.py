"""The rules notice defects: a chart with one line changed breaks the rule that is there for it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from helm_python import HelmError

from tests.chart.policies import POLICIES
from tests.chart.rendered import CHART, FIXTURES, given, render

Mutation = dict[str, str]

MUTATIONS: list[Mutation] = yaml.safe_load(
    (Path(__file__).parent / "mutations.yaml").read_text(encoding="utf-8")
)


def defective(mutation: Mutation, folder: Path) -> Path:
    """Return a copy of the chart with the defect in it."""
    chart = shutil.copytree(CHART, folder / "geophone")
    template = chart / "templates" / mutation["file"]
    text = template.read_text(encoding="utf-8")
    assert text.count(mutation["old"]) >= 1, "the line is not there any more"
    template.write_text(text.replace(mutation["old"], mutation["new"]), encoding="utf-8")
    return chart


def complaints(chart: Path, rule: str) -> Iterator[str]:
    """Yield what a rule says about a chart, fixture by fixture."""
    for name in FIXTURES:
        try:
            yield from POLICIES[rule](render(given(name), chart))
        except HelmError as error:
            pytest.fail(f"a defect that Helm itself refuses proves nothing: {error}")


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each["defect"])
def test_the_defect_is_noticed(mutation: Mutation, tmp_path: Path) -> None:
    assert next(complaints(defective(mutation, tmp_path), mutation["noticed_by"]), None)


def test_every_rule_notices_something() -> None:
    assert {each["noticed_by"] for each in MUTATIONS} == set(POLICIES)
