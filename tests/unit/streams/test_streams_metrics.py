"""All metrics of the process are in one file, each with a name by rule and a meaning."""

import re
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from streams import metrics

PACKAGE = Path(metrics.__file__).parent
ALL = {
    name: metric for name, metric in vars(metrics).items() if isinstance(metric, MetricWrapperBase)
}
UNITS = {Counter: "_total", Histogram: "_seconds"}


@pytest.mark.parametrize("name", ALL)
def test_a_metric_has_a_prefix_a_unit_and_a_sentence(name: str) -> None:
    (family,) = ALL[name].describe()
    assert family.name.startswith(("geophone_streams_", "geophone_crm_"))
    assert family.documentation.endswith(".")
    exposed = f"{family.name}_total" if isinstance(ALL[name], Counter) else family.name
    assert exposed.endswith(UNITS.get(type(ALL[name]), ""))
    assert isinstance(ALL[name], Counter | Gauge | Histogram)


@pytest.mark.parametrize("name", ALL)
def test_a_metric_is_used(name: str) -> None:
    sources = [file.read_text() for file in PACKAGE.rglob("*.py") if file.name != "metrics.py"]
    assert any(f"metrics.{name}" in source for source in sources)


def test_no_metric_is_made_elsewhere() -> None:
    made = re.compile(r"prometheus_client import .*(Counter|Gauge|Histogram|Summary)")
    others = [file for file in PACKAGE.rglob("*.py") if file.name != "metrics.py"]
    assert [file.name for file in others if made.search(file.read_text())] == []
