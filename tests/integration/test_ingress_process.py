"""The process as an operator runs it: start, rotation, signals, what it leaves in its log."""

import asyncio
import json
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from ingress.settings import Settings
from ingress.supervisor import PROBE_EVERY_SECONDS
from tests.ingress_rig import (
    SECRET,
    VERIFICATION,
    Process,
    ask,
    connect,
    event,
    on_kafka,
    records,
    request,
    run,
    sign,
    told,
    until,
)
from tests.kafka_fixture import RunningKafka

Start = Callable[..., Awaitable[Process]]


@pytest.fixture
def chosen(kafka: RunningKafka) -> Settings:
    return on_kafka(kafka.bootstrap_servers)


@pytest.fixture
async def start(chosen: Settings, tmp_path: Path) -> AsyncIterator[Start]:
    """Start a process on the test's topics and wait until it is ready."""
    started: list[Process] = []

    async def start(**variables: str) -> Process:
        folder = tmp_path / f"ingress-{len(started)}"
        folder.mkdir()
        process = Process(
            folder,
            **told(chosen),
            **variables,
        )
        started.append(process)
        await process.start()
        await until(process.is_ready, 20)
        return process

    yield start
    for process in started:
        process.kill()


class Load:
    """Several keep-alive clients that reconnect when asked to, until nobody listens any more."""

    def __init__(self, port: int, clients: int = 8) -> None:
        self.port = port
        self.accepted: list[bytes] = []
        self.statuses: Counter[int] = Counter()
        self._tasks = [asyncio.create_task(self._client(number)) for number in range(clients)]

    async def until_refused(self) -> None:
        await asyncio.wait_for(asyncio.gather(*self._tasks), 20)

    async def _client(self, client: int) -> None:
        number = 0
        try:
            while True:
                async with connect(self.port) as connection:
                    moving = True
                    while moving:
                        body = event(number, f"tenant-{client}")
                        await connection.send(request(body))
                        reply = await connection.reply()
                        number += 1
                        self.statuses[reply.status] += 1
                        if reply.status == 200:
                            self.accepted.append(body)
                        moving = reply.headers.get("connection") != "close"
        except (ConnectionError, asyncio.IncompleteReadError):
            return


async def test_sigterm_under_load_loses_nothing_and_answers_all_it_took(
    start: Start, chosen: Settings
) -> None:
    """First unready, still serving for the drain time, then no more, then a clean end."""
    process = await start(GEOPHONE_DRAIN_SECONDS="1")
    load = Load(process.port)
    await until(lambda: len(load.accepted) > 200)
    told_at = time.monotonic()
    process.tell(signal.SIGTERM)

    async def unready() -> bool:
        return not await process.is_ready()

    await until(unready, 0.9)
    assert (await process.admin("/livez")).status == 200
    before = len(load.accepted)
    reply = await ask(process.port, event(-1))
    assert (reply.status, reply.headers["connection"]) == (200, "close")
    await load.until_refused()
    assert time.monotonic() - told_at >= 1
    assert len(load.accepted) > before, "it stopped serving at once"
    assert await process.ended() == 0
    assert set(load.statuses) == {200}
    found = [each.value for each in await records(chosen, chosen.topics().raw.name)]
    assert Counter(load.accepted) - Counter(found) == Counter()
    assert not (process.log.parent / "ready.json").exists()


async def test_a_second_signal_skips_the_wait(start: Start) -> None:
    process = await start(GEOPHONE_DRAIN_SECONDS="60")
    process.tell(signal.SIGTERM)
    await until(lambda: "draining" in process.log.read_text())
    process.tell(signal.SIGINT)
    assert await process.ended(10) == 0


async def test_a_request_in_flight_at_the_end_gets_its_answer(start: Start) -> None:
    process = await start(GEOPHONE_DRAIN_SECONDS="0")
    async with connect(process.port) as connection:
        body = event()
        whole = request(body)
        await connection.send(whole[:-1])
        process.tell(signal.SIGTERM)
        await until(lambda: "draining" in process.log.read_text())
        await connection.send(whole[-1:])
        assert (await connection.reply()).status == 200
    assert await process.ended() == 0


async def test_it_ends_cleanly_although_kafka_is_down(tmp_path: Path) -> None:
    process = Process(
        tmp_path,
        GEOPHONE_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
        GEOPHONE_DRAIN_SECONDS="0",
        GEOPHONE_DEADLINE_SECONDS="0.3",
    )
    try:
        await process.start()
        assert (await ask(process.port, VERIFICATION, {})).status == 200
        assert (await ask(process.port, event())).status == 503
        assert (await process.admin("/livez")).status == 200
        assert (await process.admin("/readyz")).status == 503
        process.tell(signal.SIGTERM)
        assert await process.ended() == 0
    finally:
        process.kill()


