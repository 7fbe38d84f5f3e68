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

from aiokafka import TopicPartition
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bench import machine
from bench.ingress import kafka
from streams.__main__ import spare_the_collector
from streams.marks import START, MemoryMarks, RocksMarks
from streams.restore import restored

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
        """Restore the marks into RocksDB and into memory, each in a process of its own."""
        async with kafka(self.folder / "kafka", self.progress) as address:
            self.progress(f"writing {self.marks:,} marks …")
            _fill(address, self.marks)
            return [self._restored(address, where) for where in (ROCKSDB, MEMORY)]

    def _restored(self, address: str, where: str) -> Restored:
        self.progress(f"restoring {self.marks:,} marks {where} …")
        state = self.folder / "marks"
        command = [sys.executable, "-m", "bench.restore", address, where, str(state)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            machine.pin(process.pid, machine.SERVER)
            output, _ = process.communicate()
        shutil.rmtree(state, ignore_errors=True)
        return Restored(marks=self.marks, **json.loads(output.splitlines()[-1]))


def _fill(kafka: str, count: int) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    for future in admin.create_topics([NewTopic(TOPIC, 1, 1)]).values():
        future.result()
    producer = Producer({"bootstrap.servers": kafka, "queue.buffering.max.messages": 1_000_000})
    for number in range(count):
        while True:
            try:
                producer.produce(TOPIC, b"%d" % number, os.urandom(16), 0)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()


def _measured(address: str, where: str, folder: Path) -> dict[str, object]:
    pid = os.getpid()
    weight, spent, started = machine.resident_mib(pid), machine.cpu_seconds(pid), time.monotonic()
    changelog = TopicPartition(TOPIC, 0)
    opened = MemoryMarks if where == MEMORY else partial(RocksMarks, folder)
    client = {"bootstrap_servers": address}
    marks = asyncio.run(restored(client, changelog, START, lambda _: opened()))
    took, count = time.monotonic() - started, marks.position().changelog
    return {
        "where": where,
        "per_second": count / took,
        "cpu_us": (machine.cpu_seconds(pid) - spent) / count * 1e6,
        "resident": (machine.resident_mib(pid) - weight) * 1024 * 1024 / count,
        "on_disk": sum(file.stat().st_size for file in folder.rglob("*")) / count,
    }


def main(address: str, where: str, folder: str) -> None:
    """Restore once, and say on the last line what it took."""
    spare_the_collector()
    sys.stdout.write(json.dumps(_measured(address, where, Path(folder))))


if __name__ == "__main__":
    main(*sys.argv[1:])
