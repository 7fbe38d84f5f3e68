"""What tests of the ingress share: a sink that only remembers, a served app, a raw HTTP client."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from pydantic import SecretStr
from starlette.types import ASGIApp

from ingress.admin import create_admin
from ingress.app import create_app, create_reception
from ingress.doorway import SWEEP_SECONDS, Doorway
from ingress.fast_lane import FastLane
from ingress.gate import Gate
from ingress.keyring import Keyring
from ingress.metrics import Metrics
from ingress.reception import State
from ingress.record import Record
from ingress.server import repeated
from ingress.settings import Settings
from ingress.sink import Settle, Sink, Unavailable

SECRET = "seismic-demo-secret"
DEFAULTS: dict[str, Any] = {
    "secrets": (SecretStr(SECRET),),
    "host": "127.0.0.1",
    "port": 0,
    "admin_host": "127.0.0.1",
    "admin_port": 0,
    "topic_replication": 1,
}
VERIFICATION = b'{"type":"verification","challenge":"abc"}'


def sign(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def event(number: int = 1, tenant: str = "tenant-1", **data: Any) -> bytes:
    """Return the body of one modern event."""
    envelope = {"id": f"e-{number}", "version": "LivesendUpdatedV1", "tenantId": tenant}
    return json.dumps({**envelope, "data": data}).encode()


def settings(**chosen: Any) -> Settings:
    """Return settings for a test: nothing of the environment, one secret, free ports."""
    return Settings(**{**DEFAULTS, **chosen})


class FakeSink:
    """Remembers what it was given; refuses with `unavailable`, waits for `open` until it is set."""

    def __init__(self) -> None:
        self.stored: list[Record] = []
        self.unavailable: Unavailable | None = None
        self.bug: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.asked = 0
        self.tasks: set[asyncio.Task[None]] = set()

    def put(self, record: Record, deadline: float, settle: Settle) -> None:
        if self.bug:
            raise self.bug
        task = asyncio.get_running_loop().create_task(self._put(record, deadline, settle))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _put(self, record: Record, deadline: float, settle: Settle) -> None:
        try:
            await self.store(record, deadline)
        except Unavailable as unavailable:
            settle(record, unavailable)
        else:
            settle(record, None)

    async def store(self, record: Record, deadline: float) -> None:
        if self.bug:
            raise self.bug
        self.asked += 1
        assert deadline > asyncio.get_running_loop().time()
        await self.open.wait()
        if self.unavailable:
            raise self.unavailable
        self.stored.append(record)

    def trouble(self) -> str | None:
        return "told to refuse" if self.unavailable else None


@dataclass
class Reply:
    """One HTTP answer; header names in lower case; `closed` if the server then hung up."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float = 0.0
    closed: bool = False

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Connection:
    """One TCP connection to a server; every byte that is sent is the test's own."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def reply(self) -> Reply:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = head.strip().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Reply(int(status.split(" ", 2)[1]), headers, body)

    async def hung_up(self) -> bool:
        """Whether the server closes the connection, having sent nothing more."""
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(), 5) == b""
        return True


@contextlib.asynccontextmanager
async def connect(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def request(
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    path: str = "/webhook",
) -> bytes:
    """Return one request as bytes; signed unless headers are given."""
    given = {"x-seismic-signature": sign(body)} if headers is None else headers
    lines = [f"{method} {path} HTTP/1.1", "host: test", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in given.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def ask(
    port: int,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    path: str = "/webhook",
) -> Reply:
    """Send one request on a connection of its own."""
    async with connect(port) as connection:
        started = time.monotonic()
        await connection.send(request(body, headers, method=method, path=path))
        reply = await connection.reply()
        reply.seconds = time.monotonic() - started
        if reply.headers.get("connection") == "close":
            reply.closed = await connection.hung_up()
        return reply


@dataclass
class Served:
    """An app that is being served, and the parts it was made of."""

    port: int
    admin_port: int
    sink: Sink
    metrics: Metrics
    state: State
    keyring: Keyring = field(repr=False)
    stop: Callable[[], None] = field(repr=False)

    async def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
        return await ask(self.port, body, headers)

    async def admin(self, path: str) -> Reply:
        return await ask(self.admin_port, method="GET", path=path, headers={})


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@contextlib.asynccontextmanager
async def _listening(
    app: ASGIApp, http: Any = "httptools"
) -> AsyncIterator[tuple[int, Callable[[], None]]]:
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, http=http, ws="none", lifespan="off", log_config=None
    )
    server = _Server(config)

    def stop() -> None:
        server.should_exit = True

    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1], stop
    finally:
        stop()
        await task


@contextlib.asynccontextmanager
async def served(
    sink: Sink, chosen: Settings | None = None, metrics: Metrics | None = None
) -> AsyncIterator[Served]:
    """Serve the app over real HTTP in this process."""
    chosen, metrics, state = chosen or settings(), metrics or Metrics(), State()
    keyring = Keyring.of(chosen)
    reception = create_reception(chosen, sink, keyring=keyring, metrics=metrics, state=state)
    admin = create_admin(sink, metrics, state)
    doorway = Doorway(reception)
    way = partial(FastLane if chosen.fast_lane else Gate, doorway)
    async with (
        repeated(doorway.sweep, SWEEP_SECONDS),
        _listening(create_app(reception), way) as (port, stop),
        _listening(admin) as (admin_port, _),
    ):
        yield Served(port, admin_port, sink, metrics, state, keyring, stop)


async def until(
    condition: Callable[[], bool | Awaitable[bool]], seconds: float = 30.0, pause: float = 0.01
) -> None:
    """Poll until the condition holds; fail after so many seconds."""
    give_up = time.monotonic() + seconds
    while True:
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return
        assert time.monotonic() < give_up, "it did not become true in time"
        await asyncio.sleep(pause)


def on_kafka(bootstrap: str, **chosen: Any) -> Settings:
    """Return settings for a real broker: topics of the test's own, created at start."""
    defaults = {
        "kafka_bootstrap_servers": bootstrap,
        "topic_prefix": f"{uuid.uuid4().hex[:8]}.",
        "topic_mode": "create",
        "topic_partitions": 4,
    }
    return settings(**{**defaults, **chosen})


