"""Ready means: a record was stored by the brokers and read back, not that a port is open."""

import asyncio
import time
import uuid
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from ops.kafka.errors import NotReady

PROBE = "__geophone_probe"
PROBE_CONFIG = {"retention.ms": "3600000", "segment.bytes": "1048576"}
PARTITION = TopicPartition(PROBE, 0)
REQUEST_MS = 3000
POLL_S = 0.05


async def until_ready(
    addresses: dict[int, str], copies: int, deadline_s: float, check: Callable[[], None]
) -> list[float]:
    """Returns once the brokers at `addresses` (by number) all stored a record and gave it back.

    Returns the moments (monotonic) at which they took connections, the first one's first: what a
    broker does before that, above all reading its logs again, is up to it alone.

    `check` is called all along and ends the wait by raising. The topic of the probe gets `copies`
    replicas when it is new. Raises NotReady after `deadline_s`.
    """
    probing = asyncio.create_task(_until_stored(addresses, copies, deadline_s))
    try:
        while not probing.done():
            check()
            await asyncio.wait({probing}, timeout=POLL_S)
        return await probing
    finally:
        probing.cancel()


async def _until_stored(addresses: dict[int, str], copies: int, deadline_s: float) -> list[float]:
    failure: Exception | None = None
    try:
        async with asyncio.timeout(deadline_s):
            opening = (_until_open(*address.split(":")) for address in addresses.values())
            opened = sorted(await asyncio.gather(*opening))
            while True:
                failure = await _attempt(addresses, copies)
                if failure is None:
                    return opened
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        where = ",".join(addresses.values())
        raise NotReady(
            f"no record went through {where} within {deadline_s:g} s ({failure!r}). A machine "
            "under heavy load may only need more time; else see broker.log in the state folder."
        ) from failure


async def _until_open(host: str, port: str) -> float:
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(POLL_S)
        else:
            writer.close()
            return time.monotonic()


async def _attempt(addresses: dict[int, str], copies: int) -> Exception | None:
    try:
        async with AsyncExitStack() as opened:
            await _round_trip(opened, ",".join(addresses.values()), addresses.keys(), copies)
    except (KafkaError, TimeoutError, OSError) as error:
        return error
    return None


async def _round_trip(
    opened: AsyncExitStack, bootstrap: str, brokers: AbstractSet[int], copies: int
) -> None:
    client = {"bootstrap_servers": bootstrap, "request_timeout_ms": REQUEST_MS}
    admin = AIOKafkaAdminClient(**client)
    opened.push_async_callback(admin.close)
    await admin.start()
    await _create(admin, copies)
    await _expect_in_sync(admin, brokers)

    producer = AIOKafkaProducer(**client, acks="all")
    opened.push_async_callback(producer.stop)
    await producer.start()
    sent = uuid.uuid4().bytes
    stored = await producer.send_and_wait(PROBE, sent, partition=0)

    consumer = AIOKafkaConsumer(**client)
    opened.push_async_callback(consumer.stop)
    await consumer.start()
    consumer.assign([PARTITION])
    consumer.seek(PARTITION, stored.offset)
    read = await asyncio.wait_for(consumer.getone(), REQUEST_MS / 1000)
    if read.value != sent:
        raise KafkaError(f"{PROBE} gave back another record at offset {stored.offset}")


async def _create(admin: AIOKafkaAdminClient, copies: int) -> None:
    topic = NewTopic(PROBE, 1, copies, topic_configs=PROBE_CONFIG)
    answer = await admin.create_topics([topic])
    for _, code, detail in answer.topic_errors:
        if code not in {0, TopicAlreadyExistsError.errno}:
            raise for_code(code)(detail)


async def _expect_in_sync(admin: AIOKafkaAdminClient, brokers: AbstractSet[int]) -> None:
    [topic] = await admin.describe_topics([PROBE])
    in_sync = {number for partition in topic["partitions"] for number in partition["isr"]}
    if missing := brokers - in_sync:
        raise KafkaError(f"not in sync yet: broker {sorted(missing)}")
