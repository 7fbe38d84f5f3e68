"""The ingress beside what one could run instead, in turn: A B C A B C."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import ledger, machine
from bench.loadgen import Load, Loadgen, Sent
from bench.variants import Variant, running
from ops.kafka.cluster import LocalKafka

CLOSED = (Load("64 callers", 64), Load("256 callers", 256))
OPEN_CONNECTIONS = 256
PER_SECOND = 2000


@dataclass(frozen=True, slots=True)
class Run:
    """One run; `cpu_us` is the server's user and system time per acknowledged event."""

    load: Load
    variant: Variant
    round: int
    cpu_us: float
    resident_mib: float
    sent: Sent


@contextlib.asynccontextmanager
async def kafka(folder: Path, progress: Callable[[str], None]) -> AsyncIterator[str]:
    """Run one broker beside the load generator; yield its address."""
    local = LocalKafka(folder)
    await local.start(progress=progress)
    try:
        machine.pin(local.pid(local.brokers[0]), machine.OTHERS)
        yield local.bootstrap_servers
    finally:
        await local.stop()


@dataclass(frozen=True, slots=True)
class Bench:
    """How to measure: the first variant is the product; `folder` takes logs and ledgers."""

    variants: Sequence[Variant]
    loadgen: Loadgen
    rounds: int
    folder: Path
    progress: Callable[[str], None]

    async def measure(self) -> list[Run]:
        """Run every load over every variant, `rounds` times, in turn.

        Raises:
            bench.ledger.Void: the books of a run do not balance.
        """
        async with kafka(self.folder / "kafka", self.progress) as address:
            runs = [run for load in CLOSED for run in self._rounds(load, address)]
            own = (run.sent.per_second for run in runs if run.variant is self.variants[0])
            for load in _open(int(median(own) / 2)):
                runs += self._rounds(load, address)
        return runs

    def _rounds(self, load: Load, address: str) -> Iterator[Run]:
        for number in range(self.rounds):
            for variant in self.variants:
                run = self._run(load, variant, number, address)
                self.progress(
                    f"{load.name}, round {number + 1} of {self.rounds}, {variant.name}: "
                    f"{run.cpu_us:.1f} µs a request, {run.sent.per_second:,.0f} a second"
                )
                yield run

    def _run(self, load: Load, variant: Variant, number: int, address: str) -> Run:
        name = f"{variant.name}-{load.connections}-{load.rate:.0f}-{number}"
        prefix = f"{name}."
        ledger.create(address, prefix)
        with running(variant, address, prefix, self.folder / f"{variant.name}.log") as server:
            before = machine.cpu_seconds(server.pid)
            sent = self.loadgen.run(load, server.port, name, self.folder)
            spent = machine.cpu_seconds(server.pid) - before
            resident = machine.resident_mib(server.pid)
        if variant.stores:
            ledger.check(sent.acked, address, f"{prefix}raw")
        ledger.delete(address, prefix)
        return Run(load, variant, number, spent / max(1, len(sent.acked)) * 1e6, resident, sent)


def _open(half: int) -> Iterator[Load]:
    yield Load(f"{PER_SECOND:,} a second", OPEN_CONNECTIONS, PER_SECOND)
    yield Load(f"half of saturation: {half:,} a second", OPEN_CONNECTIONS, half)
