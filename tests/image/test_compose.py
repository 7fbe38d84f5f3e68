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
from tests.docker_rig import SECRET, impossible
from tests.image.dockerfile import inherited, stages
from tests.image_rig import VERSION, output

FILE = Path(__file__).parents[2] / "deploy" / "compose.yaml"
READ: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = READ["services"]
STARTED = [name for name, service in SERVICES.items() if "profiles" not in service]
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


@pytest.mark.parametrize("name", STARTED)
def test_up_waits_until_a_service_answers_and_does_not_give_up_on_a_busy_machine(name: str) -> None:
    healthcheck = SERVICES[name]["healthcheck"]
    assert healthcheck["test"][0] == "CMD"
    assert healthcheck["start_period"] == "3m"


def test_what_must_outlive_a_container_is_in_a_volume() -> None:
    crm = SERVICES["crm"]["entrypoint"]
    kept = {
        "kafka": SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"],
        "streams": _environment("streams")["GEOPHONE_STATE_DIR"],
        "crm": str(Path(crm[crm.index("--database") + 1]).parent),
    }
    mounts = [(name, each.split(":")) for name in SERVICES for each in _volumes(name)]
    assert {name: folder for name, (_, folder) in mounts} == kept
    assert {volume for _, (volume, _) in mounts} == set(READ["volumes"])


@pytest.mark.parametrize("name", ["streams", "crm"])
def test_a_volume_of_ours_is_made_as_its_users_own(name: str) -> None:
    """Docker makes a volume as the folder in the image is; without one it would be root's."""
    target = SERVICES[name]["build"]["target"]
    [(_, folder)] = [each.split(":") for each in _volumes(name)]
    assert f"--from=build --chown=65532:65532 /state {folder}" in inherited(target, "COPY")


def _volumes(name: str) -> list[str]:
    return list(SERVICES[name].get("volumes", []))


def _environment(target: str) -> dict[str, str]:
    return dict(each.split("=", 1) for line in inherited(target, "ENV") for each in line.split())


def test_kafka_is_given_the_time_to_leave_its_log_in_order() -> None:
    assert SERVICES["kafka"]["stop_grace_period"] == "30s"


def test_the_command_is_there_for_whoever_asks_and_knows_what_the_ingress_knows() -> None:
    command = SERVICES["geophone"]
    assert command["profiles"]
    assert command["restart"] == "no"
    assert command["image"] == SERVICES["crm"]["image"]
    ingress = SERVICES["ingress"]["environment"]
    assert command["environment"].items() <= ingress.items()
    assert "GEOPHONE_SECRETS" in command["environment"]


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
    if reason := impossible("compose", "version"):
        pytest.skip(reason)
    read = output(
        *("docker", "compose", "-f", str(FILE), "--profile", "*", "config", "--format", "json"),
        GEOPHONE_SECRETS=SECRET,
    )
    assert set(json.loads(read)["services"]) == set(SERVICES)
