"""A broker that comes back too late for its open transactions, and what became of their markers.

A killed node starts on its old picture of the cluster, where it leads every partition, and decides
the transactions that have timed out meanwhile. It cannot serve its own requests before the
controller takes it back; until then the controller declares it dead, no partition has a leader,
and the markers that wait are dropped as if their topics had been deleted (KAFKA-20734).
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.child import Child
from ops.kafka.cluster import LocalKafka
from tests.books import balance
from tests.load import Load, bodies
from tests.streams_rig import Rig, eventually, rig

REFUSED_MS = 9000
"""How long a killed broker is refused when it is back. Kafka's own default; a laptop's Kafka has
2 s. The longer, the more time there is to run into the trouble."""
LONGEST_REFUSED_MS = 72_000

TRANSACTION_MS = 6000
HOLD_SECONDS = 2.0
"""Long enough for a kill to find a transaction open, short enough for it not to run out before."""
DOWN_SECONDS = TRANSACTION_MS / 1000 + 0.5
READY_SECONDS = 120.0

OVERRIDES = {
    "broker.session.timeout.ms": REFUSED_MS,
    "broker.heartbeat.interval.ms": 2000,
    # How often the coordinator looks for transactions that have run out: 10 s by default.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500,
}

_SKIPPED = re.compile(
    r"find leader endpoint for partitions \w+\((.*?)\) while trying to send transaction markers "
    r"for (\S+),"
)
_TIMED_OUT = re.compile(r"rollback of ongoing transaction for transactionalId (\S+) due to timeout")
_TAKEN_OVER = re.compile(r"Initialized transactionalId \S+ with producerId")


@dataclass
class Markers:
    """What a broker's log tells of its transactions; one entry per marker, named by partition."""

    aborts_skipped: list[str] = field(default_factory=list)
    commits_skipped: list[str] = field(default_factory=list)
    takeovers: int = 0

    @property
    def skipped(self) -> int:
        return len(self.aborts_skipped) + len(self.commits_skipped)

    def __iadd__(self, other: "Markers") -> Self:
        self.aborts_skipped += other.aborts_skipped
        self.commits_skipped += other.commits_skipped
        self.takeovers += other.takeovers
        return self

    def __str__(self) -> str:
        return (
            f"{self.takeovers} takeovers, {len(self.aborts_skipped)} abort and "
            f"{len(self.commits_skipped)} commit markers skipped"
        )


