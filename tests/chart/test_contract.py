"""What the chart says of the services is what they are: ports, paths, topics, images, versions."""

import json
import re
import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path, PurePosixPath

import aiohttp
import pytest
import yaml
from typer.testing import CliRunner

from deploy import chart_topics
from deploy.values_page import VALUES, values
from ingress.admin import create_admin
from ingress.metrics import Metrics
from ingress.pool_admin import create_pool_admin
from ingress.reception import State
from ingress.settings import SENDER_WAITS_SECONDS
from ingress.settings import Settings as IngressSettings
from ops.cli import app
from ops.kafka.jars import VERSION as KAFKA_VERSION
from streams.crm.registry import CONNECTORS
from streams.crm.targets import read_targets
from streams.health import Admin
from streams.rules import loader
from streams.settings import STAGES
from streams.settings import Settings as StreamsSettings
from tests.chart.rendered import CHART, FIXTURES, ROOT, Pod, fixture, given, merged, render
from tests.ingress_rig import FakeSink

DEFAULTS = fixture("minimal").values
LOAD_BALANCERS_KEEP_SECONDS = 60
"""AWS's load balancers and nginx keep idle connections to pods for so long."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
META = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))


def paths(pod: Pod) -> set[str]:
    """Return what is asked of a pod's admin port."""
    probes = ("startupProbe", "livenessProbe", "readinessProbe")
    return {pod.container[each]["httpGet"]["path"] for each in probes} | {"/metrics"}


def workload(component: str) -> Pod:
    (pod,) = (each for each in fixture("everything").workloads if each.component == component)
    return pod


def ports(pod: Pod) -> dict[str, int]:
    return {each["name"]: each["containerPort"] for each in pod.container["ports"]}


def test_the_receiver_serves_what_it_is_asked_for() -> None:
    state = State()
    for admin in (create_admin(FakeSink(), Metrics(), state), create_pool_admin([], state)):
        served = {getattr(route, "path", None) for route in admin.routes}
        assert paths(workload("ingress")) <= served


@pytest.fixture
async def stage() -> AsyncIterator[str]:
    """Serve the admin port of a stage that has nothing to do."""
    admin = Admin([], StreamsSettings(admin_host="127.0.0.1", admin_port=0))
    await admin.on_start()
    host, port = admin._runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await admin.on_stop()


@pytest.mark.parametrize("name", STAGES)
async def test_a_stage_serves_what_it_is_asked_for(name: str, stage: str) -> None:
    async with aiohttp.ClientSession() as session:
        for path in paths(workload(name)):
            async with session.get(stage + path) as response:
                assert response.status == 200, path


def test_ports_are_where_the_processes_listen() -> None:
    pod = workload("ingress")
    settings = IngressSettings.model_validate(_fields(pod))
    assert ports(pod) == {"webhook": settings.port, "admin": settings.admin_port}
    for name in STAGES:
        stage = workload(name)
        assert ports(stage) == {"admin": StreamsSettings.model_validate(_fields(stage)).admin_port}


def _fields(pod: Pod) -> dict[str, str]:
    return {name.removeprefix("GEOPHONE_").lower(): value for name, value in pod.env.items()}


def test_each_stage_has_a_workload_and_runs_alone() -> None:
    found = {pod.component: pod.env["GEOPHONE_STAGES"] for pod in _stages()}
    assert found == {stage: stage for stage in STAGES}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_is_switched_off_is_not_there(stage: str) -> None:
    """Whatever else is on: docs/operate.md needs it to move tenants between CRMs."""
    # Without dedup nobody could read what the canary has sent.
    chosen = {"streams": {stage: {"enabled": False}}, "canary": {"schedule": ""}}
    chosen = merged(given("everything"), chosen)
    assert {pod.component for pod in render(chosen).stages} == set(STAGES) - {stage}


