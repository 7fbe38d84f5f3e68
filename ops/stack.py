"""The whole of geophone on one machine: Kafka, ingresses, streams workers, the CRM sandbox.

Everything lives in one state folder. While the stack runs, `stack.json` there says where things
are; its form is documented in README.md and is stable for scripts.
"""

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ops import inventory
from ops.child import EX_CONFIG, Child, Program
from ops.choice import DEFAULT_PORT, Choice, StackFailed, ingress_ports
from ops.kafka.cluster import LocalKafka
from ops.kafka.errors import BrokerDied, LocalKafkaError
from ops.ports import HOST, free_ports
from ops.programs import Programs
from ops.prove.proxy import Links
from ops.prove.wiring import BROKER_SETTINGS, Wiring
from ops.state import State
from ops.topics import apply, replication_for
from schemas.connection import KafkaConnection
from schemas.topics import DEFAULT_PARTITIONS, Topics

__all__ = ["DEFAULT_PORT", "Choice", "Stack", "StackFailed"]

_UP_SECONDS = 60.0
_READY_SECONDS = 90.0
_GRACE_SECONDS = 15.0
_LOOK_SECONDS = 0.2
_ENDED_BY_FAULTS = frozenset({0, -signal.SIGKILL, -signal.SIGTERM})
"""A stack that is under faults does not tell of these: there are hundreds, and all were meant."""


