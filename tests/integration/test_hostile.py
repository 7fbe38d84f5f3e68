"""Clients that try to wear an ingress down, a process of its own, on a real broker."""

import asyncio
import contextlib
import json
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from ingress.settings import SENDER_WAITS_SECONDS
from tests.ingress_rig import Connection, Process, connect, event, on_kafka, request, told, until
from tests.kafka_fixture import RunningKafka

MIB = 1024 * 1024
COUNT = 1000
CLOSED_SECONDS = 10.0
FLOOD_SECONDS = 15.0
REFUSALS = {b"HTTP/1.1 %d " % status for status in (400, 408, 413, 415, 431)}
KINDS = ("slow_head", "slow_body", "slow_read")


@pytest.fixture(params=["true", "false"], ids=["fast lane", "application"])
async def ingress(
    request: pytest.FixtureRequest, kafka: RunningKafka, tmp_path: Path
) -> AsyncIterator[Process]:
    chosen = on_kafka(kafka.bootstrap_servers)
    process = Process(
        tmp_path,
        **told(chosen),
        GEOPHONE_FAST_LANE=request.param,
    )
    try:
        await process.start()
        await _warm(process.port)
        yield process
    finally:
        process.kill()


async def _warm(port: int) -> None:
    async def stored() -> bool:
        async with connect(port) as connection:
            await connection.send(request(event(0)))
            return (await connection.reply()).status == 200

    await until(stored, 20, 0.2)
    async with connect(port) as connection:
        for number in range(200):
            await connection.send(request(event(number)))
            assert (await connection.reply()).status == 200


@dataclass
class Honest:
    """A caller at a constant rate; answer times in seconds from when the request was due."""

    port: int
    rate: int = 200
    answers: list[tuple[float, int]] = field(default_factory=list)

    async def run(self, seconds: float) -> None:
        async with contextlib.AsyncExitStack() as stack:
            lanes = [await stack.enter_async_context(connect(self.port)) for _ in range(20)]
            started = time.monotonic()
            await asyncio.gather(*(
                self._lane(lane, started + number / self.rate, len(lanes) / self.rate, seconds)
                for number, lane in enumerate(lanes)
            ))  # fmt: skip

    async def _lane(self, connection: Connection, due: float, pause: float, seconds: float) -> None:
        end = due + seconds
        while due < end:
            await asyncio.sleep(due - time.monotonic())
            await connection.send(request(event(len(self.answers))))
            status = (await connection.reply()).status
            self.answers.append((time.monotonic() - due, status))
            due += pause

    def p99(self) -> float:
        """Return the median of each second's: the attackers' own start takes the cores, too."""
        seconds = zip(*[iter(self.answers)] * self.rate, strict=False)
        each: list[float] = [
            statistics.quantiles([took for took, _ in one], n=100)[98] for one in seconds
        ]
        return statistics.median(each)


@contextlib.contextmanager
def attack(kind: str, port: int, count: int = COUNT) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.attackers", kind, str(port), str(count), "20"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