def elsewhere() -> dict[str, str]:
    """Return the environment without anything of geophone's."""
    return {k: v for k, v in os.environ.items() if not k.startswith("GEOPHONE_")}


def told(chosen: Settings) -> dict[str, str]:
    """Return the variables that give a process the test's broker and topics, made at its start."""
    return {
        "GEOPHONE_KAFKA_BOOTSTRAP_SERVERS": chosen.kafka_bootstrap_servers,
        "GEOPHONE_TOPIC_PREFIX": chosen.topic_prefix,
        "GEOPHONE_TOPIC_PARTITIONS": str(chosen.topic_partitions),
        "GEOPHONE_TOPIC_REPLICATION": "1",
        "GEOPHONE_TOPIC_MODE": "create",
    }


async def records(chosen: Settings, topic: str) -> list[ConsumerRecord]:
    """Return all records that the topic holds now, partition after partition, in order."""
    partitions = [TopicPartition(topic, number) for number in range(chosen.topic_partitions)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=chosen.kafka_bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    found: list[ConsumerRecord] = []
    async with consumer:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(each) < ends[each] for each in partitions]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found.extend(batch)
    return sorted(found, key=lambda record: (record.partition, record.offset))


class Process:
    """A `geophone-ingress` of its own; its log is in `log`."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self._ready = folder / "ready.json"
        self.log = folder / "log"
        chosen = {
            "GEOPHONE_SECRETS": SECRET,
            "GEOPHONE_HOST": "127.0.0.1",
            "GEOPHONE_PORT": "0",
            "GEOPHONE_ADMIN_HOST": "127.0.0.1",
            "GEOPHONE_ADMIN_PORT": "0",
            "GEOPHONE_READY_FILE": str(self._ready),
            **variables,
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ingress"],
                env={**elsewhere(), **chosen},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def start(self) -> None:
        await until(lambda: self._ready.exists() or self._process.poll() is not None, 20)
        where = json.loads(self._ready.read_text())
        self.port, self.admin_port = (
            int(where[name].rsplit(":", 1)[1]) for name in ("url", "admin_url")
        )
        self.pid = where["pid"]

    async def admin(self, path: str) -> Reply:
        return await ask(self.admin_port, method="GET", path=path, headers={})

    async def is_ready(self) -> bool:
        return (await self.admin("/readyz")).status == 200

    def tell(self, what: signal.Signals) -> None:
        self._process.send_signal(what)

    async def ended(self, seconds: float = 20.0) -> int:
        """Return the exit code once it has ended."""
        await until(lambda: self._process.poll() is not None, seconds)
        return self._process.wait()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def run(arguments: Sequence[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `geophone-ingress` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "ingress", *arguments],
        env={**elsewhere(), **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