def test_a_variable_of_ours_is_told_by_the_value_that_says_it() -> None:
    """Or those who set it in vain would not learn what to set instead."""
    template = (CHART / "templates" / "_settings.tpl").read_text(encoding="utf-8")
    table = dict(re.findall(r"^(GEOPHONE_\w+): (.*)$", template, re.MULTILINE))
    ours = {
        each["name"]
        for name in FIXTURES
        for pod in fixture(name).pods
        for each in pod.container["env"]
        if each["name"].startswith("GEOPHONE_")
    }
    added = {"GEOPHONE_RETRY_AFTER_SECONDS"}  # by a fixture, and by no value
    of_the_chart = {
        "GEOPHONE_ADMIN_PORT",
        "GEOPHONE_INSTANCE",
        "GEOPHONE_PORT",
        "GEOPHONE_STAGES",
        "GEOPHONE_STATE_DIR",
    }
    assert set(table) == ours - added - of_the_chart
    known = {each.key for each in values(VALUES.read_text(encoding="utf-8"))}
    assert {key for text in table.values() for key in text.split(" or ")} <= known


def _stages() -> Iterator[Pod]:
    return (pod for pod in fixture("everything").workloads if pod.component != "ingress")


def test_without_a_connector_there_is_no_crm_stage() -> None:
    assert [pod.component for pod in fixture("minimal").workloads] == [
        "ingress",
        "dedup",
        "followup",
    ]


def test_the_list_of_topics_is_the_contracts() -> None:
    # python deploy/chart_topics.py > deploy/chart/files/topics.json
    text = (CHART / "files" / "topics.json").read_text(encoding="utf-8")
    assert text == chart_topics.topics()


def test_defaults_are_those_of_the_services() -> None:
    ours, theirs = DEFAULTS["ingress"], IngressSettings.model_fields
    for value, field in {
        "webhookPath": "webhook_path",
        "deadlineSeconds": "deadline_seconds",
        "maxBodyBytes": "max_body_bytes",
        "maxInFlight": "max_in_flight",
        "maxConnections": "max_connections",
        "workers": "workers",
        "logLevel": "log_level",
    }.items():
        assert ours[value] == theirs[field].default, value
    assert ours["deadlineSeconds"] < SENDER_WAITS_SECONDS
    assert ours["keepAliveSeconds"] > LOAD_BALANCERS_KEEP_SECONDS
    shared = StreamsSettings.model_fields
    assert DEFAULTS["topics"]["prefix"] == shared["topic_prefix"].default
    assert DEFAULTS["topics"]["partitions"] == shared["topic_partitions"].default
    assert DEFAULTS["topics"]["replication"] == shared["topic_replication"].default
    assert DEFAULTS["seismic"]["legacyTenant"] == shared["legacy_tenant"].default
    assert DEFAULTS["streams"]["appId"] == shared["app_id"].default
    assert DEFAULTS["streams"]["stalledSeconds"] == shared["stalled_seconds"].default
    assert DEFAULTS["tasks"]["dueBusinessDays"] == shared["task_due_business_days"].default
    assert DEFAULTS["crm"]["timeoutSeconds"] == shared["crm_timeout_seconds"].default
    assert DEFAULTS["crm"]["maxRefusedShare"] == shared["crm_max_refused_share"].default
    for limit in ("requestsPerSecond", "concurrency"):
        assert DEFAULTS["crm"][limit] == 0, "the connector's own"


def test_every_connector_can_be_chosen() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    chosen = schema["properties"]["crm"]["properties"]["connector"]["enum"]
    assert set(chosen) == {"", *CONNECTORS}


@pytest.mark.parametrize("name", CONNECTORS)
def test_a_connector_is_given_what_it_needs(name: str) -> None:
    needs = {"existingSecret": "crm"} | (
        {} if name == "hubspot" else {"url": "https://crm.example"}
    )
    rendered = render(merged(given("minimal"), {"crm": {"connector": name, **needs}}))
    (env,) = (pod.env for pod in rendered.stages if pod.component == "crm")
    takes_a_file = any(
        field.is_required() for field in CONNECTORS[name].options.model_fields.values()
    )
    assert ("GEOPHONE_CRM_CREDENTIALS_FILE" in env) == takes_a_file
    assert ("GEOPHONE_CRM_SECRET_FILE" in env) != takes_a_file


def texts(component: str) -> dict[str, str]:
    """Return what a stage reads at its start."""
    (found,) = (
        each
        for each in fixture("everything").of("ConfigMap")
        if each["metadata"].get("labels", {}).get("app.kubernetes.io/component") == component
    )
    return dict(found["data"])


