"""Marks under restoration: whatever ends it early, the database can be opened again."""

import asyncio
from pathlib import Path
from typing import Any, Self

import pytest
from aiokafka import TopicPartition

from streams import restore
from streams.marks import MemoryMarks, Position, RocksMarks
from tests.records import record

CHANGELOG = TopicPartition("seismic.dedup", 3)


class Reader:
    """Stands for the changelog's consumer."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    def assign(self, _: object) -> None: ...

    def seek(self, *_: object) -> None: ...


class Log(Reader):
    """A changelog of so many marks, which are handed out one by one."""

    def __init__(self, marks: int) -> None:
        self.marks, self.read = marks, 0

    async def position(self, _: TopicPartition) -> int:
        return self.read

    async def getmany(self, changelog: TopicPartition, **_: Any) -> dict[TopicPartition, Any]:
        self.read += 1
        return {changelog: [record(b"", self.read - 1, key=b"%d" % self.read)]}


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


async def test_each_step_of_a_restoration_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a process that restores for minutes would be taken for one that is stuck."""

    async def end(*_: Any) -> int:
        return 10

    log = Log(10)
    monkeypatch.setattr(restore, "_high_watermark", end)
    monkeypatch.setattr(restore, "_reader", lambda *_, **__: log)
    seen: list[int] = []
    await restore.restored(
        {}, CHANGELOG, Position(0, 0), lambda _: MemoryMarks(), lambda: seen.append(log.read)
    )
    assert seen == list(range(10))


async def test_a_cancelled_restoration_lets_the_database_go(
    reading: asyncio.Event, tmp_path: Path
) -> None:
    """Else the same process could not take the partition over again: RocksDB locks its folder."""

    def opened(limit: Position) -> RocksMarks:
        return RocksMarks.opened_not_ahead_of(tmp_path, limit)

    task = asyncio.create_task(restore.restored({}, CHANGELOG, Position(0, 0), opened))
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
        await restore.restored({}, CHANGELOG, Position(0, 0), lambda _: RocksMarks(tmp_path))
    RocksMarks(tmp_path).close()
    assert failed
    assert not reading.is_set()


async def test_it_is_read_at_least_to_where_the_takeover_has_written(
    reading: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that leads no more may not know of the newest marks, nor that it is none."""
    ends: list[int] = []

    async def read_until(end: int, *_: Any) -> int:
        ends.append(end)
        return 0

    monkeypatch.setattr(restore, "_read_until", read_until)
    limits: list[Position] = []

    def opened(limit: Position) -> MemoryMarks:
        limits.append(limit)
        return MemoryMarks()

    await restore.restored({}, CHANGELOG, Position(17, 3), opened)
    await restore.restored({}, CHANGELOG, Position(7, 3), opened)
    assert ends == [17, 10], "or to the high watermark, which is 10 here"
    assert limits == [Position(17, 3), Position(10, 3)]
    assert not reading.is_set()
