"""Topics with a history in them, and the two readers of the proof on it."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
from aiokafka import AIOKafkaProducer

from ops.prove.history import Seen
from ops.prove.readers import journal
from ops.prove.readers.final import Reading, read_everything
from schemas.connection import KafkaConnection
from tests.streams_rig import Rig, eventually

PARTITIONS = 2


def read(rig: Rig, stall_seconds: float = 30) -> Reading:
    """Read everything as the final reader does."""
    connection = KafkaConnection(bootstrap_servers=rig.bootstrap)
    prefix = rig.topics.raw.name.removesuffix("raw")
    return read_everything(connection, prefix, rig.partitions, stall_seconds=stall_seconds)


@asynccontextmanager
async def transactional(rig: Rig, name: str) -> AsyncIterator[AIOKafkaProducer]:
    """A producer of transactions of this rig's own."""
    async with AIOKafkaProducer(
        bootstrap_servers=rig.bootstrap, transactional_id=f"{rig.app_id}-{name}"
    ) as producer:
        yield producer


async def put(
    producer: AIOKafkaProducer,
    topic: str,
    bodies: Iterable[bytes],
    partition: int = 0,
    headers: Iterable[tuple[str, bytes]] = (),
) -> None:
    """Write bodies to one partition and wait until they are there."""
    sent = list(headers)
    for body in bodies:
        await producer.send_and_wait(topic, body, b"key", partition, headers=sent)


class Live:
    """The live reader's process."""

    def __init__(self, process: Process, file: Path) -> None:
        self.process = process
        self.file = file

    async def until_has(self, count: int) -> None:
        def has() -> bool:
            assert self.process.returncode is None, "the live reader ended"
            return len(self.lines()) >= count

        await eventually(has, f"{count} records in the journal")

    def lines(self) -> list[bytes]:
        return [
            line for line in self.file.read_bytes().splitlines(keepends=True) if line[-1:] == b"\n"
        ]

    async def stop(self) -> list[Seen]:
        """End it as a run does and return what it saw."""
        self.process.send_signal(signal.SIGTERM)
        assert await self.process.wait() == 0
        return journal.read(self.file)


@asynccontextmanager
async def live(rig: Rig, folder: Path, **plan: str) -> AsyncIterator[Live]:
    """Run the live reader; it is ready when this yields."""
    file = folder / "live.jsonl"
    given: Mapping[str, object] = {
        "bootstrap_servers": rig.bootstrap,
        "topic_prefix": rig.topics.raw.name.removesuffix("raw"),
        "partitions": rig.partitions,
        "file": str(file),
        **plan,
    }
    (folder / "plan.json").write_bytes(orjson.dumps(given))
    command = ["-m", "ops.prove.readers.live", str(folder / "plan.json")]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=PIPE)
    try:
        assert process.stdout
        assert orjson.loads(await process.stdout.readline()) == {"ready": True}
        yield Live(process, file)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def bodies(word: str, count: int = 3) -> list[bytes]:
    return [f"{word} {number}".encode() for number in range(count)]
