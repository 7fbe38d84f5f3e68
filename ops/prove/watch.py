"""Watches the streams from outside while a run goes on, and tells when all is handled.

librdkafka asks, because it is no part of what is put to the test and finds a broker again by
itself. What was handled is read before what there is: if the first covers the second, nothing was
under way in between.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException

from ops.prove.history import End
from ops.prove.readers.ends import Ends, again, client_settings, places
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
LOOK_SECONDS = 20.0
"""How long a cluster may take that is expected to be well."""

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
    """Looks at one installation; every method but `sampling` blocks."""

    def __init__(
        self, connection: KafkaConnection, topics: Topics, partitions: int, app_id: str
    ) -> None:
        self.samples: list[Sample] = []
        self._connection = connection
        self._app_id = app_id
        self._prefix = topics.raw.name.removesuffix(RAW)
        kinds = [topic.name.removeprefix(self._prefix) for topic in topics]
        self._places = places(self._prefix, kinds, partitions)
        self._ends = Ends(connection, self._prefix)
        self._groups = {stage: self._group(stage) for stage in STAGES}

    def close(self) -> None:
        """Let go of the connections; no call may follow."""
        for group in self._groups.values():
            group.close()

    @asynccontextmanager
    async def sampling(self) -> AsyncIterator[None]:
        """Sample once a second meanwhile."""
        over = asyncio.Event()
        task = asyncio.create_task(self._sample_until(over))
        try:
            yield
        finally:
            over.set()
            await task  # a call into the library cannot be cancelled, and must not outlive it

    async def _sample_until(self, over: asyncio.Event) -> None:
        while not over.is_set():
            started = time.monotonic()
            self.samples.append(await asyncio.to_thread(self.sample))
            with suppress(TimeoutError):
                rest = max(0.0, started + SAMPLE_SECONDS - time.monotonic())
                await asyncio.wait_for(over.wait(), rest)

    def sample(self) -> Sample:
        at = time.monotonic()
        try:
            look = self.look(_ASK_SECONDS)
        except KafkaException:  # brokers are down: that is why we are here
            return Sample(at, None, None)
        # The raw topic is not written in transactions: each offset of it is a record.
        return Sample(at, _span(look.unread("dedup")), sum(look.unstable.values()))

    def look(self, seconds: float = LOOK_SECONDS) -> Look:
        """Ask until the cluster answers.

        Raises:
            KafkaException: it does not, within `seconds`.
        """
        deadline = time.monotonic() + seconds
        committed = {stage: self._committed(stage, deadline) for stage in STAGES}
        return Look(committed, tuple(self._ends.read(self._places, seconds)))

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

    def _group(self, stage: str) -> Consumer:
        """Return no member, but one that asks: the library's admin client crashes at that."""
        group = {
            "group.id": f"{self._app_id}-{stage}",
            "enable.auto.commit": False,
            # Else it waits until no transaction is under way, and under load there always is one.
            "isolation.level": "read_uncommitted",
        }
        return Consumer({**client_settings(self._connection), **group})

    def _committed(self, stage: str, deadline: float) -> dict[Place, int]:
        kinds = {self._prefix + kind for kind in STAGES[stage]}
        asked = [one for one in self._places if one.topic in kinds]
        group = self._groups[stage]
        found = again(lambda: group.committed(asked, _ASK_SECONDS), deadline)
        return {(one.topic.removeprefix(self._prefix), one.partition): one.offset for one in found}


def lag(
    connection: KafkaConnection, topics: Topics, partitions: int, app_id: str
) -> dict[str, int]:
    """Return how many records each stage has not handled, at this moment."""
    with closing(Watch(connection, topics, partitions, app_id)) as watch:
        return watch.lag(watch.look())


def _span(unread: list[End]) -> int:
    return sum(end.high - end.start for end in unread)