async def outcome(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout
    found: dict[str, Any] = json.loads(await asyncio.to_thread(process.stdout.readline))
    return found


class Memory:
    """The resident memory of a process, watched while something happens."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._before: int = self._process.memory_info().rss
        self._peak: int = self._before

    async def watch(self) -> None:
        while True:
            self._peak = max(self._peak, self._process.memory_info().rss)
            await asyncio.sleep(0.02)

    @property
    def grown(self) -> int:
        return self._peak - self._before


@contextlib.asynccontextmanager
async def watched(pid: int) -> AsyncIterator[Memory]:
    memory = Memory(pid)
    watching = asyncio.create_task(memory.watch())
    try:
        yield memory
    finally:
        watching.cancel()


@pytest.mark.parametrize("ingress", ["true"], indirect=True, ids=["fast lane"])
async def test_three_thousand_slow_clients_are_closed_and_honest_ones_do_not_notice(
    ingress: Process,
) -> None:
    honest = Honest(ingress.port)
    async with watched(ingress.pid) as memory:
        with contextlib.ExitStack() as stack:
            attacks = [stack.enter_context(attack(kind, ingress.port)) for kind in KINDS]
            await honest.run(12)
            found = [await outcome(each) for each in attacks]
    assert [each["opened"] for each in found] == [COUNT] * 3
    assert [each["closed"] for each in found] == [COUNT] * 3
    assert max(each["last"] for each in found) < CLOSED_SECONDS
    assert {status for _, status in honest.answers} == {200}
    assert len(honest.answers) >= 200 * 12
    assert honest.p99() < 0.1
    assert max(took for took, _ in honest.answers) < SENDER_WAITS_SECONDS
    assert memory.grown < 64 * MIB


@pytest.mark.parametrize("kind", [*KINDS, "silent"])
async def test_each_kind_is_closed(ingress: Process, kind: str) -> None:
    with attack(kind, ingress.port, 20) as attackers:
        found = await outcome(attackers)
    assert found["closed"] == found["opened"] == 20
    assert found["last"] < CLOSED_SECONDS


CHUNKED = b"POST /webhook HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n"
CHUNK = b"400\r\n" + b"a" * 1024 + b"\r\n"
FLOODS = {
    "headers": (b"POST /webhook HTTP/1.1\r\n", b"X-a: " + b"a" * 1017 + b"\r\n", 48),
    "one header": (b"POST /webhook HTTP/1.1\r\nX-a: ", b"a" * 1024, 48),
    "chunks": (CHUNKED + b"\r\n", CHUNK, 10_240),
    "tiny chunks": (CHUNKED + b"\r\n", b"1\r\na\r\n" * 170, 10_240),
    "a chunk extension": (CHUNKED + b"\r\n1;a=", b"a" * 1024, 10_240),
    "trailers": (CHUNKED + b"\r\n1\r\na\r\n0\r\n", b"X-a: " + b"a" * 1017 + b"\r\n", 10_240),
    "one trailer": (CHUNKED + b"\r\n1\r\na\r\n0\r\nX-a: ", b"a" * 1024, 10_240),
    "a bomb": (CHUNKED + b"Content-Encoding: gzip\r\n\r\n", CHUNK, 10_240),
    "empty lines": (b"", b"\r\n" * 512, 10_240),
}  # fmt: skip


@pytest.mark.parametrize("name", FLOODS)
async def test_a_flood_is_cut_off_in_bounded_memory(ingress: Process, name: str) -> None:
    first, piece, mebibytes = FLOODS[name]
    async with watched(ingress.pid) as memory:
        answer = await asyncio.to_thread(_flood, ingress.port, first, piece * 64, mebibytes * MIB)
    assert answer[:13] in REFUSALS, answer[:100]
    assert memory.grown < 16 * MIB


def _flood(port: int, first: bytes, piece: bytes, most: int) -> bytes:
    """Send so many bytes, or until there is an answer; return that, empty if there is none."""
    with socket.create_connection(("127.0.0.1", port)) as caller:
        caller.sendall(first)
        caller.setblocking(False)  # noqa: FBT003 - the socket's own signature
        sent, give_up = 0, time.monotonic() + FLOOD_SECONDS
        while sent < most and time.monotonic() < give_up:
            readable, writable, _ = select.select([caller], [caller], [], 1)
            if readable:
                return caller.recv(4096)
            if writable:
                sent += caller.send(piece)
    return b""


PLAIN = """
import uvicorn

async def app(scope, receive, send):
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})

uvicorn.run(app, port=PORT, log_level="critical", http="httptools", lifespan="off")
"""


@pytest.fixture
async def plain(unused_tcp_port: int) -> AsyncIterator[tuple[int, int]]:
    """Plain uvicorn: its port and its pid."""
    code = PLAIN.replace("PORT", str(unused_tcp_port))
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    try:
        await until(lambda: _answers(unused_tcp_port), 20, 0.1)
        yield unused_tcp_port, process.pid
    finally:
        process.kill()
        await process.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


async def test_plain_uvicorn_keeps_slow_clients(plain: tuple[int, int]) -> None:
    """So the attacks are attacks."""
    port, _ = plain
    with contextlib.ExitStack() as stack:
        attacks = [stack.enter_context(attack(kind, port, 20)) for kind in (*KINDS, "silent")]
        found = [await outcome(each) for each in attacks]
    assert [each["closed"] for each in found] == [0] * 4


@pytest.mark.parametrize("name", ["headers", "one header", "one trailer"])
async def test_plain_uvicorn_takes_floods(plain: tuple[int, int], name: str) -> None:
    first, piece, _ = FLOODS[name]
    port, pid = plain
    async with watched(pid) as memory:
        answer = await asyncio.to_thread(_flood, port, first, piece * 64, 48 * MIB)
    assert answer == b""
    assert memory.grown > 16 * MIB
