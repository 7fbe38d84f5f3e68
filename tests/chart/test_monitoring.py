"""Alerts and dashboards speak of metrics that there are, and an operator finds what to do."""

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest
from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from ingress import answers
from ingress.metrics import METRICS
from ops.prove.canary import plan
from streams import metrics as streams_metrics
from streams.settings import STAGES
from tests.chart.rendered import CHART, ROOT, fixture, given, merged, render

OPERATE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
DASHBOARDS = sorted((CHART / "files" / "dashboards").glob("*.json"))
OURS = {
    ("namespace", "seismic-prod"),
    ("app_kubernetes_io_name", "bridge"),
    ("app_kubernetes_io_instance", "geophone"),
}
_TEXT = re.compile(r'"([^"]*)"')


def exported() -> dict[str, set[str]]:
    """Return the names of all series that the services export, with their labels."""
    series: dict[str, set[str]] = {}
    for metric in METRICS:
        _add(series, metric.name, metric.kind == "histogram", metric.labels)
    for each in vars(streams_metrics).values():
        if isinstance(each, MetricWrapperBase):
            name = each._name + "_total" * isinstance(each, Counter)
            _add(series, name, isinstance(each, Histogram), each._labelnames)
    return series


def _add(series: dict[str, set[str]], name: str, spreads: bool, labels: Any) -> None:  # noqa: FBT001
    if not spreads:
        series[name] = set(labels)
        return
    series |= {
        f"{name}_bucket": {*labels, "le"},
        f"{name}_sum": {*labels},
        f"{name}_count": {*labels},
    }


SERIES = exported()
LABELS_OF_OURS = {f"app_kubernetes_io_{each}" for each in ("name", "instance", "component")}
# What Prometheus adds: where it scraped, and which process of a pod.
ADDED = {"namespace", "pod", "worker", *LABELS_OF_OURS}


def alerts() -> list[dict[str, Any]]:
    (rule,) = fixture("everything").of("PrometheusRule")
    return [each for group in rule["spec"]["groups"] for each in group["rules"]]


def panels() -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield dashboard, panel and each expression."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                # Grafana puts these in before it asks.
                text = target["expr"].replace("$__rate_interval", "5m").replace("$namespace", "x")
                yield path.stem, panel, text


def expressions() -> list[str]:
    return [each["expr"] for each in alerts()] + [text for *_, text in panels()]


def selectors(text: str) -> list[promql_parser.VectorSelector]:
    """Return every selector of an expression.

    Raises:
        ValueError: it is no PromQL.
    """
    found: list[promql_parser.VectorSelector] = []

    def keep(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(text), pre_visit=keep)
    return found


@pytest.mark.parametrize("text", expressions())
def test_an_expression_asks_for_what_is_exported(text: str) -> None:
    assert selectors(text)
    for selector in selectors(text):
        assert selector.name in SERIES
        for matcher in selector.matchers.matchers:
            assert matcher.name in SERIES[selector.name] | ADDED


@pytest.mark.parametrize("text", expressions())
def test_an_expression_groups_by_labels_that_there_are(text: str) -> None:
    known = set().union(*(SERIES[each.name or ""] for each in selectors(text))) | ADDED
    for labels in re.findall(r"by \(([^)]*)\)", text):
        assert {each.strip() for each in labels.split(",")} <= known


@pytest.mark.parametrize("text", expressions())
def test_an_expression_names_answers_and_stages_that_there_are(text: str) -> None:
    # Of crm there is a stage for each target.
    known = {"answer": {each.name for each in answers.every()}, "stage": {*STAGES, "crm.*"}}
    known["stage"] |= {"crm-emea"}
    for label, values in known.items():
        for value in re.findall(rf'\b{label}=~?"([^"]*)"', text):
            assert set(value.split("|")) <= values


@pytest.mark.parametrize("text", expressions())
def test_counters_are_asked_for_their_rate(text: str) -> None:
    for name in re.findall(r"\bgeophone_\w+_total\b", text):
        whole = re.sub(r"\s+", " ", text)
        # `unless … offset` is how a series is found that is new.
        assert re.search(rf"(rate|increase)\({name}\b", whole) or "unless" in whole


