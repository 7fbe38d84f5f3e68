"""The Kafka that tests talk to: one for the whole run, and others for tests that break theirs."""

import asyncio
import gc
import socket
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops.kafka.cluster import LocalKafka
from ops.kafka.jars import VERSION
from ops.kafka.members import Member, Members
from ops.kafka.properties import server_properties
from ops.kafka.ready import until_ready

OwnKafka = Callable[[int], Awaitable[LocalKafka]]
READY_S = 120


@dataclass(frozen=True)
class RunningKafka:
    """What --kafka chose. `local` is set when it is the embedded one; do not stop or kill it."""

    bootstrap_servers: str
    local: LocalKafka | None = None


@pytest.fixture(scope="session")
def kafka(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningKafka]:
    """One broker (or the cluster that --kafka names), shared by the run: use topics of your own."""
    choice = request.config.getoption("--kafka")
    if choice == "embedded":
        with _embedded(tmp_path_factory.mktemp("kafka")) as local:
            yield RunningKafka(local.bootstrap_servers, local)
    elif choice == "testcontainers":
        with _container() as address:
            yield RunningKafka(address)
    else:
        yield RunningKafka(choice)


@pytest.fixture
async def own_kafka(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OwnKafka]:
    """Call it with a number of brokers: starts a cluster that this test alone may stop and kill."""
    if request.config.getoption("--kafka") != "embedded":
        pytest.skip("stops and kills brokers: only with --kafka=embedded")
    started: list[LocalKafka] = []

    async def start(brokers: int) -> LocalKafka:
        local = LocalKafka(tmp_path / f"kafka-{len(started)}", brokers)
        await local.start()
        started.append(local)
        return local

    yield start
    for local in started:
        await local.stop()


@contextmanager
def _embedded(state_dir: Path) -> Iterator[LocalKafka]:
    local = LocalKafka(state_dir)
    _run(local.start())
    yield local
    _run(local.stop())


@contextmanager
def _container() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # these packages deprecate each other and leak sockets
        containers = pytest.importorskip("testcontainers.core.container")
        if failure := _docker_failure(pytest.importorskip("docker")):
            pytest.skip(f"--kafka=testcontainers needs Docker: {failure}")
    port = _free_port()
    container = containers.DockerContainer(f"apache/kafka:{VERSION}")
    with container.with_envs(**_environment(port)).with_bind_ports(port, port):
        address = f"127.0.0.1:{port}"
        _run(until_ready({1: address}, 1, READY_S, lambda: None))
        yield address


def _docker_failure(docker: Any) -> str | None:
    failure = None
    try:
        with closing(docker.from_env()) as client:
            client.ping()
    except docker.errors.DockerException as error:
        failure = str(error)
    gc.collect()  # while the caller still ignores what the failed client left open
    return failure


def _environment(port: int) -> dict[str, str]:
    """The settings of the embedded broker, as the image apache/kafka takes them."""
    member = Member(1, port, 9093)
    lines = server_properties(member, Members("", (member,))).splitlines()
    settings = dict(line.split("=", 1) for line in lines)
    settings["listeners"] = f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://127.0.0.1:9093"
    settings["log.dirs"] = "/tmp/kafka-logs"  # noqa: S108 - inside the container
    return {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in settings.items()}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(work: Coroutine[Any, Any, object]) -> None:
    # A loop of its own that is never the current one: pytest-asyncio does not notice.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(work)
