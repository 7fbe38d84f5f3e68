"""A broker that comes back too late for its open transactions, and what became of their markers.

A killed node starts on its old picture of the cluster, where it leads every partition, and decides
the transactions that have timed out meanwhile. It cannot serve its own requests before the
controller takes it back; until then the controller declares it dead, no partition has a leader,
and the markers that wait are dropped as if their topics had been deleted (KAFKA-20734).
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.streams_rig import Rig

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
