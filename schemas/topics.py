"""Every topic: name, key, retention, who writes it. The one table of them.

All topics have the same partition count, and every writer computes the partition with
`schemas.partitioner`, so a tenant has the same partition number everywhere. Changing the count of
a running installation would tear tenants' order and the deduplication apart: it is refused.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from schemas import catalogue
from schemas.catalogue import CATALOGUE

_DAY_MS = 24 * 60 * 60 * 1000

DEDUP_WINDOW_MS = 8 * _DAY_MS
"""How long an event id is remembered, in milliseconds. The sender retries for 24 h 11 min and
disables a subscription after 7 days of failure; a manual re-enable comes after that."""

MAX_MESSAGE_BYTES = 2 * 1024 * 1024
"""Largest record batch: one body at the ingress's default limit of 1 MiB, its headers, and room."""

ONE_COPY = (
    "one copy of a record is as safe as one machine: a power cut or a lost disk loses events that "
    "were answered 2xx, and a broker's crash may drop markers of transactions under way "
    "(KAFKA-20734), which a client can make good for all but a transaction marked in part"
)
"""What topics with replication factor 1 cannot promise, as operators are told."""

DEFAULT_PARTITIONS = 12
DEFAULT_PREFIX = "seismic."


@dataclass(frozen=True, slots=True)
class Topic:
    """One row: `key` and `value` in words, `owner` the only process that writes it."""

    name: str
    key: str
    value: str
    owner: str
    retention_ms: int
    compacted: bool = False

    def config(self, replication: int) -> dict[str, str]:
        """Return the broker's configuration entries for this topic."""
        return {
            "cleanup.policy": "compact,delete" if self.compacted else "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(MAX_MESSAGE_BYTES),
            "min.insync.replicas": str(min(2, replication)),
            "unclean.leader.election.enable": "false",
        }


class Topics:
    """The table of topics under one prefix."""

    def __init__(self, prefix: str = DEFAULT_PREFIX) -> None:
        body, tenant = "request body, byte for byte", "tenantId"
        week, month = 7 * _DAY_MS, 30 * _DAY_MS
        self.raw = Topic(f"{prefix}raw", tenant, body, "ingress", week)
        self.quarantine = Topic(
            f"{prefix}quarantine",
            "tenantId or none",
            "the offending bytes",
            "ingress, dedup",
            month,
        )
        self.task = Topic(f"{prefix}task", tenant, "task command", "followup", week)
        self.task_dead = Topic(
            f"{prefix}task.dead", tenant, "task command the CRM refused", "followup, crm", month
        )
        self.lifecycle = Topic(f"{prefix}lifecycle", tenant, body, "ingress", month)
        self.dedup = Topic(
            f"{prefix}dedup",
            "digest of (tenantId, id)",
            "mark: source offset (the time is the record's)",
            "dedup",
            DEDUP_WINDOW_MS,
            compacted=True,
        )
        self.events: Mapping[str, Topic] = {
            name: Topic(f"{prefix}event.{name}", tenant, body, "dedup", week)
            for name in (*(row.name for row in CATALOGUE), catalogue.OTHER)
        }

    def __iter__(self) -> Iterator[Topic]:
        yield from (
            self.raw,
            self.quarantine,
            self.task,
            self.task_dead,
            self.lifecycle,
            self.dedup,
        )
        yield from self.events.values()


def differences(wanted: Iterable[Topic], existing: Mapping[str, int], partitions: int) -> list[str]:
    """Return what is not as the contract says, one sentence each.

    Args:
        wanted: topics that have to be there.
        existing: partition count by topic name.
        partitions: the count each of them must have.
    """
    sentences = []
    for topic in wanted:
        found = existing.get(topic.name)
        if found is None:
            sentences.append(f"topic {topic.name} is missing")
        elif found != partitions:
            sentences.append(f"topic {topic.name} has {found} partitions, not {partitions}")
    return sentences
