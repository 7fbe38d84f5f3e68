"""Streams workers as real processes on a real broker, and what they wrote.

Each rig has its own topic prefix and application id, so tests do not see each other.
"""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from ops.child import Child, Program
from schemas import envelope, headers
from schemas.partitioner import partition_for
from schemas.reasons import Malformed
from schemas.topics import Topics
from streams.topics import ensure

DEADLINE = 90.0
SESSION_SECONDS = 2


class Rig:
    """Topics, workers and readers of one test."""

    def __init__(self, bootstrap: str, folder: Path, partitions: int, prefix: str) -> None:
        self.bootstrap = bootstrap
        self.folder = folder
        self.partitions = partitions
        self.app_id = prefix.rstrip(".")
        self.topics = Topics(prefix)
        self.workers: dict[str, Child] = {}

    def worker(
        self, name: str, stages: str = "dedup", module: str = "streams", **settings: str
    ) -> Child:
        """Start a worker under a supervisor that restarts it."""
        environment = {
            "GEOPHONE_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "GEOPHONE_TOPIC_PREFIX": self.topics.raw.name.removesuffix("raw"),
            "GEOPHONE_TOPIC_PARTITIONS": str(self.partitions),
            "GEOPHONE_APP_ID": self.app_id,
            "GEOPHONE_STAGES": stages,
            "GEOPHONE_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
            "GEOPHONE_ADMIN_HOST": "127.0.0.1",
            "GEOPHONE_ADMIN_PORT": "0",
            "GEOPHONE_READY_FILE": "ready.json",
            "GEOPHONE_STATE_DIR": "state",
            **{f"GEOPHONE_{key.upper()}": value for key, value in settings.items()},
        }
        program = Program("streams", name, module, environment)
        child = self.workers[name] = Child(program, self.folder / name)
        child.start()
        return child

    async def produce(self, bodies: Iterable[tuple[str | None, bytes]]) -> None:
        """Write (tenant, body) pairs to the raw topic as the ingress would."""
        async with self.producer() as producer:
            await self.send(producer, bodies)

    def producer(self) -> AIOKafkaProducer:
        """Return an idempotent producer, not started."""
        return AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", enable_idempotence=True, linger_ms=5
        )

    async def send(
        self, producer: AIOKafkaProducer, bodies: Iterable[tuple[str | None, bytes]]
    ) -> None:
        """Write (tenant, body) pairs and wait until the broker has them."""
        name = self.topics.raw.name
        sent = [
            await producer.send(name, **record(tenant, body, self.partitions))
            for tenant, body in bodies
        ]
        await asyncio.gather(*sent)

    async def read(self, *names: str, committed: bool = True) -> list[ConsumerRecord]:
        """Read topics from the beginning to the end, per partition in order.

        The end is the high watermark: a transaction's markers reach the consumer group's offset
        and the outputs one by one, so a group may have committed what no reader sees yet.
        """
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            isolation_level="read_committed" if committed else "read_uncommitted",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        async with consumer:
            partitions = [TopicPartition(n, p) for n in names for p in range(self.partitions)]
            consumer.assign(partitions)
            ends = await self._high_watermarks(partitions)
            records: list[ConsumerRecord] = []
            deadline = time.monotonic() + DEADLINE
            while any([await consumer.position(p) < ends[p] for p in partitions]):
                assert time.monotonic() < deadline, "an undecided transaction holds a reader up"
                for fetched in (await consumer.getmany(timeout_ms=200)).values():
                    records.extend(fetched)
            return records

    async def _high_watermarks(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        async with AIOKafkaConsumer(bootstrap_servers=self.bootstrap) as consumer:
            ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
            return ends

    async def events(self) -> list[ConsumerRecord]:
        """Everything in the event topics."""
        return await self.read(*(topic.name for topic in self.topics.events.values()))

    async def until_idle(self, stage: str = "dedup", *topics: str) -> None:
        """Wait until the stage's group has committed the end of its topics."""
        names = topics or (self.topics.raw.name,)
        await eventually(lambda: self._idle(stage, names), f"{stage} to have no lag")

    async def _idle(self, stage: str, names: Iterable[str]) -> bool:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=f"{self.app_id}-{stage}",
            enable_auto_commit=False,
            isolation_level="read_committed",
        )
        async with consumer:
            partitions = [TopicPartition(n, p) for n in names for p in range(self.partitions)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            starts = await consumer.beginning_offsets(partitions)
            return all(
                [ends[p] <= max(await consumer.committed(p) or 0, starts[p]) for p in partitions]
            )

    async def stop(self) -> None:
        await asyncio.gather(*(worker.stop(20) for worker in self.workers.values()))


@asynccontextmanager
async def rig(
    bootstrap: str, folder: Path, partitions: int = 4, replication: int = 1
) -> AsyncIterator[Rig]:
    """Create the topics, hand out the rig, and take everything away afterwards."""
    made = Rig(bootstrap, folder, partitions, f"t{uuid.uuid4().hex[:10]}.")
    client = {"bootstrap_servers": bootstrap}
    assert await ensure(client, list(made.topics), partitions, replication, create=True) == []
    try:
        yield made
    finally:
        await made.stop()
        admin = AIOKafkaAdminClient(**client)
        await admin.start()
        await admin.delete_topics([topic.name for topic in made.topics])
        await admin.close()


def record(tenant: str | None, body: bytes, partitions: int) -> Mapping[str, Any]:
    """Return the arguments of a send that writes `body` as the ingress would."""
    now = int(time.time() * 1000)
    try:
        event = envelope.read(body, legacy_tenant=tenant or "legacy")
        sent = headers.of_event(event, now)
    except Malformed:
        sent = []
    key = tenant.encode() if tenant else None
    partition = partition_for(key, partitions) if key else 0
    return {"value": body, "key": key, "headers": sent, "partition": partition}


def event(tenant: str, event_id: str, kind: str = "LivesendUpdatedV1", **data: Any) -> bytes:
    """Return the bytes of an event."""
    return orjson.dumps(
        {
            "id": event_id,
            "version": kind,
            "occurredAt": "2026-04-07T12:34:56.000Z",
            "tenantId": tenant,
            "data": data,
        }
    )


async def eventually(
    condition: Callable[[], Any], what: str, seconds: float = DEADLINE, pause: float = 0.1
) -> None:
    """Wait until the condition (a function or a coroutine function) holds."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if await result if asyncio.iscoroutine(result) else result:
            return
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}"
        await asyncio.sleep(pause)


async def kill(worker: Child) -> None:
    """SIGKILL a running worker and wait until it is dead."""
    await eventually(lambda: worker.running, "the victim to be started again", pause=0.01)
    ended = len(worker.exits)
    worker.send(signal.SIGKILL)
    await eventually(lambda: len(worker.exits) > ended, "the victim to die", pause=0.01)


def header(record: ConsumerRecord, name: str) -> str | None:
    """Return a record's header as text."""
    return next((value.decode() for key, value in record.headers if key == name), None)


def alive(pid: int) -> bool:
    """Whether a process of this number exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
