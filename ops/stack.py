"""The whole of geophone on one machine: Kafka, ingresses, streams workers, the CRM sandbox.

Everything lives in one state folder. While the stack runs, `stack.json` there says where things
are; its form is documented in README.md and is stable for scripts.
"""

import asyncio
import secrets
import shutil
import socket
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import orjson

from ops.child import Child, ChildFailed, Program
from ops.kafka import hold
from ops.kafka.cluster import LocalKafka
from ops.topics import apply, replication_for
from schemas.connection import KafkaConnection
from schemas.topics import DEFAULT_PARTITIONS, Topics

HOST = "127.0.0.1"
DEFAULT_PORT = 8080
_UP_SECONDS = 60.0
_READY_SECONDS = 90.0
_GRACE_SECONDS = 15.0
_REFRESH_SECONDS = 0.2


class StackFailed(Exception):
    """The stack cannot run; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user chose; `port` is the first ingress's, the others follow it; 0 picks free ones.

    `kafka` is HOST:PORT of an existing cluster, or None for one of our own.
    """

    state_dir: Path
    port: int = DEFAULT_PORT
    brokers: int = 1
    ingresses: int = 1
    workers: int = 1
    kafka: str | None = None
    topic_prefix: str = "seismic."


class Stack:
    """Starts, watches and stops all of it."""

    def __init__(self, choice: Choice, progress: Callable[[str], None]) -> None:
        self.choice = choice
        self.state_dir = choice.state_dir.absolute()
        self.topics = Topics(choice.topic_prefix)
        self.children: list[Child] = []
        self._progress = progress
        self._kafka = None if choice.kafka else LocalKafka(self.state_dir / "kafka", choice.brokers)
        self._hold: TextIO | None = None
        self._announcer: asyncio.Task[None] | None = None

    @property
    def connection(self) -> KafkaConnection:
        return KafkaConnection(bootstrap_servers=self.bootstrap_servers)

    @property
    def bootstrap_servers(self) -> str:
        return self._kafka.bootstrap_servers if self._kafka else str(self.choice.kafka)

    @property
    def stack_file(self) -> Path:
        return self.state_dir / "stack.json"

    @property
    def secret(self) -> str:
        return self._secret_file.read_text().strip()

    @property
    def webhook_urls(self) -> list[str]:
        return [f"{url}/webhook" for url in self._urls("ingress")]

    @property
    def crm_url(self) -> str:
        return self._urls("crm")[0]

    def forget(self) -> None:
        """Remove what earlier runs left in the state folder; nothing may run in it."""
        self._own()
        shutil.rmtree(self.state_dir)
        self._release()

    async def start(self) -> None:
        """Start everything and return when every part is ready.

        Raises:
            StackFailed, ChildFailed, LocalKafkaError: says which part and what to do.
        """
        self._own()
        try:
            self._make_secrets()
            if self._kafka:
                await self._kafka.start(self._progress)
            await self._make_topics()
            self._progress("starting the CRM sandbox, the ingress and the streams …")
            self._launch()
            await self._until_ready()
        except BaseException:
            await self.stop()
            raise
        self._announce()
        self._announcer = asyncio.create_task(self._keep_announcing())

    async def stop(self) -> None:
        """Stop everything, the ingress first, and leave nothing but the state folder."""
        if self._announcer:
            self._announcer.cancel()
        for role in ("ingress", "streams", "crm"):
            await asyncio.gather(*(child.stop(_GRACE_SECONDS) for child in self._of(role)))
        if self._kafka:
            await self._kafka.stop()
        self.stack_file.unlink(missing_ok=True)
        self._release()

    def describe(self) -> dict[str, Any]:
        """Return the content of `stack.json`."""
        return {
            "version": 1,
            "bootstrap_servers": self.bootstrap_servers,
            "topic_prefix": self.choice.topic_prefix,
            "webhook_url": self.webhook_urls[0],
            "webhook_urls": self.webhook_urls,
            "crm_url": self.crm_url,
            "secret_file": str(self._secret_file),
            "processes": [*self._brokers(), *map(_process, self.children)],
        }

    def _own(self) -> None:
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self._hold = hold.take(self.state_dir / "lock")
        if self._hold is None:
            raise StackFailed(
                f"another stack runs in {self.state_dir}: stop it, or choose another --state-dir"
            )

    def _release(self) -> None:
        if self._hold:
            self._hold.close()
            self._hold = None

    @property
    def _secret_file(self) -> Path:
        return self.state_dir / "secret"

    @property
    def _crm_secret_file(self) -> Path:
        return self.state_dir / "crm-secret"

    def _make_secrets(self) -> None:
        _write_once(self._secret_file, secrets.token_hex(32))
        _write_once(self._crm_secret_file, "whsec_" + b64encode(secrets.token_bytes(32)).decode())

    async def _make_topics(self) -> None:
        self._progress("checking the topics …")
        replication = await replication_for(self.connection)
        if wrong := await apply(self.connection, self.topics, DEFAULT_PARTITIONS, replication):
            raise StackFailed(f"the topics of this cluster do not fit: {'; '.join(wrong)}")

    def _launch(self) -> None:
        sandbox_port = _free_port()
        self._add(self._sandbox(sandbox_port))
        for number in range(1, self.choice.ingresses + 1):
            self._add(self._ingress(number))
        for number in range(1, self.choice.workers + 1):
            self._add(self._worker(number, f"http://{HOST}:{sandbox_port}"))

    def _add(self, program: Program) -> None:
        child = Child(program, self.state_dir / program.name)
        self.children.append(child)
        child.start()

    def _sandbox(self, port: int) -> Program:
        return Program(
            "crm",
            "crm-sandbox",
            "ops.sandbox",
            {"GEOPHONE_SANDBOX_SECRET": self._crm_secret_file.read_text().strip()},
            ["--port", str(port), "--database", "tasks.sqlite", "--ready-file", "ready.json"],
        )

    def _ingress(self, number: int) -> Program:
        port = self.choice.port + number - 1 if self.choice.port else _free_port()
        if not _is_free(port):
            raise StackFailed(f"port {port} is taken by another program: choose another --port")
        return Program(
            "ingress",
            f"ingress-{number}",
            "ingress",
            {
                **self._common(),
                "GEOPHONE_HOST": HOST,
                "GEOPHONE_PORT": str(port),
                "GEOPHONE_SECRETS_FILES": str(self._secret_file),
                "GEOPHONE_DRAIN_SECONDS": "1",
            },
        )

    def _worker(self, number: int, crm_url: str) -> Program:
        return Program(
            "streams",
            f"streams-{number}",
            "streams",
            {
                **self._common(),
                "GEOPHONE_STATE_DIR": "marks",
                "GEOPHONE_SESSION_TIMEOUT_SECONDS": "6",
                "GEOPHONE_CRM": "sandbox",
                "GEOPHONE_CRM_URL": crm_url,
                "GEOPHONE_CRM_SECRET_FILE": str(self._crm_secret_file),
            },
        )

    def _common(self) -> dict[str, str]:
        return {
            "GEOPHONE_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "GEOPHONE_TOPIC_PREFIX": self.choice.topic_prefix,
            "GEOPHONE_ADMIN_HOST": HOST,
            "GEOPHONE_ADMIN_PORT": "0",
            "GEOPHONE_READY_FILE": "ready.json",
        }

    async def _until_ready(self) -> None:
        await asyncio.gather(*(child.announced(_UP_SECONDS) for child in self.children))
        self._progress("waiting until every part is ready …")
        admins = [c for c in self.children if c.program.role != "crm"]
        await asyncio.gather(*(child.until_ready(_READY_SECONDS) for child in admins))

    def _of(self, role: str) -> list[Child]:
        return [child for child in self.children if child.program.role == role]

    def _urls(self, role: str) -> list[str]:
        return [str(child.announcement["url"]) for child in self._of(role)]

    def _brokers(self) -> list[dict[str, Any]]:
        if not self._kafka:
            return []
        return [
            {"role": "kafka", "name": f"kafka-{n}", "pid": self._kafka.pid(n), "url": None}
            for n in range(1, self.choice.brokers + 1)
        ]

    def _announce(self) -> None:
        content = orjson.dumps(self.describe(), option=orjson.OPT_INDENT_2) + b"\n"
        if self.stack_file.exists() and self.stack_file.read_bytes() == content:
            return
        draft = self.stack_file.with_suffix(".tmp")
        draft.write_bytes(content)
        draft.replace(self.stack_file)

    async def _keep_announcing(self) -> None:
        """A restarted process has another pid; between two there is nothing new to say."""
        while True:
            await asyncio.sleep(_REFRESH_SECONDS)
            with suppress(ChildFailed, OSError, ValueError):
                self._announce()


def _process(child: Child) -> dict[str, Any]:
    announced = child.announcement
    return {
        "role": child.program.role,
        "name": child.program.name,
        "pid": announced["pid"],
        "url": announced.get("url"),
        "admin_url": announced.get("admin_url"),
        "log": str(child.log),
    }


def _write_once(path: Path, secret: str) -> None:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secret + "\n")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
