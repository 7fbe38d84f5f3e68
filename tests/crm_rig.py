"""What tests of the crm stage share: commands in the topic, a worker, the sandbox as its CRM."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

import aiohttp
from aiokafka import ConsumerRecord

from ops.child import Child
from schemas.partitioner import partition_for
from schemas.task import Person, TaskCommand, task_key
from tests.admin_probe import Probe
from tests.streams_rig import Rig

SECRET = "whsec_Y2hhbmdlLW1lLWNoYW5nZS1tZS1jaGFuZ2UtbWU="


def command(number: int) -> TaskCommand:
    """Return the command of this number; five tenants take turns."""
    tenant, who = f"tenant-{number % 5}", f"{number}@example.com"
    return TaskCommand(
        key=task_key(tenant, "interaction", who),
        tenant_id=tenant,
        event_id=f"e{number}",
        event_type="email-v3",
        interaction_id="interaction",
        owner=Person(id="seller"),
        recipient=Person(email=who),
        subject=f"Follow up: LiveSend to {who}",
        due=date(2026, 4, 9),
    )


async def send(r: Rig, values: Iterable[tuple[str, bytes]]) -> None:
    """Write (tenant, value) pairs to the task topic."""
    async with r.producer() as producer:
        for tenant, value in values:
            key = tenant.encode()
            await producer.send(
                r.topics.task.name, value, key=key, partition=partition_for(key, r.partitions)
            )


async def order(r: Rig, numbers: Iterable[int]) -> None:
    """Write the commands of these numbers to the task topic."""
    commands = [command(number) for number in numbers]
    await send(r, [(one.tenant_id, one.encode()) for one in commands])


class Sandbox:
    """What a test asks of the CRM."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def faults(self, *script: dict[str, Any]) -> None:
        async with aiohttp.request("PUT", f"{self.url}/faults", json=script) as response:
            assert response.status == 200, await response.text()

    async def tasks(self) -> Counter[str]:
        """Count the stored tasks per key."""
        async with aiohttp.request("GET", f"{self.url}/tasks?limit=10000") as response:
            return Counter(task["key"] for task in (await response.json())["tasks"])

    async def faults_left(self) -> list[Any]:
        async with aiohttp.request("GET", f"{self.url}/faults") as response:
            left: list[Any] = await response.json()
            return left

    async def has_total(self, count: int) -> bool:
        """Whether so many tasks are there; it may be more than `tasks` can count."""
        async with aiohttp.request("GET", f"{self.url}/tasks?limit=0") as response:
            return bool((await response.json())["total"] >= count)

    async def has(self, count: int) -> bool:
        return (await self.tasks()).total() >= count


def worker(r: Rig, url: str, name: str = "w1", **more: str) -> Child:
    """Start a crm worker for the sandbox at the URL."""
    chosen = {"crm": "sandbox", "crm_url": url, "crm_timeout_seconds": "1", "crm_secret": SECRET}
    return r.worker(name, "crm", **{**chosen, **more})


def keys(numbers: Iterable[int]) -> Counter[str]:
    """Return what the sandbox holds when it has these commands' tasks, each once."""
    return Counter(str(command(number).key) for number in numbers)


async def committed_everything(child: Child) -> bool:
    """Whether all commands that a worker is to handle are handled."""
    probe = Probe(child)
    if await probe.readyz() != 200:
        return False
    await asyncio.sleep(0.3)
    return await probe.metric("geophone_streams_lag_records", stage="crm") == 0


async def dead_letters(r: Rig) -> list[ConsumerRecord]:
    """Return what was given up."""
    return await r.read(r.topics.task_dead.name)