class BrokerLog:
    """Reads on in a broker's log."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0

    def since_last(self) -> Markers:
        with self._log.open("rb") as log:
            log.seek(self._read)
            text = log.read().decode(errors="replace")
            self._read = log.tell()
        timed_out = set(_TIMED_OUT.findall(text))
        markers = Markers(takeovers=len(_TAKEN_OVER.findall(text)))
        for partitions, transactional_id in _SKIPPED.findall(text):
            dropped = partitions.split(", ")
            aborted = transactional_id in timed_out
            (markers.aborts_skipped if aborted else markers.commits_skipped).extend(dropped)
        return markers


class Scene:
    """One broker, one worker, a load, and kills that find transactions open.

    `kills` counts those after which markers were skipped: the others prove nothing.
    """

    def __init__(self, kafka: LocalKafka, r: Rig, cleansing: str, transaction_ms: int) -> None:
        self.kafka, self.r = kafka, r
        self.kills = 0
        self.idle_kills = 0
        self.found = Markers()
        self._cleansing, self._transaction_ms = cleansing, transaction_ms
        self._refused_ms = REFUSED_MS
        self._log = BrokerLog(kafka.log(1))
        self._bodies = bodies(1)
        self._worker: Child

    def __str__(self) -> str:
        return f"{self.kills} kills (and {self.idle_kills} without effect), {self.found}"

    async def start_worker(self) -> None:
        """Start one, as `tests.chaos.weakened` describes it."""
        self._worker = self.r.worker(
            f"w{self.kills + self.idle_kills}",
            module="tests.chaos.weakened",
            marks="memory",
            weakened_transaction_ms=str(self._transaction_ms),
            weakened_hold_seconds=str(HOLD_SECONDS),
            weakened_cleansing=self._cleansing,
        )
        await self._worker.until_ready(READY_SECONDS)

    async def machine_dies(self) -> set[str]:
        """Kill broker and worker; return what is undecided while there is nobody to decide it."""
        async with self._round():
            self.kafka.kill(1)
            await self._worker.stop(0)
            await self._back()
            left = await undecided(self.r)
            await self.start_worker()
        return left

    async def broker_dies(self) -> None:
        """Kill the broker alone: the worker lives on, and learns that it was fenced."""
        async with self._round():
            self.kafka.kill(1)
            await self._back()

    async def assert_balanced(self) -> None:
        r = self.r
        raw, out = await r.read(r.topics.raw.name), await r.events()
        balance(raw, out, await r.read(r.topics.quarantine.name))

    @asynccontextmanager
    async def _round(self) -> AsyncIterator[None]:
        load = Load(self.r, batch=40, more=self._bodies)
        await eventually(self._most_open, "most partitions to have a transaction open")
        try:
            yield
        finally:
            await load.stop()
        await self.r.until_idle()
        self._count(self._log.since_last())

    async def _most_open(self) -> bool:
        return len(await undecided(self.r, self.r.topics.dedup.name)) > self.r.partitions // 2

    async def _back(self) -> None:
        await asyncio.sleep(DOWN_SECONDS)
        await self.kafka.restart(1)

    def _count(self, seen: Markers) -> None:
        self.found += seen
        if seen.skipped:
            self.kills += 1
        else:
            self.idle_kills += 1
            self._refuse_for_longer()

    def _refuse_for_longer(self) -> None:
        """A broker that starts slowly is fenced before it has looked at its transactions."""
        self._refused_ms = min(2 * self._refused_ms, LONGEST_REFUSED_MS)
        with (self.kafka.state_dir / "broker-1" / "server.properties").open("a") as properties:
            properties.write(f"broker.session.timeout.ms={self._refused_ms}\n")


@asynccontextmanager
async def scene(
    folder: Path, *, cleansing: str, transaction_ms: int = TRANSACTION_MS
) -> AsyncIterator[Scene]:
    """Start it all; the catalogue has to be `tests.chaos.weakened.FEW`."""
    kafka = LocalKafka(folder / "kafka", 1, OVERRIDES)
    await kafka.start()
    try:
        async with rig(kafka.bootstrap_servers, folder) as r:
            await _fill_changelog(r)
            made = Scene(kafka, r, cleansing, transaction_ms)
            await made.start_worker()
            yield made
    finally:
        await kafka.stop()


async def _fill_changelog(r: Rig) -> None:
    """Closing a reader that had nothing to read ends in a cancellation that nobody asked for."""
    async with r.producer() as producer:
        for partition in range(r.partitions):
            name = r.topics.dedup.name
            await producer.send_and_wait(name, b"0", key=b"not an event's", partition=partition)


async def undecided(r: Rig, *topics: str) -> set[str]:
    """Return the partitions in which a transaction is open for readers, of all outputs or some."""
    names = topics or [r.topics.dedup.name, *(topic.name for topic in r.topics.events.values())]
    partitions = [TopicPartition(name, n) for name in names for n in range(r.partitions)]
    stable, end = [await _ends(r, partitions, level) for level in ("committed", "uncommitted")]
    return {f"{p.topic}-{p.partition}" for p in partitions if stable[p] < end[p]}


async def _ends(r: Rig, partitions: list[TopicPartition], level: str) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=r.bootstrap, isolation_level=f"read_{level}")
    async with consumer:
        consumer.assign(partitions)
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        return ends
