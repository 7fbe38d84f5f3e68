"""A worker with a name of its own is expected back; its partitions are not given to others."""

import signal
from pathlib import Path

import aiohttp
import pytest

from ops.child import Child
from tests.admin_probe import Probe
from tests.kafka_fixture import RunningKafka
from tests.streams_rig import Rig, event, eventually, header, rig

pytestmark = pytest.mark.kafka

PARTITIONS = 8
TENANTS = [f"tenant-{number}" for number in range(30)]
NEVER = "250"
"""A session time-out, in seconds, that no test waits for."""


async def test_a_killed_worker_has_its_partitions_back_and_the_others_keep_theirs(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, PARTITIONS) as r:
        one = named(r, "one")
        await eventually(lambda: owned(one, PARTITIONS), "the first worker to own all")
        two = named(r, "two")
        await eventually(lambda: owned(one, PARTITIONS // 2), "the first worker to own a half")
        await eventually(lambda: owned(two, PARTITIONS // 2), "the second worker to own a half")
        takeovers = await taken_over(one)
        two.send(signal.SIGKILL)
        await eventually(lambda: two.exits, "the second worker to die", pause=0.01)
        await eventually(lambda: owned(two, PARTITIONS // 2), "the killed worker to own its half")
        await r.produce((tenant, event(tenant, tenant)) for tenant in TENANTS)
        await r.until_idle()
        assert sorted(header(record, "ce_id") or "" for record in await r.events()) == sorted(
            TENANTS
        )
        assert await taken_over(one) == takeovers


async def test_a_worker_that_is_stopped_and_started_again_has_its_partitions_back(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    """As in a rolling restart, which stops nobody else's work."""
    async with rig(kafka.bootstrap_servers, tmp_path, PARTITIONS) as r:
        one = named(r, "one")
        await eventually(lambda: owned(one, PARTITIONS), "the first worker to own all")
        assert await one.stop(30) == 0
        again = named(r, "one")
        await eventually(lambda: owned(again, PARTITIONS), "the same worker to own all again")
        await r.produce((tenant, event(tenant, tenant)) for tenant in TENANTS)
        await r.until_idle()


def named(r: Rig, name: str) -> Child:
    return r.worker(name, instance=name, session_timeout_seconds=NEVER)


async def owned(worker: Child, partitions: int) -> bool:
    """Whether the worker answers, is ready and owns exactly so many partitions."""
    try:
        probe = Probe(worker)
        number = await probe.metric("geophone_streams_partitions", stage="dedup")
        return number == partitions and await probe.readyz() == 200
    except aiohttp.ClientError:  # it is about to start
        return False


async def taken_over(worker: Child) -> float:
    return await Probe(worker).metric("geophone_streams_takeover_seconds_count")
