"""The proof's live reader: a process that reads on, whatever happens to the broker."""

import asyncio
import signal
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from ops.prove.history import Seen, digest
from ops.prove.readers import journal
from tests.kafka_fixture import OwnKafka, RunningKafka
from tests.readers_rig import bodies, live, put, read, transactional
from tests.streams_rig import rig


def digests(seen: list[Seen]) -> list[bytes]:
    return [one.record.digest for one in seen]


async def test_it_sees_from_now_on_what_is_committed(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        event = r.topics.events["UserCreatedV1"].name
        async with transactional(r, "a") as one:
            async with one.transaction():
                await put(one, event, bodies("before"))
            async with live(r, tmp_path) as reader:
                for word in ("first", "second"):
                    async with one.transaction():
                        await put(one, event, bodies(word), partition=1)
                    await one.begin_transaction()
                    await put(one, event, bodies("aborted"), partition=1)
                    await one.abort_transaction()
                seen = await reader.stop()
        kept = [*bodies("first"), *bodies("second")]
        assert digests(seen) == [digest(body) for body in kept]
        assert {(one.record.kind, one.record.key) for one in seen} == {
            ("event.UserCreatedV1", b"key")
        }
        assert all(a.at <= b.at and a.poll <= b.poll for a, b in pairwise(seen))


async def test_it_reads_everything_if_told_so(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        async with r.producer() as plain:
            await put(plain, r.topics.raw.name, bodies("raw"))
        async with live(r, tmp_path, start="beginning") as reader:
            seen = await reader.stop()
        assert digests(seen) == [digest(body) for body in bodies("raw")]


async def test_it_does_not_show_what_is_undecided(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        event = r.topics.events["UserCreatedV1"].name
        async with transactional(r, "a") as one, live(r, tmp_path) as reader:
            await one.begin_transaction()
            await put(one, event, bodies("open"))
            seen = await reader.stop()
            await one.abort_transaction()
        assert seen == []


async def test_it_reads_on_after_the_broker_was_killed(own_kafka: OwnKafka, tmp_path: Path) -> None:
    cluster = await own_kafka(1)
    async with rig(cluster.bootstrap_servers, tmp_path, partitions=2) as r:
        async with live(r, tmp_path) as reader:
            for number in range(2):
                async with r.producer() as plain:
                    await put(plain, r.topics.raw.name, bodies(f"{number}", 20), number % 2)
                await reader.until_has(20 * number + 20)
                if not number:
                    cluster.kill(1)
                    await asyncio.sleep(3)  # long enough for the reader to notice
                    await cluster.restart(1)
            seen = await reader.stop()
        final = await asyncio.to_thread(read, r)
        assert sorted((one.record.partition, one.record.offset) for one in seen) == [
            (one.partition, one.offset) for one in final.raw
        ]
        assert len(seen) == 40


async def test_a_reader_that_was_killed_leaves_a_file_that_is_known_to_be_cut_off(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        async with live(r, tmp_path) as reader:
            async with r.producer() as plain:
                await put(plain, r.topics.raw.name, bodies("raw"))
            await reader.until_has(3)
            reader.process.send_signal(signal.SIGKILL)
            await reader.process.wait()
        with pytest.raises(journal.Truncated, match="no last line"):
            journal.read(reader.file)


async def test_it_fails_if_it_cannot_write(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        (tmp_path / "live.jsonl").touch()
        with pytest.raises(orjson.JSONDecodeError):  # it ends before it has said that it is ready
            await live(r, tmp_path).__aenter__()
