"""The local Kafka keeps what was stored, whatever happens to its processes."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from ops.kafka.cluster import LocalKafka
from ops.kafka.errors import BrokerDied, FolderInUse
from tests.kafka_fixture import OwnKafka, RunningKafka

TOPIC = "kept"
PARENT = """
import asyncio, pathlib, sys
from ops.kafka.cluster import LocalKafka
async def main():
    kafka = LocalKafka(pathlib.Path(sys.argv[1]))
    await kafka.start()
    if sys.argv[2:] == ["unguarded"]:
        kafka._nodes[1]._guard.kill()
    print(kafka.pid(1), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def create(bootstrap_servers: str, topic: str, copies: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    answer = await admin.create_topics([NewTopic(topic, 1, copies)])
    await admin.close()
    [(_, code, detail)] = answer.topic_errors
    if code:
        raise for_code(code)(detail)


async def store(bootstrap_servers: str, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def stored(bootstrap_servers: str, topic: str) -> list[bytes]:
    # Not seek_to_beginning: a reset to the default position that is under way can undo it.
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        return [(await consumer.getone()).value for _ in range(end)]
    finally:
        await consumer.stop()


async def in_effect(bootstrap_servers: str, topic: str, setting: str) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        asked = ConfigResource(ConfigResourceType.TOPIC, topic, {setting: None})
        [answer] = await admin.describe_configs([asked])
        return str(answer.resources[0][4][0][1])
    finally:
        await admin.close()


async def eventually(condition: Callable[[], bool], deadline_s: float = 10) -> bool:
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if condition():
            return True
        await asyncio.sleep(0.02)
    return False


def runs(pid: int) -> bool:
    """Whether the process lives; a zombie that its new parent has not reaped yet does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def brokers_of(folder: Path) -> list[int]:
    """The process ids of everything on this machine that was started for `folder`."""
    processes = psutil.process_iter(["pid", "cmdline"])
    return [p.pid for p in processes if str(folder) in " ".join(p.info["cmdline"] or ())]


async def test_a_started_kafka_stores_a_record_and_gives_it_back(kafka: RunningKafka) -> None:
    topic = f"readiness-{os.getpid()}"
    await create(kafka.bootstrap_servers, topic)
    await store(kafka.bootstrap_servers, topic, b"a wave")
    assert await stored(kafka.bootstrap_servers, topic) == [b"a wave"]


async def test_a_topic_that_nobody_created_is_refused(own_kafka: OwnKafka) -> None:
    local = await own_kafka(1)
    producer = AIOKafkaProducer(bootstrap_servers=local.bootstrap_servers, request_timeout_ms=500)
    await producer.start()
    with pytest.raises(Exception, match=r"UnknownTopicOrPartition|misspelt"):
        await producer.send_and_wait("misspelt", b"a wave")
    await producer.stop()


async def test_a_second_start_keeps_addresses_and_data(own_kafka: OwnKafka) -> None:
    local = await own_kafka(1)
    address = local.bootstrap_servers
    await create(address, TOPIC)
    await store(address, TOPIC, b"before the stop")
    await local.stop()
    again = LocalKafka(local.state_dir)
    await again.start()
    try:
        assert again.bootstrap_servers == address
        assert await stored(address, TOPIC) == [b"before the stop"]
    finally:
        await again.stop()


async def test_a_record_survives_kill_9_and_restart(own_kafka: OwnKafka) -> None:
    local = await own_kafka(1)
    await create(local.bootstrap_servers, TOPIC)
    await store(local.bootstrap_servers, TOPIC, b"before the kill")
    local.kill(1)
    with pytest.raises(BrokerDied, match="restart it"):
        local.pid(1)
    await local.restart(1)
    assert await stored(local.bootstrap_servers, TOPIC) == [b"before the kill"]


async def test_three_brokers_store_and_answer_while_one_is_dead(own_kafka: OwnKafka) -> None:
    local = await own_kafka(3)
    address = local.bootstrap_servers
    await create(address, TOPIC, copies=3)
    assert await in_effect(address, TOPIC, "min.insync.replicas") == "2"
    await store(address, TOPIC, b"with three")
    local.kill(1)
    await store(address, TOPIC, b"with two")
    await local.restart(1)
    local.kill(2)
    assert await stored(address, TOPIC) == [b"with three", b"with two"]


async def test_a_paused_broker_answers_again_after_it_is_resumed(own_kafka: OwnKafka) -> None:
    local = await own_kafka(1)
    await create(local.bootstrap_servers, TOPIC)
    local.pause(1)
    late = asyncio.create_task(store(local.bootstrap_servers, TOPIC, b"late"))
    broker = psutil.Process(local.pid(1))
    assert await eventually(lambda: broker.status() == psutil.STATUS_STOPPED)
    assert not late.done()
    local.resume(1)
    await late
    assert await stored(local.bootstrap_servers, TOPIC) == [b"late"]


async def test_nothing_runs_after_a_stop_even_if_a_broker_was_paused(own_kafka: OwnKafka) -> None:
    local = await own_kafka(1)
    pid = local.pid(1)
    assert brokers_of(local.state_dir) == [pid]
    local.pause(1)
    await local.stop()
    assert not runs(pid)
    assert brokers_of(local.state_dir) == []


async def test_a_state_folder_in_use_is_refused(own_kafka: OwnKafka) -> None:
    local = await own_kafka(1)
    with pytest.raises(FolderInUse, match="another process"):
        await LocalKafka(local.state_dir).start()
    assert local.pid(1)


async def test_a_state_folder_of_another_size_is_refused(own_kafka: OwnKafka) -> None:
    local = await own_kafka(1)
    await local.stop()
    with pytest.raises(FolderInUse, match=r"1 broker\(s\), not of 3"):
        await LocalKafka(local.state_dir, 3).start()


async def test_a_broker_that_dies_at_its_start_shows_its_last_words(own_kafka: OwnKafka) -> None:
    local = await own_kafka(1)
    await local.stop()
    (local.state_dir / "broker-1" / "data" / "meta.properties").write_text("version=none\n")
    with pytest.raises(BrokerDied, match=r"broker-1/broker\.log:\n(?s:.*)version"):
        await local.start()
    assert brokers_of(local.state_dir) == []


@pytest.mark.usefixtures("own_kafka")
async def test_brokers_die_with_their_parent(tmp_path: Path) -> None:
    parent, pid = _parent(tmp_path)
    parent.kill()
    parent.communicate()
    assert await eventually(lambda: not runs(pid))


@pytest.mark.usefixtures("own_kafka")
async def test_a_broker_that_outlived_its_parent_is_replaced(tmp_path: Path) -> None:
    parent, leftover = _parent(tmp_path, "unguarded")
    parent.kill()
    parent.communicate()
    assert runs(leftover)
    said: list[str] = []
    local = LocalKafka(tmp_path)
    await local.start(said.append)
    try:
        assert f"ended broker 1 (process {leftover}), left over from an earlier run" in said
        assert brokers_of(tmp_path) == [local.pid(1)] != [leftover]
    finally:
        await local.stop()


def _parent(state_dir: Path, *how: str) -> tuple[subprocess.Popen[str], int]:
    command = [sys.executable, "-c", PARENT, str(state_dir), *how]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    return parent, int(parent.stdout.readline())


async def test_ctrl_c_in_the_terminal_does_not_reach_the_brokers(own_kafka: OwnKafka) -> None:
    local = await own_kafka(1)
    assert os.getsid(local.pid(1)) != os.getsid(0)
    assert os.getpgid(local.pid(1)) != os.getpgid(0)
