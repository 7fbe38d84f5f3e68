"""Reads everything from the beginning, after the end, as a consumer of another make would.

librdkafka filters what was aborted by code of its own, so that what two readers agree on is no
quirk of one. It reads to the high watermark: a transaction's markers reach the outputs one by
one, and what lies beyond the last stable offset may have been promised already. It joins no group
and commits nothing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from ops.prove.history import End, Record
from ops.prove.readers.ends import client_settings, places, read_ends
from ops.prove.readers.kinds import DEAD, OUTPUT, QUARANTINE, RAW, read_kinds, record
from schemas.connection import KafkaConnection
from schemas.topics import Topics

STALL_SECONDS = 30.0
"""Longest time without anything new; not a limit on the whole, which may be millions of records."""

_BATCH = 10_000
_POLL_SECONDS = 0.5

Place = tuple[str, int]
Mine = Callable[[Record], bool]


@dataclass(frozen=True, slots=True)
class Reading:
    """What lies in the topics, per partition in order, and where the partitions end.

    `ends` are those of every topic, also of those that are not read. `undecided` are partitions
    whose end no reader comes to: their last stable offset stays below the high watermark.
    """

    raw: list[Record]
    outputs: list[Record]
    quarantine: list[Record]
    dead: list[Record]
    ends: list[End]
    undecided: tuple[Place, ...] = ()


def read_everything(
    connection: KafkaConnection,
    prefix: str,
    partitions: int,
    mine: Mine = lambda _: True,
    stall_seconds: float = STALL_SECONDS,
) -> Reading:
    """Read all of it, blocking; `mine` says which records belong to this run.

    Raises:
        TimeoutError: nothing came for `stall_seconds` although there is something to read.
        KafkaException: the cluster does not answer.
    """
    admin = AdminClient(client_settings(connection))
    kinds = [topic.name.removeprefix(prefix) for topic in Topics(prefix)]
    everywhere = places(prefix, kinds, partitions)
    read = set(read_kinds(prefix))
    ends = read_ends(admin, prefix, everywhere)
    going = _Going([end for end in ends if end.kind in read], prefix, stall_seconds)
    with closing(_consumer(connection)) as consumer:
        going.read(consumer)
    ends = read_ends(admin, prefix, everywhere)
    going.judge({(end.kind, end.partition): end for end in ends})
    return _sorted(going, mine, ends)


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


class _Going:
    """Partitions on the way to their ends."""

    def __init__(self, ends: Sequence[End], prefix: str, stall_seconds: float) -> None:
        self.found: dict[Place, list[Record]] = {}
        self._prefix = prefix
        self._stall_seconds = stall_seconds
        self._starts = {(end.kind, end.partition): end.start for end in ends}
        self._reached = dict(self._starts)
        self._open = {(end.kind, end.partition): end.high for end in ends if end.start < end.high}

    def read(self, consumer: Consumer) -> None:
        """Read until every partition is at its end, or nothing has come for too long."""
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


def _sorted(going: _Going, mine: Mine, ends: list[End]) -> Reading:
    def of(wanted: Callable[[str], bool]) -> list[Record]:
        return [one for one in _records(going.found, wanted) if mine(one)]

    return Reading(
        raw=of(RAW.__eq__),
        outputs=of(lambda kind: kind.startswith(OUTPUT)),
        quarantine=of(QUARANTINE.__eq__),
        dead=of(DEAD.__eq__),
        ends=ends,
        undecided=going.undecided,
    )


def _records(found: dict[Place, list[Record]], wanted: Callable[[str], bool]) -> Iterator[Record]:
    for place in sorted(found):
        if wanted(place[0]):
            yield from found[place]
