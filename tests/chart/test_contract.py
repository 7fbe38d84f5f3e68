"""What the chart says of the services is what they are: ports, paths, topics, images, versions."""

import json
import tomllib
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import yaml
from typer.testing import CliRunner

from deploy import chart_topics
from ingress.admin import create_admin
from ingress.metrics import Metrics
from ingress.pool_admin import create_pool_admin
from ingress.reception import State
from ingress.settings import SENDER_WAITS_SECONDS
from ingress.settings import Settings as IngressSettings
from ops.cli import app
from ops.kafka.jars import VERSION as KAFKA_VERSION
from streams.health import Admin
from streams.settings import STAGES
from streams.settings import Settings as StreamsSettings
from tests.chart.rendered import CHART, ROOT, Pod, fixture
from tests.ingress_rig import FakeSink

DEFAULTS = fixture("minimal").values
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
    assert set(json.loads(text)["stages"]) == set(STAGES)


def test_defaults_are_those_of_the_services() -> None:
    ours, theirs = DEFAULTS["ingress"], IngressSettings.model_fields
    for value, field in {
        "webhookPath": "webhook_path",
        "deadlineSeconds": "deadline_seconds",
        "maxBodyBytes": "max_body_bytes",
        "maxInFlight": "max_in_flight",
        "maxConnections": "max_connections",
        "workers": "workers",
        "keepAliveSeconds": "keep_alive_seconds",
        "logLevel": "log_level",
    }.items():
        assert ours[value] == theirs[field].default, value
    assert ours["deadlineSeconds"] < SENDER_WAITS_SECONDS
    shared = StreamsSettings.model_fields
    assert DEFAULTS["topics"]["prefix"] == shared["topic_prefix"].default
    assert DEFAULTS["topics"]["partitions"] == shared["topic_partitions"].default
    assert DEFAULTS["topics"]["replication"] == shared["topic_replication"].default
    assert DEFAULTS["seismic"]["legacyTenant"] == shared["legacy_tenant"].default
    assert DEFAULTS["streams"]["appId"] == shared["app_id"].default
    assert DEFAULTS["streams"]["stalledSeconds"] == shared["stalled_seconds"].default
    assert DEFAULTS["tasks"]["dueBusinessDays"] == shared["task_due_business_days"].default
    assert DEFAULTS["crm"]["timeoutSeconds"] == shared["crm_timeout_seconds"].default
    assert DEFAULTS["crm"]["concurrency"] == shared["crm_concurrency"].default


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
