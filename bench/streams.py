"""The dedup stage beside what one could write instead, on the same backlog, in turn."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from bench import backlog, ledger, machine
from bench.ingress import kafka
from ops.kafka.jars import VERSION as KAFKA

PARTITIONS = ledger.PARTITIONS
JOIN_SECONDS = 8.0
"""How long a worker gets to have its partitions before there is work."""
WORK_SECONDS = 300.0
JVM_WARM_UP = 4
"""A JVM compiles what runs often, in the first seconds and on the same core."""


@dataclass(frozen=True, slots=True, eq=False)
class Worker:
    """One way to do it; `group` is the consumer group whose offsets tell how far it is.

    `changelog` is created for it if it is told. `warm_up` is how many backlogs it handles before
    the measured one.
    """

    name: str
    meaning: str
    command: Sequence[str]
    group: str
    environment: Mapping[str, str] = field(default_factory=dict)
    changelog: str | None = None
    warm_up: int = 1


_PRODUCT = [sys.executable, "-m", "streams"]
PRODUCT = Worker("geophone", "the product", _PRODUCT, "{prefix}app-dedup")
IN_MEMORY = Worker(
    "in memory",
    "the product, marks in memory",
    _PRODUCT,
    "{prefix}app-dedup",
    {"GEOPHONE_MARKS": "memory"},
)
PLAIN_LOOP = Worker(
    "plain loop",
    "plain aiokafka, the same transactions, marks in memory",
    [sys.executable, "-m", "bench.plain_loop"],
    "{prefix}plain",
)
STOCK_FAUST = Worker(
    "stock Faust",
    "Faust as its documentation shows it, at least once, marks in RocksDB",
    [sys.executable, "-m", "bench.stock_faust", "worker"],
    "{prefix}stock",
    # Left to create it itself it may handle one event in 5 s from then on: 2 of 4 runs did.
    changelog="{prefix}stock-marks-changelog",
)

WORKERS = (PRODUCT, IN_MEMORY, PLAIN_LOOP, STOCK_FAUST)


def jvm_worker(command: Sequence[str]) -> Worker:
    """Return the bar on the JVM: Kafka Streams."""
    meaning = (
        f"Kafka Streams {KAFKA}, exactly_once_v2, one thread, marks in RocksDB, heap of 512 MiB, "
        f"after {JVM_WARM_UP} backlogs"
    )
    group = "{prefix}kafka-streams"
    return Worker("kafka streams", meaning, command, group, warm_up=JVM_WARM_UP)


@dataclass(frozen=True, slots=True)
class Done:
    """One run; `cpu_us` is the worker's user and system time per source record."""

    worker: Worker
    round: int
    cpu_us: float
    per_second: float
    resident_mib: float


@dataclass(frozen=True, slots=True)
class StreamsBench:
    """How to measure: `records` in the backlog; `folder` takes logs and state.

    The first worker is the product. Each handles one such backlog before the measured one, and as
    many more as it says it needs to get warm.
    """

    workers: Sequence[Worker]
    records: int
    rounds: int
    folder: Path
    progress: Callable[[str], None]

    async def measure(self) -> list[Done]:
        """Run every worker over the same backlog, `rounds` times, in turn.

        Raises:
            bench.ledger.Void: an event is missing from the output, or there twice.
        """
        runs = []
        machine.pin(os.getpid(), machine.OTHERS)  # it fills the topics
        async with kafka(self.folder / "kafka", self.progress) as address:
            for number in range(self.rounds):
                for worker in self.workers:
                    run = self._run(worker, number, address)
                    self.progress(
                        f"round {number + 1} of {self.rounds}, {worker.name}: "
                        f"{run.cpu_us:.1f} µs a record, {run.per_second:,.0f} a second"
                    )
                    runs.append(run)
        return runs

    def _run(self, worker: Worker, number: int, address: str) -> Done:
        prefix = f"{worker.name.replace(' ', '-')}-{number}."
        group = worker.group.format(prefix=prefix)
        own = [worker.changelog.format(prefix=prefix)] if worker.changelog else []
        ledger.create(address, prefix, own)
        with _running(worker, address, prefix, self.folder) as pid:
            time.sleep(JOIN_SECONDS)
            different = 0
            for backlog_number in range(worker.warm_up + 1):
                before, started = machine.cpu_seconds(pid), time.monotonic()
                first = backlog_number * self.records
                different += self._handled(address, prefix, group, first)
            took = time.monotonic() - started
            spent, resident = machine.cpu_seconds(pid) - before, machine.resident_mib(pid)
        _check(address, f"{prefix}event.LivesendUpdatedV1", different)
        ledger.delete(address, prefix)
        return Done(worker, number, spent / self.records * 1e6, self.records / took, resident)

    def _handled(self, address: str, prefix: str, group: str, first: int) -> int:
        """Let one backlog be handled; return how many different events it has."""
        raw = f"{prefix}raw"
        different = backlog.fill(address, raw, first, self.records, PARTITIONS)
        _until_done(address, group, raw)
        return different


@contextlib.contextmanager
def _running(worker: Worker, address: str, prefix: str, folder: Path) -> Iterator[int]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GEOPHONE_")},
        "GEOPHONE_KAFKA_BOOTSTRAP_SERVERS": address,
        "GEOPHONE_TOPIC_PREFIX": prefix,
        "GEOPHONE_TOPIC_PARTITIONS": str(PARTITIONS),
        "GEOPHONE_TOPIC_REPLICATION": "1",
        "GEOPHONE_STAGES": "dedup",
        "GEOPHONE_APP_ID": f"{prefix}app",
        "GEOPHONE_STATE_DIR": str(folder / f"{prefix}state"),
        "GEOPHONE_ADMIN_HOST": "127.0.0.1",
        "GEOPHONE_ADMIN_PORT": "0",
        "GEOPHONE_LOG_LEVEL": "WARNING",
        **worker.environment,
    }
    with (folder / f"{worker.name}.log").open("ab") as log:
        process = subprocess.Popen(worker.command, env=environment, stdout=log, stderr=log)
    try:
        machine.pin(process.pid, machine.SERVER)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def _until_done(address: str, group: str, topic: str) -> None:
    """Wait until the group has committed all that is in the topic.

    Raises:
        bench.ledger.Void: it takes far too long.
    """
    consumer = Consumer({"bootstrap.servers": address, "group.id": group})
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    ends = [consumer.get_watermark_offsets(each, timeout=10)[1] for each in partitions]
    give_up = time.monotonic() + WORK_SECONDS
    try:
        while time.monotonic() < give_up:
            committed = consumer.committed(partitions, timeout=10)
            if all(each.offset >= end for each, end in zip(committed, ends, strict=True) if end):
                return
            time.sleep(0.1)
    finally:
        consumer.close()
    raise ledger.Void(f"{group} has not done its work in {WORK_SECONDS:.0f} s")


def _check(address: str, topic: str, different: int) -> None:
    found = list(ledger.ids(address, topic))
    if (len(found), len(set(found))) != (different, different):
        raise ledger.Void(
            f"{different} events, but {topic} has {len(found)} records of {len(set(found))} events"
        )
