"""Several workers on one port: shared, renewed and lost without a caller's notice."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Self

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ingress.metrics import REQUESTS
from ingress.settings import Settings
from tests.ingress_rig import (
    Process,
    ask,
    connect,
    event,
    on_kafka,
    records,
    request,
    run,
    told,
    until,
)
from tests.kafka_fixture import RunningKafka

WORKERS = 2
Start = Callable[..., Awaitable[Process]]


@pytest.fixture
def chosen(kafka: RunningKafka) -> Settings:
    return on_kafka(kafka.bootstrap_servers)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A file that every worker reads when it starts."""
    file = tmp_path / "secrets"
    file.write_text("another-signing-secret\n")
    return file


@pytest.fixture
async def process(chosen: Settings, tmp_path: Path, secrets: Path) -> AsyncIterator[Process]:
    started = Process(
        tmp_path,
        **told(chosen),
        GEOPHONE_WORKERS=str(WORKERS),
        GEOPHONE_DRAIN_SECONDS="1",
        GEOPHONE_SECRETS_FILES=str(secrets),
    )
    family: set[int] = set()
    try:
        await started.start()
        await until(started.is_ready, 30)
        yield started
        family = workers(started) if psutil.pid_exists(started.pid) else set()
    finally:
        started.kill()
        await until(lambda: not any(running(pid) for pid in family), 30)


def write(file: Path, text: str) -> None:
    file.write_text(text)


def workers(process: Process) -> set[int]:
    return {child.pid for child in psutil.Process(process.pid).children()}


async def stored(process: Process) -> Counter[str]:
    """Return how many requests each worker has stored."""
    found: Counter[str] = Counter()
    numbers = await process.admin("/metrics")
    for family in text_string_to_metric_families(numbers.body.decode()):
        for sample in family.samples:
            if (sample.name, sample.labels.get("answer")) == (REQUESTS.name, "stored"):
                found[sample.labels["worker"]] += int(sample.value)
    return found


class Callers:
    """Callers that keep their connections, come again at once, and note every failure."""

    def __init__(self, port: int) -> None:
        self.accepted = 0
        self.failures: list[str] = []
        self._port = port
        self._going = True

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._call(each)) for each in range(16)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._going = False
        await asyncio.gather(*self._tasks)

    async def _call(self, caller: int) -> None:
        number = 0
        while self._going:
            async with connect(self._port) as connection:
                closed = False
                while self._going and not closed:
                    number += 1
                    body = event(number, f"tenant-{caller}")
                    try:
                        await connection.send(request(body))
                        reply = await connection.reply()
                    except (OSError, asyncio.IncompleteReadError) as error:
                        self.failures.append(repr(error))
                        break
                    closed = reply.headers.get("connection") == "close"
                    self.accepted += reply.status == 200
                    if reply.status != 200:
                        self.failures.append(str(reply.status))
                    await asyncio.sleep(0.05)


async def test_the_port_is_shared_and_the_numbers_are_told_by_worker(
    process: Process, chosen: Settings
) -> None:
    replies = [await ask(process.port, event(number)) for number in range(64)]
    assert {reply.status for reply in replies} == {200}
    shares = await stored(process)
    assert sum(shares.values()) == 64
    assert set(shares) == {"0", "1"}
    assert min(shares.values()) > 0
    assert len(await records(chosen, chosen.topics().raw.name)) == 64
    alive = await process.admin("/livez")
    assert (alive.status, alive.body) == (200, b"alive")


async def test_renewed_one_by_one_nobody_notices(process: Process, chosen: Settings) -> None:
    before = workers(process)
    async with Callers(process.port) as callers:
        await until(lambda: callers.accepted > 50, 30)
        process.tell(signal.SIGHUP)
        while workers(process) & before:
            assert await process.is_ready(), "a load balancer would take it out"
            await asyncio.sleep(0.1)
        enough = callers.accepted + 50
        await until(lambda: callers.accepted > enough, 30)
    assert callers.failures == []
    assert len(workers(process)) == WORKERS
    assert len(await records(chosen, chosen.topics().raw.name)) == callers.accepted
    assert await process.is_ready()


async def test_whoever_cannot_start_does_not_replace_who_can(
    process: Process, secrets: Path
) -> None:
    """A broken file is noticed by those that start; those that run keep what they have read."""
    before = workers(process)
    write(secrets, "short\n")
    process.tell(signal.SIGHUP)
    await until(lambda: process.log.read_text().count("worker_not_renewed") == WORKERS, 60)
    assert workers(process) == before
    assert (await ask(process.port, event())).status == 200

    os.kill(min(before), signal.SIGKILL)
    await until(lambda: process.log.read_text().count('"worker_ended"') > 1, 30)
    write(secrets, "another-signing-secret\n")
    await until(process.is_ready, 30)
    assert max(before) in workers(process)


async def test_told_to_end_while_renewed_all_end(process: Process) -> None:
    process.tell(signal.SIGHUP)
    await until(lambda: len(workers(process)) > WORKERS, 30)
    family = workers(process)
    process.tell(signal.SIGTERM)
    assert await process.ended(40) == 0
    assert not [pid for pid in family if running(pid)]
    assert "Traceback" not in process.log.read_text()


async def test_a_worker_that_dies_is_replaced_and_the_other_does_not_stop(
    process: Process,
) -> None:
    victim, survivor = sorted(workers(process))
    os.kill(victim, signal.SIGKILL)
    await until(lambda: len(workers(process) - {victim}) == WORKERS, 30)
    assert survivor in workers(process)
    await until(process.is_ready, 30)
    replies = [await ask(process.port, event(number)) for number in range(32)]
    assert {reply.status for reply in replies} == {200}


async def test_a_worker_that_hangs_is_told_of(process: Process) -> None:
    victim = min(workers(process))
    os.kill(victim, signal.SIGSTOP)
    try:
        alive = await process.admin("/livez")
        assert (alive.status, alive.body.startswith(b"worker ")) == (503, True)
        assert not await process.is_ready()
    finally:
        os.kill(victim, signal.SIGCONT)
    await until(process.is_ready, 30)


async def test_told_to_end_all_end(process: Process) -> None:
    before = workers(process)
    async with connect(process.port) as connection:
        await connection.send(request(event())[:-5])
        process.tell(signal.SIGTERM)
        await until(lambda: not_ready(process))
        await connection.send(request(event())[-5:])
        assert (await connection.reply()).status == 200
    assert await process.ended() == 0
    assert not [pid for pid in before if psutil.pid_exists(pid)]


async def not_ready(process: Process) -> bool:
    return not await process.is_ready()


async def test_workers_end_with_their_parent(process: Process) -> None:
    before = workers(process)
    process.tell(signal.SIGKILL)
    await until(lambda: not [pid for pid in before if running(pid)], 20)


def running(pid: int) -> bool:
    """Where nobody reaps orphans, the dead ones stay as zombies."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_what_a_worker_refuses_ends_all(tmp_path: Path) -> None:
    ended = run(
        [],
        GEOPHONE_SECRETS_FILES=str(tmp_path / "nowhere"),
        GEOPHONE_WORKERS="2",
        GEOPHONE_PORT="0",
        GEOPHONE_ADMIN_PORT="0",
        GEOPHONE_ADMIN_HOST="127.0.0.1",
        GEOPHONE_HOST="127.0.0.1",
    )
    assert ended.returncode == 78
    assert "GEOPHONE_SECRETS_FILES" in ended.stderr
