"""The dedup stage as a process on a real broker."""

import asyncio
import socket
import time
from collections import Counter
from contextlib import closing
from itertools import islice
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ops.child import ChildFailed
from schemas import envelope
from schemas.reasons import Malformed
from schemas.topics import MAX_MESSAGE_BYTES
from streams.exit import ExitCode
from tests.admin_probe import Probe
from tests.books import balance
from tests.kafka_fixture import OwnKafka, RunningKafka
from tests.load import Load, bodies
from tests.streams_rig import Rig, event, eventually, header, rig

SAMPLES = Path(__file__).parents[1] / "data" / "seismic"
BACKLOG = 60_000
"""Records: more than a second of work, so that a worker can be caught in the middle of it."""


async def test_events_are_split_by_type_and_duplicates_dropped(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path) as r:
        first = event("tenant-a", "1")
        other = event("tenant-a", "2", "NeverHeardOfV9")
        poison = b"{not json"
        await r.produce([("tenant-a", b) for b in (first, first, other, poison, first, other)])
        worker = r.worker("w1")
        await r.until_idle()
        left = {path.name for path in worker.folder.iterdir()}
        assert left == {"log", "ready.json", "state"}, "it needs no other place to write to"

        updated, unknown, quarantine = [
            await r.read(topic.name)
            for topic in (
                r.topics.events["LivesendUpdatedV1"],
                r.topics.events["Other"],
                r.topics.quarantine,
            )
        ]
        assert [record.value for record in updated] == [first]
        assert [record.value for record in unknown] == [other]
        assert [record.value for record in quarantine] == [poison]
        assert updated[0].key == b"tenant-a"
        assert header(updated[0], "ce_type") == "com.seismic.LivesendUpdatedV1"
        assert header(unknown[0], "ce_type") == "com.seismic.NeverHeardOfV9"
        assert header(quarantine[0], "geophone-reason") == "not-json"
        assert header(quarantine[0], "geophone-source-topic") == r.topics.raw.name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
ODD = (
    b"\xef\xbb\xbf{}",
    b'{"id": "1", "id": "2", "tenantId": "t", "version": "UserCreatedV1"}',
    b' \n{ "id" : "spaced", "tenantId" : "t", "version" : "UserCreatedV1" }\r\n',
    b'{"Id":"P","TenantId":"t","Version":"ReadinessArchivalEventV1","Data":{}}',
    b'{"id":"1e400","tenantId":"t","version":"v","data":{"n":1e400,"m":1.0,"k":10000000000000000001}}',
    b'{"id":"\\u0000","tenantId":"t","version":"v"}',
    b'{"id":"\\ud83d\\ude00","tenantId":"\\u00e9","version":"\\u00fc"}',
    b"[" * 3000 + b"]" * 3000,
    b"null",
    b"\x00" * 1000,
    b'{"interactionId":"i","recipients":[' + b'{"email":"a@x"},' * 60_000 + b'{"email":"b@x"}]}',
)


def made_bodies(number: int) -> list[bytes]:
    """Return bodies of every kind that hypothesis thinks of."""
    made: list[bytes] = []
    kinds = st.sampled_from(["UserCreatedV1", "email-v3", "EMAIL", "NeverHeardOfV9", ""])
    names = st.text(max_size=12)
    strategy = st.binary(max_size=300) | st.builds(event, names, names, kinds, deep=JSON)

    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(body: bytes) -> None:
        made.append(body)

    collect()
    return made


def tenant_of(body: bytes) -> str | None:
    """Return the key that the ingress would give these bytes."""
    try:
        return envelope.read(body, legacy_tenant="legacy").tenant_id
    except Malformed:
        return None