class Stack:
    """Starts, watches and stops all of it."""

    def __init__(self, choice: Choice, progress: Callable[[str], None]) -> None:
        if choice.kafka and choice.proxied:
            raise ValueError("links lead to a Kafka of the stack's own, not to an existing one")
        self.choice = choice
        self.state = State(choice.state_dir)
        self.topics = Topics(choice.topic_prefix)
        self.children: list[Child] = []
        self._progress = progress
        self.kafka = None if choice.kafka else _own_kafka(choice, self.state.folder / "kafka")
        self._wiring = Wiring() if choice.proxied else None
        self._crm_port = 0
        self._ends_told: Counter[str] = Counter()
        self._watches: list[asyncio.Task[None]] = []

    @property
    def connection(self) -> KafkaConnection:
        return KafkaConnection(bootstrap_servers=self.bootstrap_servers)

    @property
    def bootstrap_servers(self) -> str:
        return self.kafka.bootstrap_servers if self.kafka else str(self.choice.kafka)

    @property
    def webhook_urls(self) -> list[str]:
        """Where to post events: at the links, if there are any."""
        if self._wiring:
            return [f"http://{HOST}:{port}/webhook" for port in self._wiring.webhook_ports]
        return [f"{url}/webhook" for url in self._urls("ingress")]

    @property
    def crm_url(self) -> str:
        return self._urls("crm")[0]

    @property
    def programs(self) -> Programs:
        """What it starts, and how; known once Kafka runs."""
        direct = {"ingress": self.bootstrap_servers, "streams": self.bootstrap_servers}
        return Programs(
            self._wiring.kafka if self._wiring else direct,
            self.choice.topic_prefix,
            self.state.secret_file,
            self.state.crm_secret_file,
            self.choice.modules,
            self.choice.environment,
        )

    def worker(self, number: int) -> Program:
        """Return the program of a further worker, too; known once everything is started."""
        return self.programs.worker(number, self._crm_port)

    @property
    def links(self) -> Links:
        """The links between the processes, by name; none unless it is `proxied`."""
        return self._wiring.links if self._wiring else Links()

    def child(self, name: str) -> Child:
        """Return the process of this name, e.g. `ingress-1`.

        Raises:
            KeyError: there is none.
        """
        return {child.program.name: child for child in self.children}[name]

    async def start(self) -> None:
        """Start everything and return when every part is ready.

        Raises:
            StackFailed, StateInUse, ChildFailed, LocalKafkaError: says which part and what to do.
        """
        self.state.own()
        try:
            ports = ingress_ports(self.choice.port, self.choice.ingresses)
            self.state.make_secrets()
            [crm_port] = free_ports(1)
            if self.kafka:
                await self._start_kafka(self.kafka, ports, crm_port)
            await self._make_topics()
            self._progress("starting the CRM sandbox, the ingress and the streams …")
            self._launch(ports, crm_port)
            await self._until_ready()
        except BaseException:
            await self.stop()
            raise
        self.state.announce(self.describe())
        self._watches = [asyncio.create_task(self._keep_announcing())]
        if self.kafka and self.choice.revive:
            self._watches.append(asyncio.create_task(self._keep_reviving(self.kafka)))

    async def stop(self) -> None:
        """Stop everything, what others need last, and leave nothing but the state folder."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        for roles in (("ingress", "streams"), ("crm",)):
            going = [child for role in roles for child in self._of(role)]
            await asyncio.gather(*(child.stop(_GRACE_SECONDS) for child in going))
        if self.kafka:
            await self.kafka.stop()
        if self._wiring:
            await self._wiring.stop()
        self.state.withdraw()
        self.state.release()

    def describe(self) -> dict[str, Any]:
        """Return the content of `stack.json`.

        Raises:
            OSError, ValueError, BrokerDied: a process is just being started again.
        """
        return {
            "version": 1,
            "bootstrap_servers": self.bootstrap_servers,
            "topic_prefix": self.choice.topic_prefix,
            "webhook_url": self.webhook_urls[0],
            "webhook_urls": self.webhook_urls,
            "crm_url": self.crm_url,
            "secret_file": str(self.state.secret_file),
            "processes": [*inventory.brokers(self.kafka), *map(inventory.process, self.children)],
        }

    async def _start_kafka(self, kafka: LocalKafka, ports: Sequence[int], crm_port: int) -> None:
        if self._wiring:
            await self._wiring.open(kafka.brokers, ports, crm_port)
        await kafka.start(self._progress, self._wiring.listeners if self._wiring else None)

    async def _make_topics(self) -> None:
        self._progress("checking the topics …")
        replication = await replication_for(self.connection)
        if wrong := await apply(self.connection, self.topics, DEFAULT_PARTITIONS, replication):
            raise StackFailed(f"the topics of this cluster do not fit: {'; '.join(wrong)}")

    def _launch(self, ports: Sequence[int], crm_port: int) -> None:
        self._crm_port = self._wiring.crm_port if self._wiring else crm_port
        programs = self.programs
        self._add(programs.sandbox(crm_port))
        for number, port in enumerate(ports, 1):
            self._add(programs.ingress(number, port))
        for number in range(1, self.choice.workers + 1):
            self._add(self.worker(number))

    def _add(self, program: Program) -> None:
        child = Child(program, self.state.folder / program.name)
        self.children.append(child)
        child.start()

    async def _until_ready(self) -> None:
        await asyncio.gather(*(child.announced(_UP_SECONDS) for child in self.children))
        self._progress("waiting until every part is ready …")
        admins = [c for c in self.children if c.program.role != "crm"]
        await asyncio.gather(*(child.until_ready(_READY_SECONDS) for child in admins))

    def _of(self, role: str) -> list[Child]:
        return [child for child in self.children if child.program.role == role]

    def _urls(self, role: str) -> list[str]:
        return [str(child.announcement["url"]) for child in self._of(role)]

    async def _keep_announcing(self) -> None:
        """Tell of restarts, and keep the pids in stack.json true."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for child in self.children:
                self._tell_ends(child)
            # While a process is being started again there is nothing new to say.
            with suppress(BrokerDied, OSError, ValueError):
                self.state.announce(self.describe())

    async def _keep_reviving(self, kafka: LocalKafka) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for number in kafka.dead():
                self._progress(f"kafka-{number} ended by itself and is started again")
                with suppress(LocalKafkaError):
                    await kafka.restart(number)

    def _tell_ends(self, child: Child) -> None:
        name = child.program.name
        for code in child.exits[self._ends_told[name] :]:
            self._ends_told[name] += 1
            if not self.choice.revive and code in _ENDED_BY_FAULTS:
                continue
            what = "stays down" if code == EX_CONFIG else "is started again"
            self._progress(f"{name} ended by itself (code {code}) and {what}; its log: {child.log}")


def _own_kafka(choice: Choice, folder: Path) -> LocalKafka:
    wired = BROKER_SETTINGS if choice.proxied else {}
    return LocalKafka(folder, choice.brokers, {**wired, **choice.broker_settings})
