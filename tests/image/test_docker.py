"""With Docker: the images, and all that deploy/compose.yaml composes, by the README's own lines.

Needs a daemon, buildx and compose, and the base images from their registry; else skipped with the
reason. With --images=stand-in they are made from Debian, PyPI and Maven Central: as root, with
buildah and mmdebstrap.
"""

import asyncio
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ops import samples
from ops.reader import read_all
from ops.sender import signed
from schemas.catalogue import EMAIL
from schemas.connection import KafkaConnection
from tests.docker_rig import SECRET, Docker, Installation
from tests.image_rig import ROOT, TARGETS, output

pytestmark = [pytest.mark.image, pytest.mark.timeout(1800)]

README = (ROOT / "README.md").read_text(encoding="utf-8")
OURS = ("crm", "ingress", "streams")
EMAILS = f"seismic.event.{EMAIL.name}"
GRACE_SECONDS = 30
"""What the file gives a service before it is killed; all of them together should need less."""
KILLED = 137
_WAIT_SECONDS = 60


def line(word: str) -> str:
    """Return the README's line of `docker compose` with this word."""
    [found] = re.findall(rf"^docker compose .* {word} .*$", README, re.MULTILINE)
    return str(found)


@pytest.fixture(scope="module")
def up(docker: Docker) -> Iterator[Installation]:
    for target in TARGETS:
        docker.build(target)
    with docker.installation() as it:
        it.say(line("up"))
        yield it


@pytest.fixture
def running(up: Installation) -> Installation:
    """Give it with all services up, whatever the test before has done to them."""
    up.compose("up", "--wait")
    return up


@pytest.mark.parametrize("target", TARGETS)
def test_what_docker_builds_is_what_the_dockerfile_says(docker: Docker, target: str) -> None:
    docker.build(target)
    [image] = json.loads(output("docker", "image", "inspect", docker.image(target)))
    config = image["Config"]
    assert config["User"] == "65532:65532"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Labels"]["org.opencontainers.image.title"] == f"geophone-{target}"
    assert config["Labels"]["org.opencontainers.image.base.name"] == docker.base
    assert not config.get("Cmd")
    locked_down = ("--rm", "--read-only", "--cap-drop=ALL", "--network=none")
    helped = output("docker", "run", *locked_down, docker.image(target), "--help")
    assert config["Entrypoint"][0] in helped


def test_all_are_healthy_and_none_had_to_be_started_twice(running: Installation) -> None:
    containers = running.containers()
    assert set(containers) == {"kafka", *OURS}
    for name, container in containers.items():
        assert container["State"]["Health"]["Status"] == "healthy", name
        assert container["RestartCount"] == 0, name


@pytest.mark.parametrize("service", OURS)
def test_a_service_has_no_powers_and_nothing_to_write_to_but_what_it_needs(
    running: Installation, service: str
) -> None:
    status = running.compose("exec", "-T", service, "cat", "/proc/1/status")
    assert re.search(r"^Uid:\s+65532\s", status, re.MULTILINE)
    assert re.search(r"^CapBnd:\s+0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    script = "touch /tmp/x; for each in / /opt/geophone /var /home; do touch $each/x; done"
    refused = running.say(f"{_exec(running, service)} sh -c '{script}' 2>&1 || true")
    assert refused.count("Read-only file system") == 4, refused


def test_an_event_goes_the_way_that_the_readme_describes(running: Installation) -> None:
    before = _number(running.say(line("read")))
    assert "3 x 200" in running.say(line("send"))
    _until(lambda: _number(running.say(line("read"))) == before + 1)


def test_the_canary_finds_nothing_wrong(running: Installation) -> None:
    assert "all well" in running.say(line("prove"))


def test_from_outside_a_signed_event_becomes_a_record_and_a_task_for_each_recipient(
    running: Installation,
) -> None:
    body = samples.event(EMAIL, "tenant-outside")
    assert _post(running, body) == 200
    _until(lambda: _tasks(running, body) == len(samples.RECIPIENTS))
    for topic in ("seismic.raw", EMAILS):
        assert [record for record in _records(running, topic) if record == body] == [body]
    with pytest.raises(urllib.error.HTTPError, match="401"):
        _post(running, body, secret="another-0123456789")


@pytest.mark.parametrize("commands", [("restart",), ("down", "up")], ids="-".join)
def test_what_was_stored_outlives(running: Installation, commands: tuple[str, ...]) -> None:
    body = samples.event(EMAIL, "tenant-kept")
    assert _post(running, body) == 200
    _until(lambda: _tasks(running, body) == len(samples.RECIPIENTS))
    for command in commands:
        running.say(line(command)) if command != "restart" else running.compose(command)
    running.say(line("up"))
    assert _tasks(running, body) == len(samples.RECIPIENTS)
    assert _records(running, EMAILS).count(body) == 1
    # It also knows what it has seen: the same again is a duplicate, one after it is not.
    later = samples.event(EMAIL, "tenant-kept")
    assert (_post(running, body), _post(running, later)) == (200, 200)
    _until(lambda: _tasks(running, later) == len(samples.RECIPIENTS))
    assert _records(running, "seismic.raw").count(body) == 2
    assert _records(running, EMAILS).count(body) == 1


def test_it_stops_within_the_grace_and_nobody_is_killed(running: Installation) -> None:
    started = time.monotonic()
    running.compose("stop")
    for name, container in running.containers().items():
        assert not container["State"]["Running"], name
        assert container["State"]["ExitCode"] != KILLED, name
    assert time.monotonic() - started < GRACE_SECONDS


def _exec(it: Installation, service: str) -> str:
    return f"docker compose -f {it.file} exec -T {service}"


def _number(said: str) -> int:
    """Return how many records `geophone read` found; none if there is no such topic yet."""
    [number] = re.findall(r"(\d+) records? in ", said)
    return int(number)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _post(it: Installation, body: bytes, secret: str = SECRET) -> int:
    url = f"http://{it.host(8080)}/webhook"
    request = urllib.request.Request(url, body, signed(body, secret))
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - the same
        return int(answer.status)


def _tasks(it: Installation, body: bytes) -> int:
    url = f"http://{it.host(8000)}/tasks?event={json.loads(body)['id']}"
    with urllib.request.urlopen(url) as answer:
        return int(json.load(answer)["matching"])


def _records(it: Installation, topic: str) -> list[Any]:
    connection = KafkaConnection(bootstrap_servers=it.host(29092))
    return [record.value for record in asyncio.run(read_all(connection, [topic]))]
