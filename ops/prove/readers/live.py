"""Reads committed records while the faults run: `python -m ops.prove.readers.live PLAN.json`.

It prints one line, `{"ready": true}`, once it knows from where it reads. SIGTERM makes it read
what is decided by then, close its file and end with code 0; a file without its last line, or any
other code, says that it failed.
"""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import orjson
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from ops.prove.history import Seen
from ops.prove.readers.journal import Writer
from ops.prove.readers.kinds import read_kinds, record
from ops.prove.readers.session import Batch, Offsets, Session, Stalled, session

LAST_SECONDS = 60.0
"""How long it may take to read the rest after SIGTERM."""

_FLUSH_SECONDS = 0.5
_CHECK_SECONDS = 5.0
_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """`start`: read from what is decided at the start on (`end`), or everything (`beginning`)."""

    bootstrap_servers: str
    topic_prefix: str
    partitions: int
    file: str
    start: Literal["beginning", "end"] = "end"

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(**orjson.loads(path.read_bytes()))


class Reader:
    """Goes on from session to session, at the next offset of each partition."""

    def __init__(self, plan: Plan, writer: Writer) -> None:
        self._plan = plan
        self._writer = writer
        self._stop = asyncio.Event()
        self._next: dict[TopicPartition, int] = {}
        self._sessions = self._polls = 0
        self._partitions = [
            TopicPartition(plan.topic_prefix + kind, number)
            for kind in read_kinds(plan.topic_prefix)
            for number in range(plan.partitions)
        ]

    def stop(self) -> None:
        """Make `run` read the rest and return."""
        self._stop.set()

    async def run(self) -> None:
        """Read until `stop`, whatever happens to the brokers.

        Raises:
            TimeoutError: the rest could not be read.
        """
        reading = asyncio.create_task(self._read())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait([reading, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        async with asyncio.timeout(LAST_SECONDS):
            await reading

    async def _read(self) -> None:
        while True:
            try:
                async with self._session() as one:
                    await self._read_on(one)
                    return await self._read_rest(one)
            # OSError: aiokafka lets some of a vanished broker's errors through as they are.
            except (KafkaError, Stalled, OSError) as error:
                _say(f"session {self._sessions} ended: {error!r}")
            await asyncio.sleep(_AGAIN_SECONDS)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        async with session(self._plan.bootstrap_servers, self._partitions) as one:
            one.read_from(await self._positions(one))
            yield one

    async def _positions(self, one: Session) -> Offsets:
        starts, ends = await one.starts(), await one.ends()
        if self._next:
            # Beyond its end lies a partition that has lost what was committed: read what comes.
            self._next = {p: min(max(at, starts[p]), ends[p]) for p, at in self._next.items()}
            self._sessions += 1
        else:
            self._next = dict(ends if self._plan.start == "end" else starts)
            print(orjson.dumps({"ready": True}).decode(), flush=True)  # noqa: T201 - see above
        return self._next

    async def _read_on(self, one: Session) -> None:
        flushed = checked = time.monotonic()
        while not self._stop.is_set():
            self._take(await one.poll())
            if time.monotonic() - flushed > _FLUSH_SECONDS:
                self._writer.flush()
                flushed = time.monotonic()
            if time.monotonic() - checked > _CHECK_SECONDS:
                await one.check()
                checked = time.monotonic()

    async def _read_rest(self, one: Session) -> None:
        ends = await one.ends()
        while await one.behind(ends):
            self._take(await one.poll())

    def _take(self, batch: Batch) -> None:
        if batch:
            self._polls += 1
            self._writer.write(self._seen(batch, time.monotonic()))

    def _seen(self, batch: Batch, at: float) -> Iterator[Seen]:
        for partition, records in batch.items():
            self._next[partition] = records[-1].offset + 1
            yield from self._of(records, at)

    def _of(self, records: Iterable[ConsumerRecord], at: float) -> Iterator[Seen]:
        for each in records:
            kind = each.topic.removeprefix(self._plan.topic_prefix)
            place = (kind, each.partition, each.offset)
            found = record(place, each.key, each.value, each.headers)
            yield Seen(found, at, self._polls, self._sessions)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)  # noqa: T201 - this process's log


async def _main(plan: Plan) -> None:
    with Writer(Path(plan.file)) as writer:
        reader = Reader(plan, writer)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, reader.stop)
        await reader.run()


if __name__ == "__main__":
    # It tells of every attempt to connect, several a second, while a broker is down.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    asyncio.run(_main(Plan.load(Path(sys.argv[1]))))
