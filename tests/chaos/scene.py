"""A load, a worker, and brokers that are killed with transactions open.

The brokers are down for longer than the transactions' time-out.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from ops.child import Child
from ops.kafka.cluster import LocalKafka
from tests.books import balance
from tests.chaos.markers import BrokerLog, Markers, undecided
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


class Scene:
    """One broker or three, one worker, a load, and kills that find transactions open.

    `kills` counts those after which markers were skipped: the others prove nothing.
    """

    def __init__(self, kafka: LocalKafka, r: Rig, cleansing: str, transaction_ms: int) -> None:
        self.kafka, self.r = kafka, r
        self.kills = 0
        self.idle_kills = 0
        self.found = Markers()
        self._cleansing, self._transaction_ms = cleansing, transaction_ms
        self._refused_ms = REFUSED_MS
        self._logs = [BrokerLog(kafka.log(number)) for number in kafka.brokers]
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
        """Kill brokers and worker; return what is undecided while there is nobody to decide it."""
        async with self._round():
            self._kill(self.kafka.brokers)
            await self._worker.stop(0)
            await self._back(self.kafka.brokers)
            left = await undecided(self.r)
            await self.start_worker()
        return left

    async def brokers_die(self, *numbers: int) -> None:
        """Kill these brokers alone: the worker lives on, and learns that it was fenced."""
        async with self._round():
            self._kill(numbers)
            await self._back(numbers)

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
        before = self.found.skipped
        for log in self._logs:
            self.found += log.since_last()
        if self.found.skipped > before:
            self.kills += 1
        else:
            self.idle_kills += 1
            self._refuse_for_longer()

    async def _most_open(self) -> bool:
        return len(await undecided(self.r, self.r.topics.dedup.name)) > self.r.partitions // 2

    def _kill(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.kafka.kill(number)

    async def _back(self, numbers: Iterable[int]) -> None:
        await asyncio.sleep(DOWN_SECONDS)
        await self.kafka.restart(*numbers)

    def _refuse_for_longer(self) -> None:
        """A broker that starts slowly is fenced before it has looked at its transactions."""
        if len(self.kafka.brokers) > 1:
            return
        self._refused_ms = min(2 * self._refused_ms, LONGEST_REFUSED_MS)
        with (self.kafka.state_dir / "broker-1" / "server.properties").open("a") as properties:
            properties.write(f"broker.session.timeout.ms={self._refused_ms}\n")


@asynccontextmanager
async def scene(
    folder: Path, *, cleansing: str, brokers: int = 1, transaction_ms: int = TRANSACTION_MS
) -> AsyncIterator[Scene]:
    """Start it all; the catalogue has to be `tests.chaos.weakened.FEW`."""
    kafka = LocalKafka(folder / "kafka", brokers, OVERRIDES)
    await kafka.start()
    try:
        async with rig(kafka.bootstrap_servers, folder, replication=brokers) as r:
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