async def test_two_processes_serve_side_by_side(start: Start, chosen: Settings) -> None:
    one, two = await asyncio.gather(start(), start())
    for number, process in enumerate((one, two)):
        assert (await ask(process.port, event(number))).status == 200
    found = {each.value for each in await records(chosen, chosen.topics().raw.name)}
    assert found == {event(0), event(1)}


FIRST, SECOND = "the-first-signing-secret", "the-second-signing-secret"


async def test_a_secret_is_rotated_without_a_restart(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text(FIRST)
    process = await start(GEOPHONE_SECRETS="", GEOPHONE_SECRETS_FILES=str(file))

    async def accepts(secret: str) -> bool:
        reply = await ask(process.port, event(), {"x-seismic-signature": sign(event(), secret)})
        return reply.status == 200

    assert await accepts(FIRST)
    file.write_text(f"{SECOND}\n{FIRST}\n")
    await until(lambda: accepts(SECOND))
    assert await accepts(FIRST)
    file.write_text(f"{SECOND}\n")
    await until(lambda: _not(accepts(FIRST)))
    assert await accepts(SECOND)


async def _not(what: Awaitable[bool]) -> bool:
    return not await what


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
async def test_no_secret_no_body_and_nobody_is_in_the_log(start: Start, level: str) -> None:
    process = await start(GEOPHONE_LOG_LEVEL=level, GEOPHONE_DRAIN_SECONDS="0")
    canary = event(1, "canary-tenant", email="canary@example.com")
    await ask(process.port, canary, path="/webhook?token=canary-query")
    await ask(process.port, canary, {"x-seismic-signature": "canary-signature"})
    await ask(process.port, canary + b"}")
    await ask(process.port, b'{"type":"verification","challenge":"canary-challenge"}', {})
    await ask(process.port, canary, path="/canary-path")
    await ask(process.port, canary, {"x-canary-header": "canary-value"}, method="PUT")
    async with connect(process.port) as connection:
        await connection.send(b"canary-garbage\r\n\r\n")
        await connection.hung_up()
    process.tell(signal.SIGTERM)
    assert await process.ended() == 0
    log = process.log.read_text()
    assert "serving" in log
    assert "canary" not in log
    assert SECRET not in log
    assert sign(canary) not in log
    assert all(json.loads(line)["event"] for line in log.splitlines())


def test_help_and_check_connect_to_nothing() -> None:
    shown = run(["--help"])
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "GEOPHONE_SECRETS_FILES" in shown.stdout
    checked = run(["--check"], GEOPHONE_SECRETS="hush-hush-hush-hush")
    assert (checked.returncode, checked.stdout) == (0, "The settings are valid.\n")


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, "GEOPHONE_SECRETS"),
        ({"GEOPHONE_SECRETS": "canary-canary-canary", "GEOPHONE_PORT": "x"}, "GEOPHONE_PORT"),
        ({"GEOPHONE_SECRETS_FILES": "/nowhere/secret"}, "GEOPHONE_SECRETS_FILES"),
    ],
)
@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_a_wrong_setting_ends_it_with_78_and_one_message(
    variables: dict[str, str], named: str, arguments: list[str]
) -> None:
    ended = run(arguments, **variables)
    assert ended.returncode == 78
    assert ended.stdout == ""
    assert named in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "canary" not in ended.stderr


def test_a_port_in_use_is_named() -> None:

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(
            [],
            GEOPHONE_SECRETS="hush-hush-hush-hush",
            GEOPHONE_HOST="127.0.0.1",
            GEOPHONE_PORT=str(port),
        )
    assert ended.returncode == 1
    assert "GEOPHONE_PORT" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unknown_argument_is_answered_with_the_usage() -> None:
    ended = run(["--frobnicate"])
    assert ended.returncode == 64
    assert "usage:" in ended.stderr


async def test_topics_with_one_copy_are_warned_of_once(start: Start, chosen: Settings) -> None:
    process = await start()
    await asyncio.sleep(PROBE_EVERY_SECONDS * 2.5)
    [warning] = [
        line
        for line in map(json.loads, process.log.read_text().splitlines())
        if line["event"] == "replication_factor_one"
    ]
    assert warning["level"] == "warning"
    assert chosen.topics().raw.name in warning["topics"]
    assert "answered 2xx" in warning["not_promised"]
