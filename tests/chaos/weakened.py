"""The streams with one of their defences taken away: tests start this instead of `streams`.

Variables: `GEOPHONE_WEAKENED_TRANSACTION_MS`, the transaction time-out; a short one is over when a
killed broker is back. `GEOPHONE_WEAKENED_HOLD_SECONDS`: each transaction stays open for so long
before its commit, so that a kill finds it open. `GEOPHONE_WEAKENED_CLEANSING=off`: a takeover
fences, rules nothing out, and restores what readers see now. (Restoring up to the high watermark,
it would wait for an orphan in the changelog for ever: the partition would stand still.)
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiokafka import TopicPartition

from schemas import catalogue, topics
from streams import __main__, restore, transaction
from streams.standing import Standing
from streams.transaction import STEP_SECONDS, TransactionalProducer
from tests.load import KINDS

FEW = tuple(row for row in catalogue.CATALOGUE if row.name in KINDS)
"""A catalogue as small as the load: a killed broker with 40 partitions is back sooner than with
280, and comes back very often."""

_settled = TransactionalProducer._settled


def weaken() -> None:
    """Do what the environment says."""
    topics.CATALOGUE = FEW  # type: ignore[attr-defined]
    transaction.TRANSACTION_TIMEOUT_MS = int(os.environ["GEOPHONE_WEAKENED_TRANSACTION_MS"])
    TransactionalProducer._settled = _held  # type: ignore[method-assign, assignment]
    if os.environ["GEOPHONE_WEAKENED_CLEANSING"] == "off":
        restore._high_watermark = _stable_end
        TransactionalProducer.start = _fence_only  # type: ignore[method-assign, assignment]


async def _held(producer: TransactionalProducer, sent: Any) -> dict[str, int]:
    ends = await _settled(producer, sent)
    await asyncio.sleep(float(os.environ["GEOPHONE_WEAKENED_HOLD_SECONDS"]))
    return ends


async def _fence_only(
    producer: TransactionalProducer, own: Sequence[str], shared: Sequence[str] = ()
) -> Standing:
    async with asyncio.timeout(STEP_SECONDS):
        await producer._producer.start()
        await producer._producer.client.set_topics([*own, *shared])
        standing = await producer._standing([])
    return replace(standing, ends=dict.fromkeys(own, 0))


async def _stable_end(client: dict[str, Any], changelog: TopicPartition) -> int:
    async with restore._reader(client, isolation_level="read_committed") as reader:
        ends: dict[TopicPartition, int] = await reader.end_offsets([changelog])
    return ends[changelog]


if __name__ == "__main__":
    weaken()
    __main__.main()
