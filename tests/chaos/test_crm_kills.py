"""kill -9 of the crm worker again and again, and a CRM that fails three requests in ten.

`pytest tests/chaos/test_crm_kills.py --crm-commands 100000 --crm-kills 200 -s` is the long run.
"""

import asyncio
import random
import signal
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from ops.child import Child
from schemas.task import Person, TaskCommand, task_key
from tests.chaos.crms import KINDS, OWNER, RECIPIENT, TIMEOUT_SECONDS, VENDORS, Crm, running
from tests.crm_rig import dead_letters, send
from tests.kafka_fixture import RunningKafka
from tests.streams_rig import Rig, eventually, kill, rig

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(7200)]

TENANTS = 7
REPEATED = 0.1
"""So many of the commands are ordered twice: what a redelivery by Seismic may lead to."""
COMPLETED = 5
"""So many tasks a person completes between two kills."""
AGAIN = 20
"""So many of all tasks completed so far are ordered again then; all of them at the end."""
SETTLE_SECONDS = 600.0


def key(number: int) -> str:
    return str(task_key(f"tenant-{number % TENANTS}", f"i{number}", RECIPIENT))


def command(number: int) -> TaskCommand:
    tenant, interaction = f"tenant-{number % TENANTS}", f"i{number}"
    return TaskCommand(
        key=task_key(tenant, interaction, RECIPIENT),
        tenant_id=tenant,
        event_id=f"e{number}",
        event_type="email-v3",
        interaction_id=interaction,
        owner=Person(email=OWNER),
        recipient=Person(email=RECIPIENT),
        subject=f"Follow up {number}",
        due=date(2026, 4, 9),
    )


@dataclass
class Siege:
    """A worker that is killed while it delivers to a CRM."""

    r: Rig
    crm: Crm
    worker: Child
    dice: random.Random
    ordered: int = 0
    completed: list[int] = field(default_factory=list)

    async def order(self, count: int) -> None:
        """Write the next commands to the topic, some of the earlier ones among them."""
        numbers = [*range(self.ordered, self.ordered + count)]
        numbers += self.dice.choices(range(self.ordered + count), k=int(REPEATED * count))
        await self._send(numbers)
        self.ordered += count

    async def strike(self) -> None:
        """Kill the worker when it has delivered some part of what is ordered, and start it anew."""
        created = await self.crm.created()
        some = created + self.dice.randint(0, max(0, self.ordered - created - 1))
        await eventually(partial(self.has_more_than, some), "deliveries to go on", 120, pause=0.02)
        await asyncio.sleep(self.dice.uniform(0, 0.3))
        await kill(self.worker)
        await self.worker.stop(0)  # no pause before the next start
        self.worker.start()

    async def complete_some(self) -> None:
        """Have a person complete a few of the tasks there are; order those and earlier ones again.

        Not all is created yet, so more are tried than are meant to be completed.
        """
        fresh: list[int] = []
        for number in self.dice.sample(range(self.ordered), min(10 * COMPLETED, self.ordered)):
            if len(fresh) < COMPLETED and number not in self.completed:
                fresh += [number] if await self.crm.complete(key(number)) else []
        earlier = self.dice.sample(self.completed, min(AGAIN, len(self.completed)))
        self.completed += fresh
        await self._send([*fresh, *earlier])

    async def order_the_completed(self) -> None:
        await self._send(self.completed)

    async def has_more_than(self, count: int) -> bool:
        return await self.crm.created() > count

    async def _send(self, numbers: Iterable[int]) -> None:
        commands = map(command, numbers)
        await send(self.r, [(one.tenant_id, one.encode()) for one in commands])


@pytest.mark.parametrize("name", ["sandbox", *VENDORS])
async def test_every_task_is_there_once_and_as_its_seller_left_it(
    kafka: RunningKafka, tmp_path: Path, request: pytest.FixtureRequest, name: str
) -> None:
    commands, kills = (request.config.getoption(f"--crm-{what}") for what in ("commands", "kills"))
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=3) as r:
        with running(name, tmp_path / "crm") as crm:
            settings = {**crm.settings, "crm_timeout_seconds": str(TIMEOUT_SECONDS)}
            worker = r.worker("w1", "crm", instance="w1", **settings)
            siege = Siege(r, crm, worker, random.Random(commands))  # noqa: S311 - repeatable
            for turn in range(kills):
                await crm.disturb(2 * commands // kills, turn)
                await siege.order(commands // kills)
                await siege.strike()
                await siege.complete_some()
                sys.stdout.write(f"\r{name}: kill {turn + 1} of {kills}, {siege.ordered:,} ordered")
                sys.stdout.flush()
            await crm.disturb(2 * commands // kills, kills)
            await siege.order(commands - siege.ordered)
            await siege.order_the_completed()
            await eventually(
                partial(siege.has_more_than, commands - 1), "all tasks", SETTLE_SECONDS
            )
            await r.until_idle("crm", r.topics.task.name)
            tasks, faults = await crm.tasks(), await crm.faults()
            times = Counter(task.key for task in tasks)
            expected = set(map(key, range(commands)))
            sys.stdout.write(f"\n{name}: {len(tasks)} tasks, {kills} kills, faults {faults}\n")
            assert expected - times.keys() == set(), "missing"
            assert times.keys() - expected == set(), "nobody ordered them"
            assert [key for key, count in times.items() if count > 1] == []
            assert len(siege.completed) > kills
            assert {task.key for task in tasks if task.completed} == set(map(key, siege.completed))
            assert [task for task in tasks if not task.untouched] == []
            assert await dead_letters(r) == []
            assert worker.exits == [-signal.SIGKILL] * kills
            assert {"500", "429", "expire"} <= set(faults) <= set(KINDS)
            assert all(faults.values()), "not all were played"
