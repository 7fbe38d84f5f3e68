"""Marks under restoration: whatever ends it early, the database can be opened again."""

import asyncio
from pathlib import Path
from typing import Any, Self

import pytest
from aiokafka import TopicPartition

from streams import restore
from streams.marks import Position, RocksMarks

CHANGELOG = TopicPartition("seismic.dedup", 3)


class Reader:
    """Stands for the changelog's consumer."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    def assign(self, _: object) -> None: ...

    def seek(self, *_: object) -> None: ...


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set once the changelog is being read, which never comes to an end."""
    started = asyncio.Event()

    async def end(*_: Any) -> int:
        return 10

    async def endless(*_: Any) -> int:
        started.set()
        await asyncio.Event().wait()
        return 0

    monkeypatch.setattr(restore, "_high_watermark", end)
    monkeypatch.setattr(restore, "_reader", lambda *_, **__: Reader())
    monkeypatch.setattr(restore, "_read_until", endless)
    return started


async def test_a_cancelled_restoration_lets_the_database_go(
    reading: asyncio.Event, tmp_path: Path
) -> None:
    """Else the same process could not take the partition over again: RocksDB locks its folder."""

    def opened(limit: Position) -> RocksMarks:
        return RocksMarks.opened_not_ahead_of(tmp_path, limit)

    task = asyncio.create_task(restore.restored({}, CHANGELOG, 0, opened))
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await task
    RocksMarks(tmp_path).close()
    assert cancelled, "the error, and with it the frames, is still held here"


async def test_a_failed_restoration_lets_the_database_go(
    reading: asyncio.Event, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def failing(*_: Any) -> int:
        raise TimeoutError

    monkeypatch.setattr(restore, "_read_until", failing)
    with pytest.raises(TimeoutError) as failed:
        await restore.restored({}, CHANGELOG, 0, lambda _: RocksMarks(tmp_path))
    RocksMarks(tmp_path).close()
    assert failed
    assert not reading.is_set()
