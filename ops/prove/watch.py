"""Watches the streams from outside while a run goes on, and tells when all is handled.

librdkafka asks, because it is no part of what is put to the test and finds a broker again by
itself. What was handled is read before what there is: if the first covers the second, nothing was
under way in between.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException
from confluent_kafka.admin import AdminClient

from ops.prove.history import End
from ops.prove.readers.ends import client_settings, places, read_ends
from ops.prove.readers.kinds import RAW
from ops.prove.readers.log import Log
from schemas.connection import KafkaConnection
from schemas.topics import Topics
from streams.actions import types_with_actions

STAGES: Mapping[str, tuple[str, ...]] = {
    "dedup": (RAW,),
    "followup": tuple(f"event.{name}" for name in types_with_actions()),
    "crm": ("task",),
}
"""The kinds of topics that each stage reads."""

SAMPLE_SECONDS = 1.0
_ASK_SECONDS = 2.0
_STALL_SECONDS = 20.0

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Sample:
    """At one moment: raw records not handled, records between LSO and end; None if unknown."""

    at: float
    lag: int | None
    unstable: int | None


@dataclass(frozen=True, slots=True)
class Look:
    """What each stage's group has committed, and then, where everything ends."""

    committed: Mapping[str, Mapping[Place, int]]
    ends: tuple[End, ...]

    @property
    def unstable(self) -> dict[Place, int]:
        """Records, markers included, that no one knows the outcome of, where there are any."""
        return {(e.kind, e.partition): e.high - e.stable for e in self.ends if e.stable < e.high}

    def unread(self, stage: str) -> list[End]:
        """Return what lies between the stage's offset and what is decided; markers are in it."""
        committed = self.committed[stage]
        mine = [end for end in self.ends if end.kind in STAGES[stage]]
        starts = [max(end.start, committed.get((end.kind, end.partition), 0)) for end in mine]
        return [
            End(end.kind, end.partition, start, end.stable, end.stable)
            for end, start in zip(mine, starts, strict=True)
            if start < end.stable
        ]


class Watch:
    """Looks at one installation; every method but `run` blocks."""

    def __init__(
        self, connection: KafkaConnection, topics: Topics, partitions: int, app_id: str
    ) -> None:
        self.samples: list[Sample] = []
        self._connection = connection
        self._app_id = app_id
        self._prefix = topics.raw.name.removesuffix(RAW)
        kinds = [topic.name.removeprefix(self._prefix) for topic in topics]
        self._places = places(self._prefix, kinds, partitions)
        self._admin = AdminClient(client_settings(connection))

    async def run(self) -> None:
        """Sample once a second, until it is cancelled."""
        while True:
            started = time.monotonic()
            self.samples.append(await asyncio.to_thread(self.sample))
            await asyncio.sleep(max(0.0, started + SAMPLE_SECONDS - time.monotonic()))

    def sample(self) -> Sample:
        at = time.monotonic()
        try:
            look = self.look()
        except KafkaException:  # brokers are down: that is why we are here
            return Sample(at, None, None)
        # The raw topic is not written in transactions: each offset of it is a record.
        return Sample(at, _span(look.unread("dedup")), sum(look.unstable.values()))

    def look(self) -> Look:
        """Ask once.

        Raises:
            KafkaException: the cluster does not answer within seconds.
        """
        committed = {stage: self._committed(stage) for stage in STAGES}
        ends = read_ends(self._admin, self._prefix, self._places, _ASK_SECONDS)
        return Look(committed, tuple(ends))

    def lag(self, look: Look) -> dict[str, int]:
        """Return how many records each stage has not handled: records, not markers.

        Reads what lies beyond the committed offsets, so it is meant for the end of a run.

        Raises:
            KafkaException, TimeoutError: that cannot be read.
        """
        return {stage: self._records(look.unread(stage)) for stage in STAGES}

    def _records(self, unread: list[End]) -> int:
        log = Log(self._prefix, unread, _STALL_SECONDS)
        log.read(self._connection)
        log.judge({(end.kind, end.partition): end for end in unread})
        return sum(map(len, log.found.values()))

    def _committed(self, stage: str) -> dict[Place, int]:
        group = f"{self._app_id}-{stage}"
        asked = [ConsumerGroupTopicPartitions(group)]
        [answer] = self._admin.list_consumer_group_offsets(
            asked, request_timeout=_ASK_SECONDS
        ).values()
        found = answer.result().topic_partitions or []
        return {(one.topic.removeprefix(self._prefix), one.partition): one.offset for one in found}


def lag(
    connection: KafkaConnection, topics: Topics, partitions: int, app_id: str
) -> dict[str, int]:
    """Return how many records each stage has not handled, at this moment."""
    watch = Watch(connection, topics, partitions, app_id)
    return watch.lag(watch.look())


def _span(unread: list[End]) -> int:
    return sum(end.high - end.start for end in unread)
