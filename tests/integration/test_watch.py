"""What the watch of the proof sees of real workers on a real broker."""

import asyncio
from pathlib import Path

from ops.prove.settle import until_settled
from ops.prove.watch import Sample, Watch
from schemas.connection import KafkaConnection
from tests.kafka_fixture import OwnKafka, RunningKafka
from tests.readers_rig import bodies, put, transactional
from tests.streams_rig import Rig, event, eventually, rig


def watch(rig: Rig) -> Watch:
    connection = KafkaConnection(bootstrap_servers=rig.bootstrap)
    return Watch(connection, rig.topics, rig.partitions, rig.app_id)


async def known(watching: Watch) -> Sample:
    """Return a sample that has figures: a broker that is busy answers too late for some."""

    async def figures() -> bool:
        watching.samples.append(await asyncio.to_thread(watching.sample))
        return watching.samples[-1].lag is not None

    await eventually(figures, "the broker to answer the watch in time")
    return watching.samples[-1]


def email(number: int) -> bytes:
    recipients = [{"email": f"{number}@example.com", "recipientType": "to"}]
    data = {"interactionId": f"{number}", "userEmail": "a@b.example", "recipients": recipients}
    return event("tenant", f"{number}", "email-v3", **data)


async def test_a_run_settles_when_all_stages_have_handled_all_records(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        await r.produce(("tenant", email(number)) for number in range(50))
        watching = watch(r)
        early = await until_settled(watching, lambda: True, 0)
        assert early.lag == {"dedup": 50, "followup": 0, "crm": 0}
        assert early.unsettled == ("dedup: 50 records are not handled",)
        assert (await known(watching)).lag == 50
        r.worker("w", "dedup,followup")

        async def only_tasks_are_left() -> bool:
            # What dedup and followup wrote ends with markers, which nobody can handle; and there
            # is nobody for the tasks.
            settled = await until_settled(watching, lambda: True, 0)
            return settled.unsettled == ("crm: 50 records are not handled",)

        await eventually(only_tasks_are_left, "dedup and followup to come to rest")
        sample = await known(watching)
        assert (sample.lag, sample.unstable) == (0, 0)


async def test_what_is_undecided_is_counted(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        name = r.topics.events["UserCreatedV1"].name
        async with transactional(r, "a") as one:
            await one.begin_transaction()
            await put(one, name, bodies("open"))
            assert (await known(watch(r))).unstable == 3
            hanging = await until_settled(watch(r), lambda: True, 0)
            await one.abort_transaction()
        assert hanging.stable_seconds is None
        assert hanging.unsettled == ("event.UserCreatedV1-0: 3 records are undecided",)
        settled = await until_settled(watch(r), lambda: True, 60)
        assert settled.unsettled == ()
        assert settled.lag == {"dedup": 0, "followup": 0, "crm": 0}


async def test_brokers_that_are_down_are_unknown_and_found_again(
    own_kafka: OwnKafka, tmp_path: Path
) -> None:
    cluster = await own_kafka(1)
    async with rig(cluster.bootstrap_servers, tmp_path, partitions=1) as r:
        watching = watch(r)
        cluster.kill(1)
        down = await asyncio.to_thread(watching.sample)
        assert (down.lag, down.unstable) == (None, None)
        await cluster.restart(1)
        settled = await until_settled(watching, lambda: True, 60)
        assert settled.unsettled == ()
