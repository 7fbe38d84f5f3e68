"""Keeps one good Kafka producer, from before Kafka is up until the process ends.

Trouble is: a batch refused for good (its producer is then of no use for that partition), a batch
that is in flight for too long, or silence. The cure is always the same: start a successor beside
it, and only when that one runs (so Kafka answers) hand over and end the old one. Lanes without
trouble go on with the old producer meanwhile. Nothing here ends the process.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from ingress import topics
from ingress.metrics import Metrics
from ingress.producer import Producer
from ingress.settings import Misconfigured, Settings
from ingress.sink import Cause, Unavailable
from schemas.topics import ONE_COPY, differences

log = structlog.get_logger(__name__)

PROBE_EVERY_SECONDS = 1.0
STALLED_SECONDS = 10.0
"""A batch in flight for so long will not come back while other requests are answered."""
SILENT_SECONDS = 10.0
"""Without any answer for so long, look for Kafka at its bootstrap addresses again: brokers may
have moved, and aiokafka keeps asking where they were."""
UNREADY_SECONDS = 5.0
"""Silence or failure for so long makes /readyz say no."""
GRACE_SECONDS = 3.0
"""What an old producer gets to finish its batches."""
FIRST_DELAY, LONGEST_DELAY = 0.1, 2.0

CONNECT_ERRORS = (KafkaError, OSError, TimeoutError, Misconfigured, RuntimeError)
"""RuntimeError is uvloop's word for a connection that was closed a moment ago."""


