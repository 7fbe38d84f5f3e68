"""The crm stage as a process against a CRM that fails in every way: each task once in the end."""

import asyncio
import random
import signal
import socket
import time
from collections import Counter
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ops.child import Child
from tests.admin_probe import Probe
from tests.crm_rig import (
    SECRET,
    Sandbox,
    command,
    committed_everything,
    dead_letters,
    keys,
    order,
    send,
    worker,
)
from tests.kafka_fixture import RunningKafka
from tests.sandbox_fixture import running_sandbox
from tests.streams_rig import Rig, eventually, header, rig

FAULTS: dict[str, list[dict[str, Any]]] = {
    "slow": [{"kind": "slow", "seconds": 0.4, "times": 20}],
    "slower than the time-out": [{"kind": "slow", "seconds": 1.5, "times": 5}],
    "silent": [{"kind": "hang", "seconds": 5, "times": 5}],
    "throttling": [{"kind": "status", "status": 429, "retry_after": 1, "times": 10}],
    "broken": [{"kind": "status", "status": 500, "times": 15}],
    "wrong credential": [{"kind": "status", "status": 401, "times": 10}],
    "gone after storing": [{"kind": "drop_after_commit", "times": 15}],
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_failing_crm_has_each_task_once_in_the_end(
    kafka: RunningKafka, tmp_path: Path, fault: str
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        with running_sandbox(tmp_path, secret=SECRET) as url:
            crm = Sandbox(url)
            await crm.faults(*FAULTS[fault])
            await order(r, range(20))
            child = worker(r, url)
            await eventually(partial(crm.has, 20), "all tasks")
            await eventually(partial(committed_everything, child), "no lag")
            assert await crm.tasks() == keys(range(20))
            assert await dead_letters(r) == []
            assert child.exits == []
            assert await crm.faults_left() == [], "not all of it was played"


DOWN_SECONDS = 60


async def test_a_crm_that_is_down_stops_nothing_but_deliveries(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    """The worker lives, a second one joins at once, either ends at once; then the CRM is back."""
    with closing(socket.create_server(("127.0.0.1", 0))) as reserved:
        port = reserved.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=4) as r:
        await order(r, range(120))
        first = worker(r, url, stalled_seconds="5")
        probe = Probe(first)

        async def tried() -> bool:
            return await probe.metric("geophone_crm_retries_total") > 20

        await eventually(tried, "some attempts")
        pid, started = first.pid, time.monotonic()
        second = worker(r, url, "w2", stalled_seconds="5")
        await eventually(partial(owns, first, 2), "the first to share", 15)
        await eventually(partial(owns, second, 2), "the second to take its share", 15)
        rebalanced = time.monotonic() - started
        while time.monotonic() - started < DOWN_SECONDS:
            assert [await probe.livez(), await Probe(second).livez()] == [200, 200]
            await asyncio.sleep(0.5)
        leaving = time.monotonic()
        assert await second.stop(20) == 0
        assert time.monotonic() - leaving < 10
        assert (first.pid, first.exits) == (pid, [])
        assert rebalanced < 15
        with running_sandbox(tmp_path, "--port", str(port), secret=SECRET):
            await eventually(partial(Sandbox(url).has, 120), "all tasks")
            assert await Sandbox(url).tasks() == keys(range(120))
            assert (first.pid, first.exits) == (pid, [])


async def owns(child: Child, partitions: int) -> bool:
    owned = await Probe(child).metric("geophone_streams_partitions", stage="crm")
    return owned == partitions


async def test_a_wait_that_the_crm_asked_for_is_no_stall(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        with running_sandbox(tmp_path, secret=SECRET) as url:
            crm = Sandbox(url)
            await crm.faults({"kind": "status", "status": 429, "retry_after": 60, "times": 1})
            await order(r, [1])
            probe = Probe(worker(r, url, stalled_seconds="2"))

            async def told() -> bool:
                return await probe.metric("geophone_crm_retries_total") == 1

            await eventually(told, "the CRM's wish")
            for _ in range(8):
                await asyncio.sleep(0.5)
                assert await probe.livez() == 200, await probe.json("/livez")


async def test_what_the_crm_refuses_and_what_nobody_can_read_is_set_aside(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        with running_sandbox(tmp_path, secret=SECRET) as url:
            crm = Sandbox(url)
            refused = {"key": str(command(3).key)}
            wrong = {"key": str(command(4).key)}
            await crm.faults(
                {"kind": "refuse", "match": refused},
                {"kind": "status", "status": 400, "title": "Bad owner", "match": wrong},
            )
            await send(r, [("tenant-0", b"{broken"), ("tenant-0", b'{"version": 2}')])
            await order(r, range(8))
            child = worker(r, url)
            await eventually(partial(crm.has, 6), "the others")
            await eventually(partial(committed_everything, child), "no lag")
            assert await crm.tasks() == keys([0, 1, 2, 5, 6, 7])
            letters = {record.value: record for record in await dead_letters(r)}
            assert set(letters) == {
                b"{broken",
                b'{"version": 2}',
                command(3).encode(),
                command(4).encode(),
            }
            reasons = Counter(header(record, "geophone-reason") for record in letters.values())
            assert reasons == {"refused-by-crm": 2, "unreadable-task": 2}
            letter = letters[command(4).encode()]
            assert letter.key == command(4).tenant_id.encode()
            assert header(letter, "geophone-detail") == "HTTP 400: Bad owner"
            assert header(letter, "geophone-source-topic") == r.topics.task.name
            assert child.exits == []


async def test_a_seller_who_has_done_the_task_is_not_disturbed_by_a_redelivery(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        with running_sandbox(tmp_path, secret=SECRET) as url:
            crm = Sandbox(url)
            await order(r, [1])
            child = worker(r, url)
            await eventually(partial(crm.has, 1), "the task")
            async with aiohttp.request(
                "POST", f"{url}/tasks/{command(1).key}/complete"
            ) as response:
                done = await response.json()
            await order(r, [1, 2])
            await eventually(partial(crm.has, 2), "the other task")
            async with aiohttp.request("GET", f"{url}/tasks/{command(1).key}") as response:
                assert await response.json() == done
            there = partial(
                Probe(child).metric, "geophone_crm_tasks_total", outcome="already_there"
            )
            assert await there() == 1


@pytest.mark.timeout(400)
async def test_kills_amid_all_faults_leave_each_task_once(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    dice = random.Random(7)  # noqa: S311 - a schedule that can be repeated
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=3) as r:
        with running_sandbox(tmp_path, secret=SECRET) as url:
            crm = Sandbox(url)
            await crm.faults(
                {"kind": "refuse", "match": {"key": str(command(17).key)}},
                {"kind": "drop_after_commit", "times": 40},
                {"kind": "status", "status": 500, "times": 30},
                {"kind": "status", "status": 429, "retry_after": 1, "times": 10},
                {"kind": "hang", "seconds": 3, "times": 4},
                {"kind": "slow", "seconds": 0.05},
            )
            victims = [worker(r, url, "w1"), worker(r, url, "w2")]
            for kill in range(8):
                await order(r, range(kill * 50, kill * 50 + 50))
                await asyncio.sleep(dice.uniform(0.5, 2.0))
                victim = dice.choice(victims)
                await eventually(partial(runs, victim), "the victim", pause=0.02)
                victim.send(signal.SIGKILL)
            expected = keys(range(400)) - keys([17])
            await eventually(partial(crm.has, len(expected)), "all tasks", 150)
            await eventually(partial(has_letters, r), "the dead letter")
            assert await crm.tasks() == expected
            assert {record.value for record in await dead_letters(r)} == {command(17).encode()}
            codes = {code for victim in victims for code in victim.exits}
            assert codes == {-signal.SIGKILL}
            assert sum(len(victim.exits) for victim in victims) >= 4


def runs(child: Child) -> bool:
    return child.running


async def has_letters(r: Rig) -> bool:
    return bool(await dead_letters(r))
