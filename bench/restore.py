"""How fast a takeover has its marks back, and what they weigh: the product's own code."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiokafka import AIOKafkaProducer, TopicPartition
from prometheus_client import REGISTRY

from bench import ledger, machine
from bench.ingress import kafka
from streams.__main__ import spare_the_collector
from streams.marks import START, MemoryMarks, RocksMarks
from streams.restore import restored
from streams.source import MAX_RECORDS

TOPIC = "bench.dedup"
MEMORY = "in memory"
ROCKSDB = "in RocksDB"


@dataclass(frozen=True, slots=True)
class Restored:
    """One restore of all marks of one partition; `resident` is what they added, in bytes each."""

    where: str
    marks: int
    per_second: float
    cpu_us: float
    resident: float
    on_disk: float


@dataclass(frozen=True, slots=True)
class RestoreBench:
    """How to measure: `marks` in the changelog; `folder` takes logs and state."""

    marks: int
    folder: Path
    progress: Callable[[str], None]

    async def measure(self) -> list[Restored]:
        """Restore the marks into RocksDB and into memory, each in a process of its own.

        Raises:
            bench.ledger.Void: not all marks were restored.
        """
        async with kafka(self.folder / "kafka", self.progress) as address:
            self.progress(f"writing {self.marks:,} marks …")
            await _fill(address, self.marks)
            return [self._restored(address, where) for where in (ROCKSDB, MEMORY)]

    def _restored(self, address: str, where: str) -> Restored:
        self.progress(f"restoring {self.marks:,} marks {where} …")
        state = self.folder / "marks"
        command = [sys.executable, "-m", "bench.restore", address, where, str(state)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            machine.pin(process.pid, machine.SERVER)
            output, _ = process.communicate()
        shutil.rmtree(state, ignore_errors=True)
        if process.returncode:
            raise ledger.Void(f"restoring marks {where} ended with code {process.returncode}")
        found = Restored(**json.loads(output.splitlines()[-1]))
        if found.marks != self.marks:
            raise ledger.Void(f"{self.marks} marks were written, {found.marks} restored {where}")
        return found


async def _fill(address: str, count: int) -> None:
    """Write the marks as the product does: in transactions of a full batch."""
    await asyncio.to_thread(ledger.create_topics, address, [TOPIC], 1)
    producer = AIOKafkaProducer(
        bootstrap_servers=address, transactional_id="bench-restore", acks="all"
    )
    async with producer:
        for first in range(0, count, MAX_RECORDS):
            batch = producer.create_batch()
            for offset in range(first, min(first + MAX_RECORDS, count)):
                batch.append(timestamp=None, key=os.urandom(16), value=b"%d" % offset)
            async with producer.transaction():
                await (await producer.send_batch(batch, TOPIC, partition=0))


def _measured(address: str, where: str, folder: Path) -> dict[str, object]:
    pid = os.getpid()
    weight, spent, started = machine.resident_mib(pid), machine.cpu_seconds(pid), time.monotonic()
    changelog = TopicPartition(TOPIC, 0)
    opened = MemoryMarks if where == MEMORY else partial(RocksMarks, folder)
    client = {"bootstrap_servers": address}
    marks = asyncio.run(restored(client, changelog, START, lambda _: opened()))
    took = time.monotonic() - started
    count = int(REGISTRY.get_sample_value("geophone_streams_marks_restored_total") or 0)
    found: dict[str, object] = {
        "where": where,
        "marks": count,
        "per_second": count / took,
        "cpu_us": (machine.cpu_seconds(pid) - spent) / count * 1e6,
        "resident": (machine.resident_mib(pid) - weight) * 1024 * 1024 / count,
        "on_disk": sum(file.stat().st_size for file in folder.rglob("*")) / count,
    }
    marks.close()
    return found


def main(address: str, where: str, folder: str) -> None:
    """Restore once, and say on the last line what it took."""
    spare_the_collector()
    sys.stdout.write(json.dumps(_measured(address, where, Path(folder))))


if __name__ == "__main__":
    main(*sys.argv[1:])