async def test_whatever_the_bytes_they_come_out_as_they_went_in(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    samples = [file.read_bytes() for file in sorted(SAMPLES.rglob("*.json"))]
    bodies = [*made_bodies(400), *ODD, *samples]
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        worker = r.worker("w1")
        await r.produce([(tenant_of(body), body) for body in bodies])
        await r.until_idle()
        raw = await r.read(r.topics.raw.name)
        events, quarantine = await r.events(), await r.read(r.topics.quarantine.name)
        balance(raw, events, quarantine)
        assert Counter(record.value for record in raw) == Counter(bodies)
        assert len(quarantine) > 50 < len(events)
        assert worker.exits == []


async def test_the_largest_body_the_ingress_takes_gets_through(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        worker = r.worker("w1")
        room = 1024 * 1024 - len(event("tenant-a", "1", fill=""))
        large = event("tenant-a", "1", fill="x" * room)
        poison = b"{" * (1024 * 1024)
        producer = AIOKafkaProducer(
            bootstrap_servers=r.bootstrap, max_request_size=MAX_MESSAGE_BYTES
        )
        async with producer:
            await r.send(producer, [("tenant-a", body) for body in (large, poison, large)])
        await r.until_idle()
        assert [record.value for record in await r.events()] == [large]
        assert [record.value for record in await r.read(r.topics.quarantine.name)] == [poison]
        assert worker.exits == []


async def test_stops_and_starts_under_load_lose_nothing_and_are_no_failures(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path) as r:
        stayer = r.worker("stayer")
        load = Load(r)
        codes, times = [], []
        for number in range(4):
            passer = r.worker(f"passer-{number}")
            probe = Probe(passer)

            async def ready(asked: Probe = probe) -> bool:
                return await asked.readyz() == 200

            await eventually(ready, "the passer to be ready", pause=0.05)
            started = time.monotonic()
            codes.append(await passer.stop(30))
            times.append(time.monotonic() - started)
        await load.stop()
        await r.until_idle()
        assert codes == [0] * 4, (r.folder / "passer-0" / "log").read_text()[-3000:]
        assert max(times) < 10
        assert stayer.exits == []
        raw = await r.read(r.topics.raw.name)
        balance(raw, await r.events(), await r.read(r.topics.quarantine.name))


async def test_topics_that_are_missing_are_named_with_what_to_do(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        worker = r.worker("w1", topic_prefix="nowhere.")
        with pytest.raises(ChildFailed) as failed:
            await worker.announced(30)
        assert worker.exits == [ExitCode.CONFIG]
        said = str(failed.value)
        assert "topic nowhere.raw is missing" in said
        assert "geophone topics apply" in said
        assert "GEOPHONE_TOPIC_MODE" in said
        assert "Traceback" not in said


async def test_topics_with_one_copy_are_warned_of(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        worker = r.worker("w1")
        await worker.announced(30)
        [warning] = [
            line
            for line in map(orjson.loads, worker.log.read_bytes().splitlines())
            if line["event"] == "replication_factor_one"
        ]
        assert warning["level"] == "warning"
        assert r.topics.raw.name in warning["topics"]
        assert r.topics.dedup.name in warning["topics"]
        assert "answered 2xx" in warning["not_promised"]


async def test_a_wrong_partition_count_is_refused(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        worker = r.worker("w1", topic_partitions="3")
        with pytest.raises(ChildFailed, match="has 2 partitions, not 3"):
            await worker.announced(30)
        assert worker.exits == [ExitCode.CONFIG]


async def test_missing_topics_are_created_where_the_setting_says_so(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        prefix = f"{r.app_id}-created."
        create = {"topic_prefix": prefix, "topic_mode": "create", "topic_replication": "1"}
        worker = r.worker("w1", **create)
        probe = Probe(worker)

        async def ready() -> bool:
            return await probe.readyz() == 200

        await eventually(ready, "the worker to own its partition")
        assert worker.exits == []


async def test_an_occupied_admin_port_is_named(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        with closing(socket.create_server(("127.0.0.1", 0))) as taken:
            worker = r.worker("w1", admin_port=str(taken.getsockname()[1]))
            await eventually(lambda: worker.exits, "the worker to give up", 30)
        assert worker.exits[0] == ExitCode.FAILED
        assert "GEOPHONE_ADMIN_PORT" in worker.log.read_text()


async def test_ready_comes_after_every_partition_is_taken_over(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path) as r:
        probe = Probe(r.worker("w1"))
        seen: list[tuple[int, float]] = []

        async def ready() -> bool:
            owned = await probe.metric("geophone_streams_partitions", stage="dedup")
            seen.append((await probe.readyz(), owned))
            return seen[-1][0] == 200

        await eventually(ready, "the worker to be ready", pause=0.01)
        assert seen[0] == (503, 0), "not ready before it owns anything"
        assert await probe.metric("geophone_streams_partitions", stage="dedup") == 4
        assert await probe.livez() == 200


async def test_what_is_counted_is_what_happened(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        probe = Probe(r.worker("w1"))
        bodies = [event("tenant-a", "1"), event("tenant-a", "1"), event("tenant-a", "2"), b"{"]
        await r.produce([("tenant-a", body) for body in bodies])
        await r.until_idle()
        streams = "geophone_streams_"

        async def all_counted() -> bool:
            return await probe.metric(f"{streams}records_total", stage="dedup") == 4

        await eventually(all_counted, "the records to be counted", 10)
        assert await probe.metric(f"{streams}duplicates_total") == 1
        assert await probe.metric(f"{streams}quarantined_total", reason="not-json") == 1
        topic = r.topics.events["LivesendUpdatedV1"].name
        assert await probe.metric(f"{streams}written_total", topic=topic) == 2
        assert await probe.metric(f"{streams}transaction_seconds_count", stage="dedup") >= 1
        assert await probe.metric(f"{streams}takeover_seconds_count", stage="dedup") == 2


async def test_an_offset_that_is_not_the_next_ends_the_process(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    """Nobody may write the raw topic in transactions: their markers look like lost records."""
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        worker = r.worker("w1")
        producer = AIOKafkaProducer(bootstrap_servers=r.bootstrap, transactional_id="intruder")
        async with producer, producer.transaction():
            await producer.send_and_wait(r.topics.raw.name, event("t", "1"), partition=0)
        await r.produce([("t", event("t", "2"))])
        await eventually(lambda: worker.exits, "the guard to end the process")
        assert worker.exits[0] == ExitCode.GAP


async def test_a_silent_broker_is_seen_and_does_not_hold_up_the_end(
    own_kafka: OwnKafka, tmp_path: Path
) -> None:
    """Paused is worse than killed: connections stay open and every step waits its time out."""
    kafka = await own_kafka(1)
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        await r.produce(islice(bodies(1), BACKLOG))
        worker = r.worker("w1", stalled_seconds="2")
        probe = Probe(worker)

        async def behind() -> bool:
            return await probe.metric("geophone_streams_lag_records", stage="dedup") > BACKLOG / 2

        # A worker that has caught up has no work that could stand still.
        await eventually(behind, "the worker to see its backlog", pause=0.01)
        assert await probe.livez() == 200
        kafka.pause(1)
        try:

            async def dead() -> bool:
                return await probe.livez() == 503

            await eventually(dead, "/livez to fail while there is work and nothing moves", 30)
            started = time.monotonic()
            code = await worker.stop(40)
            seconds = time.monotonic() - started
        finally:
            kafka.resume(1)
            await eventually(lambda: has_controller(r), "the broker to be itself again")
        assert seconds < 20
        assert code == ExitCode.FAILED


async def test_an_idle_worker_is_alive(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        worker = r.worker("w1", stalled_seconds="1")
        await r.produce([("tenant-a", event("tenant-a", "1"))])
        await r.until_idle()
        probe = Probe(worker)
        for _ in range(6):
            assert await probe.livez() == 200, await probe.json("/livez")
            await asyncio.sleep(0.5)


async def has_controller(r: Rig) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=r.bootstrap)
    await admin.start()
    try:
        return bool((await admin.describe_cluster())["controller_id"] > 0)
    finally:
        await admin.close()
