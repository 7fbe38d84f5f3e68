"""README.md names what the code has: a variable, topic or metric that changes changes there too."""

import re
from pathlib import Path

import pytest
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase

from ingress import answers
from ingress.metrics import METRICS as INGRESS_METRICS
from ingress.settings import Settings as IngressSettings
from schemas.topics import Topics
from streams import metrics as streams_metrics
from streams.settings import Settings as StreamsSettings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_every_variable_is_in_the_readme_and_no_other() -> None:
    fields = [*IngressSettings.model_fields, *StreamsSettings.model_fields]
    rows = re.findall(r"^\| `GEOPHONE_(\w+)`", README, re.MULTILINE)
    assert set(rows) == {name.upper() for name in fields}


@pytest.mark.parametrize("settings", [IngressSettings, StreamsSettings])
def test_every_variable_is_described_in_the_readme(
    settings: type[IngressSettings | StreamsSettings],
) -> None:
    for name, field in settings.model_fields.items():
        assert re.search(
            rf"^\| `GEOPHONE_{name.upper()}` \| .*\| {re.escape(field.description or '')} \|$",
            README,
            re.MULTILINE,
        ), name


def test_every_metric_is_in_the_readme_and_no_other() -> None:
    ours = {metric.name for metric in INGRESS_METRICS}
    for metric in vars(streams_metrics).values():
        if isinstance(metric, MetricWrapperBase):
            suffix = "_total" if isinstance(metric, Counter) else ""
            ours.add(f"{metric._name}{suffix}")
    assert set(re.findall(r"^\| `(geophone_\w+)`", README, re.MULTILINE)) == ours


def test_every_topic_is_in_the_readme() -> None:
    rows = set(re.findall(r"^\| `(seismic\.[\w.<>]+)`", README, re.MULTILINE))
    named = {topic.name for topic in Topics() if ".event." not in topic.name}
    assert rows == named | {"seismic.event.<Type>"}


def test_every_status_is_in_the_openapi_document_and_no_other() -> None:
    document = (ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8")
    told = {int(status) for status in re.findall(r'^        "(\d{3})":', document, re.MULTILINE)}
    # What concerns another path or method is no operation of the document's one path.
    assert told == {each.status for each in answers.every()} - {404, 405}


@pytest.mark.parametrize("package", ["ingress", "ops", "schemas", "streams"])
def test_every_module_is_in_the_file_map(package: str) -> None:
    row = next(line for line in ARCHITECTURE.splitlines() if line.startswith(f"| `{package}/`"))
    for module in (ROOT / package).glob("*.py"):
        if module.stem != "__init__":
            assert f"`{module.stem}`" in row, module
