"""A local Kafka of one or three brokers as child processes: no Docker, no Java, no root."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from ops.kafka.errors import FolderInUse
from ops.kafka.hold import take
from ops.kafka.java import Java
from ops.kafka.members import Member, Members, settle
from ops.kafka.node import Node
from ops.kafka.properties import Listener, server_properties
from ops.kafka.ready import until_ready
from ops.kafka.rehearsal import rehearsed
from ops.ports import HOST

READY_S = 120
# After a kill -9 each of some 860 replicas is recovered: seconds, but 80 of them on a busy machine
# for one broker, and more for three at once.
RESTART_S = 300
STOP_S = 20
HEAP_MIB = {1: 512, 3: 384}


class LocalKafka:
    """A cluster whose data, ports and logs live in `state_dir` and survive it.

    Brokers are named by their number, from 1. Every method raises a LocalKafkaError whose message
    says what to do. If the process that holds it dies, kill -9 included, its brokers die too.

    `overrides` are lines of server.properties that win over ours.
    """

    def __init__(
        self,
        state_dir: Path,
        brokers: int = 1,
        overrides: Mapping[str, object] | None = None,
    ) -> None:
        if brokers not in HEAP_MIB:
            raise ValueError(f"a local Kafka has 1 or 3 brokers, not {brokers}")
        self.state_dir = state_dir.absolute()
        self._nodes = {
            number: Node(number, self.state_dir / f"broker-{number}")
            for number in range(1, brokers + 1)
        }
        self._overrides = overrides or {}
        self._listeners: Mapping[int, Sequence[Listener]] = {}
        self._members: Members | None = None
        self._java: Java | None = None
        self._lock: TextIO | None = None

    @property
    def bootstrap_servers(self) -> str:
        """HOST:PORT of each broker, comma-separated; the same at every start in this folder."""
        return self._started().bootstrap_servers

    @property
    def brokers(self) -> tuple[int, ...]:
        return tuple(self._nodes)

    def pid(self, broker: int) -> int:
        return self._nodes[broker].pid

    def log(self, broker: int) -> Path:
        return self._nodes[broker].log

    def data(self, broker: int) -> Path:
        """The folder of a broker's partitions; leave it alone while the broker runs."""
        return self._nodes[broker].folder / "data"

    def dead(self) -> list[int]:
        """The brokers that do not run; once started, those that ended by themselves."""
        return [number for number, node in self._nodes.items() if not node.alive]

    async def start(
        self,
        progress: Callable[[str], None] = lambda _: None,
        listeners: Mapping[int, Sequence[Listener]] | None = None,
    ) -> None:
        """Returns once every broker has stored a record and given it back.

        `listeners` are further doors, by broker; unlike ports they are not kept for the next start.
        `progress` gets a line of text at each step, partly from another thread. The first start on
        a machine fetches the jars (44 MB) and takes about 20 s; later ones take 1 s, three brokers
        4 s.
        """
        self._listeners = listeners or {}
        self._java = await rehearsed(progress)
        self._own()
        try:
            await self._start(progress)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Ends all brokers, by force after STOP_S. Does nothing when none runs."""
        await asyncio.gather(*(node.stop(STOP_S) for node in self._nodes.values()))
        if self._lock:
            self._lock.close()
            self._lock = None

    def kill(self, broker: int) -> None:
        """SIGKILL: what a lost machine looks like, except that its disk comes back."""
        self._nodes[broker].kill()

    def pause(self, broker: int) -> None:
        """SIGSTOP: what a hung machine looks like; its connections stay open."""
        self._nodes[broker].pause()

    def resume(self, broker: int) -> None:
        self._nodes[broker].resume()

    async def terminate(self, broker: int) -> None:
        """SIGTERM: what an operator does; it hands its partitions over and stays down."""
        await self._nodes[broker].stop(STOP_S)

    async def restart(self, *brokers: int) -> list[float]:
        """Starts brokers again with their data, at once, stopping first those that run.

        Returns once all brokers that run are in sync again: when (monotonic) each of them took
        connections, the first one's first.
        """
        await asyncio.gather(*(self.terminate(broker) for broker in brokers))
        for broker in brokers:
            self._launch(self._nodes[broker])
        return await self._until_ready(RESTART_S)

    def _own(self) -> None:
        if self._lock:
            raise RuntimeError("this local Kafka is started already")
        self._lock = take(self.state_dir / "lock")
        if self._lock is None:
            raise FolderInUse(
                f"another process runs a Kafka in {self.state_dir}: stop it, or choose another "
                "state folder"
            )

    async def _start(self, progress: Callable[[str], None]) -> None:
        for number, node in self._nodes.items():
            if pid := node.end_leftover():
                progress(f"ended broker {number} (process {pid}), left over from an earlier run")
        self._members = settle(self.state_dir / "kafka.json", len(self._nodes), progress)
        for member in self._members.nodes:
            self._nodes[member.number].configure(self._properties(member, self._members))
        progress(f"starting {len(self._nodes)} Kafka broker(s) …")
        await asyncio.gather(*(self._format(node) for node in self._nodes.values()))
        for node in self._nodes.values():
            self._launch(node)
        await self._until_ready(READY_S)
        progress(f"Kafka is ready at {self.bootstrap_servers}")

    def _properties(self, member: Member, members: Members) -> str:
        listeners = self._listeners.get(member.number, ())
        return server_properties(member, members, self._overrides, listeners)

    async def _format(self, node: Node) -> None:
        await node.format(self._runtime(), self._started().cluster_id)

    def _launch(self, node: Node) -> None:
        node.launch(self._runtime(), HEAP_MIB[len(self._nodes)])

    async def _until_ready(self, seconds: float) -> list[float]:
        members = self._started().nodes
        waited = {each.number: self._nodes[each.number] for each in members}
        waited = {number: node for number, node in waited.items() if node.alive and not node.paused}
        addresses = {m.number: f"{HOST}:{m.port}" for m in members if m.number in waited}

        def check() -> None:
            for node in waited.values():
                node.check()

        return await until_ready(addresses, len(members), seconds, check)

    def _started(self) -> Members:
        if self._members is None:
            raise RuntimeError("start() the local Kafka first")
        return self._members

    def _runtime(self) -> Java:
        if self._java is None:
            raise RuntimeError("start() the local Kafka first")
        return self._java
