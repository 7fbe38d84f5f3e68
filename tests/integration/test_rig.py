"""The rig that other tests trust."""

import asyncio
from pathlib import Path

from aiokafka import AIOKafkaProducer

from tests.kafka_fixture import RunningKafka
from tests.streams_rig import rig


async def test_it_reads_what_a_transaction_under_way_is_about_to_commit(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with (
        rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r,
        AIOKafkaProducer(bootstrap_servers=r.bootstrap, transactional_id=r.app_id) as producer,
    ):
        async with producer.transaction():
            await producer.send_and_wait(r.topics.quarantine.name, b"late")
            reading = asyncio.create_task(r.read(r.topics.quarantine.name))
            await asyncio.sleep(1)
        assert [record.value for record in await reading] == [b"late"]
