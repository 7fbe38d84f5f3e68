"""The compose file, read as Docker would: its names, versions, ports and variables are ours."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingress.settings import Settings as IngressSettings
from ops.kafka.jars import VERSION as KAFKA
from ops.kafka.members import Member, Members
from ops.kafka.properties import server_properties
from streams.settings import Settings as StreamsSettings
from tests.image.dockerfile import stages
from tests.image_rig import VERSION, output

FILE = Path(__file__).parents[2] / "deploy" / "compose.yaml"
SECRET = "0123456789abcdef"
SERVICES: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"]
SETTINGS: dict[str, type[IngressSettings | StreamsSettings]] = {
    "ingress": IngressSettings,
    "streams": StreamsSettings,
}
OURS = [name for name, service in SERVICES.items() if "build" in service]


@pytest.fixture(autouse=True)
def _no_variables_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GEOPHONE_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_is_a_target_of_the_dockerfile_and_locked_down(name: str) -> None:
    service = SERVICES[name]
    build = service["build"]
    assert (FILE.parent / build["context"] / build["dockerfile"]).exists()
    assert build["target"] in stages()
    assert service["image"] == f"geophone-{build['target']}:{VERSION}"
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SETTINGS)
def test_the_services_take_their_variables_all_of_them(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = SERVICES[name]["environment"]
    for variable, value in variables.items():
        assert variable.removeprefix("GEOPHONE_").lower() in SETTINGS[name].model_fields
        monkeypatch.setenv(variable, SECRET if value.startswith("${") else value)
    settings = SETTINGS[name]()
    assert settings.kafka_bootstrap_servers == "kafka:9092"
    assert settings.topic_mode == "create"


@pytest.mark.parametrize("name", SETTINGS)
def test_health_is_asked_for_where_the_probes_are(name: str) -> None:
    port = SETTINGS[name].model_fields["admin_port"].default
    assert f"http://localhost:{port}/readyz" in SERVICES[name]["healthcheck"]["test"][-1]


def test_the_services_find_each_other() -> None:
    assert SERVICES["streams"]["environment"]["GEOPHONE_CRM_URL"] == "http://crm:8000"
    assert " ".join(SERVICES["crm"]["entrypoint"][3:7]) == "--host 0.0.0.0 --port 8000"
    assert "INSIDE://kafka:9092" in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_there_is_no_secret_in_it() -> None:
    assert SERVICES["ingress"]["environment"]["GEOPHONE_SECRETS"].startswith("${GEOPHONE_SECRETS:?")


def test_its_kafka_is_the_one_that_is_tested_and_as_strict() -> None:
    service = SERVICES["kafka"]
    assert service["image"] == f"apache/kafka:{KAFKA}"
    member = Member(1, 9092, 9093)
    lines = server_properties(member, Members("", (member,))).splitlines()
    told = service["environment"]
    for name, value in (line.split("=", 1) for line in lines):
        if re.search(r"replica|isr|create|message|unclean", name) and "ms" not in name:
            assert told[f"KAFKA_{name.upper().replace('.', '_')}"] == value


def test_docker_takes_it() -> None:
    try:
        output("docker", "compose", "version")
    except (OSError, RuntimeError):
        pytest.skip("needs docker compose")
    read = output(
        *("docker", "compose", "-f", str(FILE), "config", "--format", "json"),
        GEOPHONE_SECRETS=SECRET,
    )
    assert set(json.loads(read)["services"]) == set(SERVICES)