def test_the_rules_reach_followup_as_they_were_written() -> None:
    given_rules = fixture("everything").values["tasks"]["rules"]
    assert texts("followup") == {"task-rules.yaml": given_rules}
    assert loader.parse(given_rules).defaults.time_zone


def test_the_targets_reach_crm_as_they_were_written(tmp_path: Path) -> None:
    given_targets = fixture("everything").values["crm"]["targets"]
    assert texts("crm") == {"targets.yaml": given_targets}
    file = tmp_path / "targets.yaml"
    file.write_text(given_targets, encoding="utf-8")
    assert read_targets(file)["emea"].credentials_file == tmp_path / "emea.yaml"


def test_a_text_whose_first_line_has_an_indent_stays_as_it_is() -> None:
    maps = {
        each["metadata"]["labels"]["app.kubernetes.io/component"]: each["data"]
        for each in fixture("numbers").of("ConfigMap")
    }
    values = fixture("numbers").values
    assert maps["followup"] == {"task-rules.yaml": values["tasks"]["rules"]}
    assert maps["crm"] == {"targets.yaml": values["crm"]["targets"]}


def test_without_a_key_calls_are_not_signed() -> None:
    (pod,) = (each for each in fixture("numbers").workloads if each.component == "crm")
    assert "GEOPHONE_CRM_SECRET_FILE" not in pod.env


def test_targets_lie_beside_the_credentials_that_they_name() -> None:
    env = workload("crm").env
    targets = PurePosixPath(env["GEOPHONE_CRM_TARGETS_FILE"])
    assert targets.parent == PurePosixPath(env["GEOPHONE_CRM_SECRET_FILE"]).parent


def test_another_text_is_another_pod() -> None:
    def templates(rules: str) -> list[object]:
        rendered = render(merged(given("minimal"), {"tasks": {"rules": rules}}))
        return [pod.metadata for pod in rendered.workloads]

    before, after = templates("version: 1"), templates("version: 1 # again")
    changed = [one for one, other in zip(before, after, strict=True) if one != other]
    assert len(changed) == 1


def test_each_target_has_a_group_that_is_looked_at() -> None:
    groups = {
        trigger["metadata"]["consumerGroup"]
        for each in fixture("keda").of("ScaledObject")
        for trigger in each["spec"]["triggers"]
        if trigger["type"] == "kafka"
    }
    targets = yaml.safe_load(fixture("keda").values["crm"]["targets"])
    assert groups == {
        f"geophone-{stage}" for stage in (*STAGES, *(f"crm-{name}" for name in targets))
    }


def test_the_canary_gives_options_that_there_are() -> None:
    (pod,) = (each for each in fixture("everything").pods if each.owner["kind"] == "CronJob")
    command, *arguments = pod.container["args"]
    help_text = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).stdout
    options = [each for each in arguments if each.startswith("--")]
    assert options == ["--url", "--secret-file", "--patience"]
    assert all(each in help_text for each in options)


def test_the_test_is_the_canary() -> None:
    pods = {pod.owner["kind"]: pod for pod in fixture("everything").pods}
    test, cron = pods["Pod"], pods["CronJob"]
    assert test.container == cron.container
    assert test.owner["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert test.spec["restartPolicy"] == "Never"


def test_the_canary_calls_the_service_where_it_is() -> None:
    (test,) = (pod for pod in fixture("managed-kafka").pods if pod.owner["kind"] == "Pod")
    (service,) = (
        each
        for each in fixture("managed-kafka").of("Service")
        if each["spec"]["ports"][0]["targetPort"] == "webhook"
    )
    name, port = service["metadata"]["name"], service["spec"]["ports"][0]["port"]
    namespace, path = service["metadata"]["namespace"], DEFAULTS["ingress"]["webhookPath"]
    assert f"http://{name}.{namespace}.svc:{port}{path}" in test.container["args"]


def test_versions_are_the_products() -> None:
    assert META["version"] == META["appVersion"] == PROJECT["version"]
    assert DEFAULTS["kafka"]["dev"]["image"]["tag"] == KAFKA_VERSION
    assert "dependencies" not in META


def test_one_node_of_kafka_has_one_copy() -> None:
    replication = {pod.env["GEOPHONE_TOPIC_REPLICATION"] for pod in fixture("one-node").workloads}
    assert replication == {"1"}
