"""The ingress beside what one could run instead, in turn: A B C A B C."""

import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import ledger, machine
from bench.loadgen import Load, Loadgen, Sent
from bench.variants import Variant, running
from ops.kafka.cluster import LocalKafka

ALONE = Load("1 caller", 1)
"""Nobody to wait for: its answer should take hardly longer than Kafka's acknowledgement."""
ACK = Variant(
    "ack", "Kafka's own acknowledgement: a producer that awaits each send", [], stores=False
)
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
            runs = list(self._rounds(ALONE, address, [*self.variants, ACK]))
            full = [run for load in CLOSED for run in self._rounds(load, address, self.variants)]
            own = (run.sent.per_second for run in full if run.variant is self.variants[0])
            runs += full
            for load in _open(int(median(own) / 2)):
                runs += self._rounds(load, address, self.variants)
        return runs

    def _rounds(self, load: Load, address: str, variants: Sequence[Variant]) -> Iterator[Run]:
        for number in range(self.rounds):
            for variant in variants:
                run = (self._ack if variant is ACK else self._run)(load, variant, number, address)
                self.progress(
                    f"{load.name}, round {number + 1} of {self.rounds}, {variant.name}: "
                    f"{run.cpu_us:.1f} µs a request, {run.sent.per_second:,.0f} a second"
                )
                yield run

    def _run(self, load: Load, variant: Variant, number: int, address: str) -> Run:
        name = f"{variant.name}-{load.connections}-{load.rate:.0f}-{number}"
        prefix = f"{name}."
        ledger.create(address, prefix)
        log = self.folder / f"{variant.name}.log"
        with running(variant, address, prefix, log) as server:
            before = machine.cpu_seconds(server.pid)
            sent = self.loadgen.run(load, server.port, name, self.folder)
            spent = machine.cpu_seconds(server.pid) - before
            resident = machine.resident_mib(server.pid)
        if not sent.acked:
            told = log.read_text()[-2000:]
            raise ledger.Void(f"{variant.name} answered {sent.answers}, none of it 2xx:\n{told}")
        if variant.stores:
            ledger.check(sent.acked, address, f"{prefix}raw")
        ledger.delete(address, prefix)
        return Run(load, variant, number, spent / len(sent.acked) * 1e6, resident, sent)

    def _ack(self, load: Load, variant: Variant, number: int, address: str) -> Run:
        prefix = f"{variant.name}-{number}."
        ledger.create(address, prefix)
        command = [sys.executable, "-m", "bench.ack", address, f"{prefix}raw"]
        try:
            found = json.loads(subprocess.check_output([*command, str(self.loadgen.seconds)]))
        except subprocess.CalledProcessError as error:
            raise ledger.Void(f"the producer that awaits each send: {error}") from error
        ledger.check(found["acked"], address, f"{prefix}raw")
        ledger.delete(address, prefix)
        answers = {"200": len(found["acked"])}
        sent = Sent(found["acked"], answers, {}, found["per_second"], found["microseconds"])
        return Run(load, variant, number, found["cpu_us"], found["resident_mib"], sent)


def _open(half: int) -> Iterator[Load]:
    yield Load(f"{PER_SECOND:,} a second", OPEN_CONNECTIONS, PER_SECOND)
    yield Load(f"half of saturation: {half:,} a second", OPEN_CONNECTIONS, half)
