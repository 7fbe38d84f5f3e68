"""Committed records between two offsets, read by librdkafka: it joins no group, commits nothing."""

import time
from collections.abc import Iterable
from contextlib import closing
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from ops.prove.history import End, Record
from ops.prove.readers.ends import client_settings
from ops.prove.readers.kinds import QUARANTINE, record
from schemas.connection import KafkaConnection

_BATCH = 10_000
_POLL_SECONDS = 0.5

Place = tuple[str, int]
"""Kind and partition."""


class Log:
    """Partitions on the way from their starts to their high watermarks, as `ends` has them."""

    def __init__(self, prefix: str, ends: Iterable[End], stall_seconds: float) -> None:
        ends = list(ends)
        self.found: dict[Place, list[Record]] = {}
        self._prefix = prefix
        self._stall_seconds = stall_seconds
        self._starts = {(end.kind, end.partition): end.start for end in ends}
        self._reached = dict(self._starts)
        self._open = {(end.kind, end.partition): end.high for end in ends if end.start < end.high}

    def read(self, connection: KafkaConnection) -> None:
        """Read until every partition is at its end, or nothing has come for too long.

        Raises:
            KafkaException: the log starts later than that, or cannot be read.
        """
        if self._open:
            with closing(_consumer(connection)) as consumer:
                self._read(consumer)

    def _read(self, consumer: Consumer) -> None:
        consumer.assign(
            [
                TopicPartition(self._prefix + kind, p, self._starts[kind, p])
                for kind, p in self._open
            ]
        )
        deadline = time.monotonic() + self._stall_seconds
        while self._open and time.monotonic() < deadline:
            if messages := consumer.consume(_BATCH, _POLL_SECONDS):
                deadline = time.monotonic() + self._stall_seconds
            for message in messages:
                self._take(message)

    def judge(self, ends: dict[Place, End]) -> None:
        """Tell a partition that nobody can read to its end from one that we failed to read.

        Raises:
            TimeoutError: the latter.
        """
        behind = [p for p in self._open if self._reached[p] < min(ends[p].stable, self._open[p])]
        if behind:
            raise TimeoutError(f"could not read to the end of {sorted(behind)}")

    @property
    def undecided(self) -> tuple[Place, ...]:
        return tuple(sorted(self._open))

    def _take(self, message: Message) -> None:
        kind = str(message.topic()).removeprefix(self._prefix)
        partition, offset = int(message.partition() or 0), int(message.offset() or 0)
        place = (kind, partition)
        if error := message.error():
            # Comes at each end of what is decided so far, and says where that is.
            if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                raise KafkaException(error)
            self._advance(place, offset)
            return
        sent = _headers(message) if kind == QUARANTINE else []
        found = record((kind, partition, offset), message.key(), message.value(), sent)
        self.found.setdefault(place, []).append(found)
        self._advance(place, offset + 1)

    def _advance(self, place: Place, offset: int) -> None:
        self._reached[place] = offset
        if offset >= self._open.get(place, offset + 1):
            del self._open[place]


def _headers(message: Message) -> list[tuple[str, Any]]:
    sent: Any = message.headers()  # its type allows for more than there ever is
    return list(sent or ())


def _consumer(connection: KafkaConnection) -> Consumer:
    return Consumer(
        {
            **client_settings(connection),
            # The library wants a name; it is never used, as partitions are assigned by hand.
            "group.id": "geophone-prove-reader",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "allow.auto.create.topics": False,
            "enable.partition.eof": True,
        }
    )
