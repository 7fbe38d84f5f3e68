"""The handler of dedup while it takes over: a restore that moves is progress."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any

from schemas.topics import Topics
from streams.dedup_stage import DedupHandler
from streams.marks import Marks, MemoryMarks
from streams.standing import Standing

TOPICS = Topics()


class Producer:
    """Stands for the producer: the touch of the changelog is at 41, the group has committed 7."""

    async def start(self, *_: object) -> Standing:
        return Standing({TOPICS.dedup.name: 42}, 7)


async def test_a_restore_that_moves_is_progress() -> None:
    asked: list[tuple[int, int]] = []
    may_move = asyncio.Event()

    async def restored(committed: int, end: int, moved: Callable[[], None]) -> Marks:
        asked.append((committed, end))
        await may_move.wait()
        moved()
        return MemoryMarks()

    async def first(committed: int | None) -> int:
        return committed or 0

    producer: Any = Producer()
    handler = DedupHandler(producer, TOPICS, "legacy", restored)
    opening = asyncio.create_task(handler.open(first))
    assert handler.opening_at() == -math.inf
    before = time.monotonic()
    may_move.set()
    assert await opening == 7
    assert asked == [(7, 42)]
    assert before <= handler.opening_at() <= time.monotonic()
