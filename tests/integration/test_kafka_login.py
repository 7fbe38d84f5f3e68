"""Every way of logging in to Kafka, by every process of geophone, right and wrong."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from ops.child import Child, Program
from ops.reader import read_all
from schemas.connection import KafkaConnection
from schemas.topics import Topics
from streams.exit import ExitCode
from tests.guarded_kafka import HOUR, RIGHT, SCRAM, WAYS, WRONG, Guarded, guarded, write_token
from tests.ingress_rig import SECRET, Process, ask, elsewhere, event, until

PARTITIONS = 2
EVENTS = 30


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kafka_with_doors(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Guarded]:
    if request.config.getoption("--kafka") != "embedded":
        pytest.skip("starts a broker with rules of its own: only with --kafka=embedded")
    async with guarded(tmp_path_factory.mktemp("guarded") / "kafka") as found:
        yield found


def installed(login: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return what all processes of an installation are told."""
    return {
        **login,
        "GEOPHONE_TOPIC_PREFIX": f"{prefix.lower()}.",
        "GEOPHONE_TOPIC_PARTITIONS": str(PARTITIONS),
        "GEOPHONE_TOPIC_REPLICATION": "1",
    }


def geophone(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "ops.cli", *arguments],
        env={**elsewhere(), **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def worker(folder: Path, variables: Mapping[str, str]) -> Child:
    environment = {
        **variables,
        "GEOPHONE_STAGES": "dedup,followup",
        "GEOPHONE_SESSION_TIMEOUT_SECONDS": "2",
        "GEOPHONE_ADMIN_HOST": "127.0.0.1",
        "GEOPHONE_ADMIN_PORT": "0",
        "GEOPHONE_READY_FILE": "ready.json",
    }
    return Child(Program("streams", "streams", "streams", environment), folder / "streams")


@pytest.mark.parametrize("way", WAYS)
async def test_all_of_geophone_logs_in(kafka_with_doors: Guarded, tmp_path: Path, way: str) -> None:
    variables = installed(kafka_with_doors.variables(way), way)
    prefix = variables["GEOPHONE_TOPIC_PREFIX"]
    applied = await asyncio.to_thread(geophone, "topics", "apply", **variables)
    assert applied.returncode == 0, applied.stderr
    ingress, streams = Process(tmp_path, **variables), worker(tmp_path, variables)
    streams.start()
    try:
        await ingress.start()
        canary = await asyncio.to_thread(
            geophone,
            *("prove", "--url", f"http://127.0.0.1:{ingress.port}/webhook", "--rate", "50"),
            **{**variables, "GEOPHONE_SECRETS": SECRET},
        )
        assert canary.returncode == 0, canary.stdout + canary.stderr
        assert "all well: 20 events" in canary.stdout
        shown = await asyncio.to_thread(geophone, "read", f"{prefix}raw", **variables)
        assert shown.stdout.count("geophone-canary") >= 20, shown.stderr
    finally:
        ingress.kill()
        await streams.stop(10)
    for log in (ingress.log, streams.log):
        assert kafka_with_doors.secret(way) not in log.read_text()


@pytest.mark.parametrize("way", WAYS)
async def test_who_is_refused_is_told_why(
    kafka_with_doors: Guarded, tmp_path: Path, way: str
) -> None:
    variables = installed(kafka_with_doors.strangers(way), f"refused.{way}")
    ingress = Process(tmp_path, **variables)
    try:
        await ingress.start()
        await until(lambda: "kafka_unreachable" in ingress.log.read_text(), 30)
        assert (await ask(ingress.port, event())).status == 503
        assert not await ingress.is_ready()
    finally:
        ingress.kill()
    streams = await asyncio.to_thread(to_its_end, variables)
    assert streams.returncode == ExitCode.FAILED
    assert "cannot reach Kafka" in streams.stderr
    asked = await asyncio.to_thread(geophone, "topics", "verify", **variables)
    assert asked.returncode == 1
    # With TLS 1.3 a client has shaken hands before the broker looks at its certificate.
    why = {"certificate": "closed", "OAUTHBEARER": "expired"}.get(way, "Authentication")
    for said in (ingress.log.read_text(), streams.stdout + streams.stderr, asked.stderr):
        assert why.lower() in said.lower(), said
        assert WRONG not in said


async def test_a_token_that_kafka_refuses_lets_nobody_in(
    kafka_with_doors: Guarded, tmp_path: Path
) -> None:
    variables = installed(kafka_with_doors.variables("OAUTHBEARER"), "nobody")
    del variables["GEOPHONE_KAFKA_SASL_TOKEN_FILE"]
    file = tmp_path / "token.jwt"
    write(file, "no-token-of-kafka-s\n")
    ingress = Process(tmp_path, **variables, GEOPHONE_KAFKA_SASL_TOKEN_FILE=str(file))
    try:
        await ingress.start()
        await until(lambda: "kafka_unreachable" in ingress.log.read_text(), 30)
        assert (await ask(ingress.port, event())).status == 503
    finally:
        ingress.kill()


def write(file: Path, text: str) -> None:
    file.write_text(text)


def to_its_end(variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streams", "--stages", "dedup"],
        env={**elsewhere(), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_a_new_password_needs_no_restart_of_the_ingress(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text(f"{RIGHT}\n")
    async with guarded(tmp_path / "kafka") as kafka:
        variables = installed(kafka.variables(next(iter(SCRAM))), "rotated")
        del variables["GEOPHONE_KAFKA_SASL_PASSWORD"]
        variables["GEOPHONE_KAFKA_SASL_PASSWORD_FILE"] = str(password)
        variables["GEOPHONE_TOPIC_MODE"] = "create"
        ingress = Process(tmp_path, **variables)

        async def accepted() -> bool:
            return (await ask(ingress.port, event())).status == 200

        try:
            await ingress.start()
            await until(accepted, 30)
            kafka.set_password("another-password")
            assert await accepted(), "what is logged in stays so"
            await kafka.local.restart(1)
            await until(lambda: "Authentication" in ingress.log.read_text(), 30)
            password.write_text("another-password\n")
            await until(accepted, 30)
        finally:
            ingress.kill()


async def test_a_token_s_end_is_not_the_end(tmp_path: Path) -> None:
    """Kafka closes a connection that outlives its token: no caller may notice, and no reader."""
    async with guarded(tmp_path / "kafka", connections_max_reauth_ms=5000) as kafka:
        variables = installed(kafka.variables("OAUTHBEARER"), "tokens")
        file = Path(variables["GEOPHONE_KAFKA_SASL_TOKEN_FILE"])
        variables["GEOPHONE_TOPIC_MODE"] = "create"
        ingress, streams = Process(tmp_path, **variables), worker(tmp_path, variables)
        streams.start()
        try:
            await ingress.start()
            await until(ingress.is_ready, 60)
            for number in range(EVENTS):
                write_token(file, 6)
                assert (await ask(ingress.port, event(number))).status == 200
                await asyncio.sleep(0.5)
            write_token(file, HOUR)
            topic = Topics(variables["GEOPHONE_TOPIC_PREFIX"]).events["LivesendUpdatedV1"].name
            plain = KafkaConnection(bootstrap_servers=kafka.local.bootstrap_servers)
            await until(lambda: has_all(plain, topic), 60, pause=0.5)
        finally:
            ingress.kill()
            await streams.stop(10)


async def has_all(connection: KafkaConnection, topic: str) -> bool:
    found = [json.loads(record.value)["id"] for record in await read_all(connection, [topic])]
    assert len(found) == len(set(found))
    return len(found) == EVENTS