class Supervisor:
    """The producer of the moment; `stalled_since` says since when the oldest batch is in flight."""

    def __init__(
        self,
        settings: Settings,
        kafka: Callable[[], dict[str, Any]],
        metrics: Metrics,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._settings = settings
        self._kafka = kafka
        self._metrics = metrics
        self._tasks = tasks
        self._wanted = topics.written(settings.topics())
        self._partitions = None if settings.topic_mode == "off" else settings.topic_partitions
        self._loop = asyncio.get_running_loop()
        self._current: Producer | None = None
        self._changed = asyncio.Event()
        self._failed = asyncio.Event()
        self._complaint: str | None = None
        self._copies_looked_at = False
        self._delay = 0.0
        self._heard_at = self._acknowledged_at = self._failed_at = float("-inf")

    @property
    def partitions(self) -> int:
        """Partition count of every topic.

        Raises:
            Unavailable: it is not known yet, or the topics are not as the contract says.
        """
        if self._complaint:
            raise Unavailable(Cause.REFUSED, self._complaint)
        if self._partitions is None:
            raise Unavailable(Cause.REFUSED, "not connected to Kafka yet")
        return self._partitions

    def ready(self, avoid: Producer | None) -> Producer | None:
        """Return the newest producer; None while there is none, or it is the one to avoid.

        None as well while the topics are not as the contract says: a record may have been taken
        before that was known. Of a partition that aiokafka has not heard of it asks without a
        pause, and gives the batch up after a while, which costs the producer.
        """
        return None if self._complaint or self._current is avoid else self._current

    async def current(self, avoid: Producer | None) -> Producer:
        """Wait until a producer is ready, and return it."""
        while not (producer := self.ready(avoid)):
            await self._changed.wait()
        return producer

    def failed(self, producer: Producer, error: BaseException) -> None:
        """Replace a producer that had a batch refused for good."""
        self.unacknowledged()
        if producer is self._current:
            log.error("batch_refused", error=type(error).__name__, detail=str(error))
            self._failed.set()

    def acknowledged(self) -> None:
        """Note that a batch is safe."""
        self._acknowledged_at = self._heard_at = self._loop.time()

    def unacknowledged(self) -> None:
        """Note that records were not acknowledged in time, or refused."""
        self._failed_at = self._loop.time()

    def trouble(self) -> str | None:
        """Say in a few words why records would not be stored now, None if they would."""
        now = self._loop.time()
        if self._current is None:
            return "not connected to Kafka yet"
        if self._complaint:
            return self._complaint
        if now - self._heard_at > UNREADY_SECONDS:
            return "Kafka does not answer"
        if self._failed_at > self._acknowledged_at and now - self._failed_at < UNREADY_SECONDS:
            return "the last records were not acknowledged"
        return None

    async def run(self, stalled_since: Callable[[], float | None]) -> None:
        """Supervise for ever."""
        while True:
            producer = await self._successor()
            self._hand_over(producer)
            cause = await self._watch(producer, stalled_since)
            self._metrics.replaced(cause)
            log.warning("producer_replaced", cause=cause)

    async def end(self) -> None:
        """End the current producer; for when nothing is handed to it any more."""
        if self._current:
            await self._current.end(GRACE_SECONDS)

    async def _watch(self, producer: Producer, stalled_since: Callable[[], float | None]) -> str:
        """Return the cause for which the producer has to be replaced."""
        begun = self._loop.time()
        while not await _within(PROBE_EVERY_SECONDS, self._failed.wait()):
            if await producer.probe():
                self._heard_at = self._loop.time()
                await self._inspect(producer)
            if producer.broken:
                return "error"
            now = self._loop.time()
            if now - (stalled_since() or now) > STALLED_SECONDS:
                return "stalled"
            if now - max(self._heard_at, begun) > SILENT_SECONDS:
                return "silent"
            if now - begun > SILENT_SECONDS:
                self._delay = 0.0
        return "error"

    async def _successor(self) -> Producer:
        """Start a new producer, however often that takes."""
        while True:
            await asyncio.sleep(self._delay)
            self._delay = min(max(self._delay * 2, FIRST_DELAY), LONGEST_DELAY)
            try:
                # Read anew: a password may have been changed since.
                kafka = await asyncio.to_thread(self._kafka)
                producer = Producer(kafka, [topic.name for topic in self._wanted])
                await self._start(producer)
            except CONNECT_ERRORS as error:
                log.warning("kafka_unreachable", error=repr(error), retry_seconds=self._delay)
            else:
                return producer

    async def _start(self, producer: Producer) -> None:
        await producer.start()
        try:
            await self._inspect(producer)
        except BaseException:
            await producer.end(0)
            raise

    def _hand_over(self, successor: Producer) -> None:
        old, self._current = self._current, successor
        self._heard_at = self._loop.time()
        self._failed.clear()
        self._tell()
        if old:
            self._tasks.create_task(old.end(GRACE_SECONDS))

    def _tell(self) -> None:
        """Wake the lanes that wait for a producer."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _inspect(self, producer: Producer) -> None:
        """Compare the topics with the contract; a wrong partition count stops all writing."""
        existing = producer.existing()
        if self._settings.topic_mode == "create" and len(existing) < len(self._wanted):
            existing = await self._create(producer)
        if self._partitions is None and existing:
            self._partitions = next(iter(existing.values()))
        sentences = differences(self._wanted, existing, self._partitions or 0)
        self._complain("; ".join(sentences) or None)
        if not sentences:
            self._warn_of_single_copies(producer)

    async def _create(self, producer: Producer) -> dict[str, int]:
        try:
            await topics.create(
                self._wanted,
                await asyncio.to_thread(self._kafka),
                partitions=self._settings.topic_partitions,
                replication=self._settings.topic_replication,
            )
        except CONNECT_ERRORS as error:
            log.error("topics_not_created", error=str(error))  # noqa: TRY400 - the broker's words say it all
        await producer.probe()
        return producer.existing()

    def _warn_of_single_copies(self, producer: Producer) -> None:
        """Once, when the topics are first seen to be as they should."""
        single = [] if self._copies_looked_at else producer.single_copies()
        self._copies_looked_at = True
        if single:
            log.warning("replication_factor_one", topics=single, not_promised=ONE_COPY)

    def _complain(self, complaint: str | None) -> None:
        if complaint and complaint != self._complaint:
            log.error(
                "topics_differ",
                complaint=complaint,
                mend="run `geophone topics apply`, or correct GEOPHONE_TOPIC_PREFIX or "
                "GEOPHONE_TOPIC_PARTITIONS; until then every event is answered 503",
            )
        mended, self._complaint = self._complaint and not complaint, complaint
        if mended:
            self._tell()


async def _within(seconds: float, what: Awaitable[object]) -> bool:
    """Wait for something for so long; say whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await what
    except TimeoutError:
        return False
    return True
