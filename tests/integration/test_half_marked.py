"""A committed transaction of which a restarting broker wrote some markers and dropped others.

Crafted: the coordinator commits a transaction and is never told of one of its partitions. Today's
takeover aborts what is undecided; `tests.chaos.settling` ends it as the transaction ended.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from schemas import topics
from schemas.partitioner import partition_for
from streams.marks import mark_key
from tests.books import identity
from tests.chaos.weakened import FEW
from tests.integration.test_takeover import (
    PARTITION,
    PARTITIONS,
    TENANT,
    allow_writes_outside_transactions,
    numbered,
    orphan,
    stable_everywhere,
)
from tests.kafka_fixture import OwnKafka
from tests.streams_rig import Rig, eventually, rig

pytestmark = pytest.mark.kafka

OUTPUT, MARK = "output", "mark"


@pytest.fixture(autouse=True)
def few_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "CATALOGUE", FEW)


async def leave_half_marked(r: Rig, unmarked: str) -> None:
    """Commit event 1, its mark and its offset; one of them is left undecided."""
    async with orphan(r, "0") as producer:
        await producer.abort_transaction()
        await producer.begin_transaction()
        ((_, body),) = numbered(1)
        written = {
            OUTPUT: (r.topics.events["LivesendUpdatedV1"].name, body, TENANT.encode()),
            MARK: (r.topics.dedup.name, b"0", mark_key(TENANT, "1")),
        }
        unknown = written.pop(unmarked)
        # First what the coordinator is told of: it waits for the markers of the abort.
        for topic, value, key in (*written.values(), unknown):
            if topic == unknown[0]:
                producer._txn_manager._txn_partitions.add(TopicPartition(topic, PARTITION))
            await producer.send_and_wait(topic, value, key=key, partition=PARTITION)
        source = TopicPartition(r.topics.raw.name, PARTITION)
        await producer.send_offsets_to_transaction({source: 1}, f"{r.app_id}-dedup")
        await producer.commit_transaction()


async def after_takeover(
    own_kafka: OwnKafka, folder: Path, module: str, unmarked: str, more: Sequence[int]
) -> list[str]:
    kafka = await own_kafka(1)
    async with rig(kafka.bootstrap_servers, folder, PARTITIONS) as r:
        await allow_writes_outside_transactions(r)
        await r.produce(numbered(1))
        await leave_half_marked(r, unmarked)
        assert not await stable_everywhere(r)
        r.worker(
            "w1",
            module=module,
            weakened_transaction_ms="60000",
            weakened_hold_seconds="0",
            weakened_cleansing="on",
        )
        await r.produce(numbered(*more))
        await r.until_idle()
        await eventually(lambda: stable_everywhere(r), "nothing to be undecided", 20)
        return [who[1] for who in map(identity, await r.events()) if who]


@pytest.mark.parametrize(
    ("unmarked", "module", "events"),
    [
        (OUTPUT, "tests.chaos.weakened", ["2"]),
        (MARK, "tests.chaos.weakened", ["1", "1", "2"]),
        (OUTPUT, "tests.chaos.settling", ["1", "2"]),
        (MARK, "tests.chaos.settling", ["1", "2"]),
    ],
)
async def test_what_becomes_of_a_half_marked_event(
    own_kafka: OwnKafka, tmp_path: Path, unmarked: str, module: str, events: list[str]
) -> None:
    """The cleansing abort loses an output without marker and forgets a mark without one."""
    assert partition_for(TENANT.encode(), PARTITIONS) == PARTITION
    assert await after_takeover(own_kafka, tmp_path, module, unmarked, [1, 2]) == events
