"""Bring a copy of the marks up to the changelog, before the first record is handled.

Runs after the predecessor is fenced and its transactions are ruled out, so nothing can be appended
to this changelog partition any more but by us. Reads committed records up to the high watermark;
if an undecided transaction still stood in between, the reader would not get there: then the
process ends and the next one tries again, because a mark that is missed is a duplicate later.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams import metrics
from streams.marks import Marks, Position
from streams.stop import stop

STALL_SECONDS = 60.0
"""Longest time without progress; not a limit on the whole, which may be millions of marks."""

_FETCH_BYTES = 4 * 1024 * 1024
_POLL_MS = 200

log = structlog.get_logger(__name__)


async def restored(
    client: dict[str, Any],
    changelog: TopicPartition,
    least: Position,
    open_marks: Callable[[Position], Marks],
    moved: Callable[[], None] = lambda: None,
) -> Marks:
    """Return marks that hold all of the changelog partition.

    Args:
        client: arguments of every aiokafka client.
        changelog: the partition of the changelog.
        least: how far the changelog reaches at the least, whatever a broker says that has not
            noticed yet that it leads no more; and the source's offset the group has committed.
        open_marks: opens the copy, which must not reach further than the position given to it.
        moved: called whenever there is progress.

    Raises:
        TimeoutError: no progress for `STALL_SECONDS`.
        KafkaError: the changelog cannot be read.
    """
    started = time.monotonic()
    end = max(least.changelog, await _high_watermark(client, changelog))
    marks = open_marks(Position(end, least.source))
    try:
        async with _reader(client, isolation_level="read_committed") as consumer:
            consumer.assign([changelog])
            consumer.seek(changelog, marks.position().changelog)
            count = await _read_until(end, consumer, changelog, marks, moved)
    except BaseException:
        # Cancelled by a rebalance, above all: RocksDB refuses its folder to the next takeover
        # for as long as this copy is open.
        marks.close()
        raise
    elapsed = time.monotonic() - started
    metrics.MARKS_RESTORED.inc(count)
    metrics.RESTORE_SECONDS.observe(elapsed)
    log.info("marks_restored", partition=changelog.partition, marks=count, seconds=elapsed)
    return marks


@asynccontextmanager
async def _reader(client: dict[str, Any], isolation_level: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Not `async with` the consumer itself: that leaves a start that is cancelled open."""
    consumer = AIOKafkaConsumer(
        **client,
        isolation_level=isolation_level,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_FETCH_BYTES,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await stop(consumer)


async def _high_watermark(client: dict[str, Any], changelog: TopicPartition) -> int:
    """Ask for the end of the log itself, undecided transactions included."""
    async with (
        _reader(client, isolation_level="read_uncommitted") as reader,
        asyncio.timeout(STALL_SECONDS),
    ):
        ends: dict[TopicPartition, int] = await reader.end_offsets([changelog])
    return ends[changelog]


async def _read_until(
    end: int,
    consumer: AIOKafkaConsumer,
    changelog: TopicPartition,
    marks: Marks,
    moved: Callable[[], None],
) -> int:
    """Read to `end` by position, not by record: the last entries may be transaction markers."""
    restored = 0
    reached = -1
    source = marks.position().source
    deadline = time.monotonic() + STALL_SECONDS
    while (position := await consumer.position(changelog)) < end:
        if position > reached:
            reached, deadline = position, time.monotonic() + STALL_SECONDS
            moved()
        elif time.monotonic() > deadline:
            raise TimeoutError(f"{changelog} stands at {position}, short of its end {end}")
        fetched = await consumer.getmany(changelog, timeout_ms=_POLL_MS)
        records = fetched.get(changelog, [])
        if records:
            marks.add((record.key for record in records), Position(records[-1].offset + 1, source))
            restored += len(records)
    return restored