def test_every_unavailable_answer_counts() -> None:
    (alert,) = (each for each in alerts() if each["alert"] == "GeophoneUnavailable")
    (named,) = re.findall(r'answer=~"([^"]*)"', alert["expr"])
    assert set(named.split("|")) == {each.name for each in answers.every() if each.status == 503}


def test_what_the_canary_sends_is_none_of_seismics() -> None:
    expressions = {each["alert"]: each["expr"] for each in alerts()}
    for name in ("GeophoneSilent", "GeophoneSenderRetries"):
        assert f"emea.seismic.event.{plan.TYPE}" in expressions[name]
    again = 1 / plan.AGAIN_EVERY
    factors = re.findall(r"- ([\d.]+) \*", expressions["GeophoneSenderRetries"])
    assert factors == [f"{again:g}", f"{1 + again:g}"]


def test_without_dedup_the_receiver_says_what_arrives() -> None:
    chosen = {"monitoring": {"prometheusRule": {"enabled": True}}}
    (rule,) = render(merged(given("receiver-only"), chosen)).of("PrometheusRule")
    (silent,) = (
        each
        for group in rule["spec"]["groups"]
        for each in group["rules"]
        if each["alert"] == "GeophoneSilent"
    )
    assert {each.name for each in selectors(silent["expr"])} == {"geophone_ingress_records_total"}


def test_alerts_look_at_this_installation_alone() -> None:
    for alert in alerts():
        for selector in selectors(alert["expr"]):
            assert {(each.name, each.value) for each in selector.matchers.matchers} >= OURS, alert[
                "alert"
            ]


def test_where_others_scrape_alerts_look_at_the_namespace() -> None:
    chosen = {"monitoring": {"prometheusRule": {"enabled": True}}}
    (rule,) = render(merged(given("minimal"), chosen)).of("PrometheusRule")
    assert 'namespace="seismic-prod"' in str(rule)
    assert "app_kubernetes_io" not in str(rule)


def test_an_installation_can_be_told_apart_by_other_labels() -> None:
    chosen = {"monitoring": {"prometheusRule": {"enabled": True, "selector": 'job="emea"'}}}
    (rule,) = render(merged(given("minimal"), chosen)).of("PrometheusRule")
    for group in rule["spec"]["groups"]:
        for alert in group["rules"]:
            assert all('job="emea"' in str(each) for each in selectors(alert["expr"]))


def test_every_alert_has_a_section_that_says_what_to_do() -> None:
    anchors = {title.lower() for title in re.findall(r"^#{2,4} (\w+)$", OPERATE, re.MULTILINE)}
    for alert in alerts():
        url, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        assert url == "https://docs.example.com/geophone/operate"
        assert anchor == alert["alert"].lower()
        assert anchor in anchors
        assert alert["labels"]["severity"] in ("critical", "warning")
        assert alert["annotations"]["summary"].endswith(".")


def test_every_section_is_of_an_alert() -> None:
    titles = set(re.findall(r"^#{2,4} (Geophone\w+)$", OPERATE, re.MULTILINE))
    assert titles == {each["alert"] for each in alerts()}


def test_without_a_crm_nothing_is_said_of_one() -> None:
    chosen = {"monitoring": {"prometheusRule": {"enabled": True}}}
    (rule,) = render(merged(given("minimal"), chosen)).of("PrometheusRule")
    assert "crm" not in json.dumps(rule["spec"])


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda each: each.stem)
def test_a_dashboard_can_be_imported(path: Any) -> None:
    board = json.loads(path.read_text(encoding="utf-8"))
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    assert board["uid"] == f"geophone-{path.stem}"
    assert {each["name"] for each in board["templating"]["list"]} == {"datasource", "namespace"}
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"


def test_dashboards_show_every_metric() -> None:
    shown = {each.name for *_, text in panels() for each in selectors(text)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in SERIES}
    assert {re.sub(r"_(bucket|sum|count)$", "", each or "") for each in shown} == families


def test_dashboards_reach_the_cluster_as_they_are() -> None:
    maps = [each for each in fixture("everything").of("ConfigMap") if "dashboard" in str(each)]
    found = {name: text for each in maps for name, text in each["data"].items() if "json" in name}
    assert found == {
        f"geophone-{path.name}": path.read_text(encoding="utf-8") for path in DASHBOARDS
    }
