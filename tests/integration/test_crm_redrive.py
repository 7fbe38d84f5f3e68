"""`geophone crm redrive`: what the CRM refused is given to it again, and nothing else changes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from tests.crm_rig import SECRET, Sandbox, command, dead_letters, keys, order, send, worker
from tests.kafka_fixture import RunningKafka
from tests.sandbox_fixture import running_sandbox
from tests.streams_rig import Rig, eventually, header, rig

REFUSED = range(6)
"""Of five tenants: tenant-0 has two of them."""


@dataclass
class Desk:
    """A worker, a CRM that has refused some commands, and the command line."""

    r: Rig
    crm: Sandbox

    async def redrive(self, *arguments: str, stdin: bytes = b"") -> tuple[int, str]:
        variables = {
            **os.environ,
            "GEOPHONE_TOPIC_PREFIX": self.r.topics.raw.name.removesuffix("raw"),
            "COLUMNS": "200",
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ops.cli", "crm", "redrive", "--kafka", self.r.bootstrap),
            *arguments,
            env=variables,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate(stdin)
        assert process.returncode is not None
        return process.returncode, out.decode()


@pytest.fixture
async def desk(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Desk]:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        with running_sandbox(tmp_path, secret=SECRET) as url:
            crm = Sandbox(url)
            await crm.faults(
                *({"kind": "refuse", "match": {"key": str(command(n).key)}} for n in REFUSED)
            )
            worker(r, url)
            await send(r, [("tenant-0", b"{no command")])
            await order(r, range(8))
            await eventually(partial(all_dead, r), "the dead letters")
            yield Desk(r, crm)


async def all_dead(r: Rig) -> bool:
    return len(await dead_letters(r)) == len(REFUSED) + 1


async def test_what_was_refused_becomes_tasks_and_a_persons_work_stays(desk: Desk) -> None:
    code, out = await desk.redrive("--dry-run")
    assert (code, "6 commands would be given" in out) == (0, True), out
    assert "HTTP 422: Refused by script" in out
    assert "@example.com" not in out
    code, out = await desk.redrive(stdin=b"n\n")
    assert (code, "Give 6 commands" in out) == (1, True), out
    assert await desk.crm.tasks() == keys([6, 7])
    await desk.crm.faults()
    code, out = await desk.redrive("--yes")
    assert code == 0, out
    await eventually(partial(desk.crm.has, 8), "the tasks")
    done = await completed(desk.crm, 3)
    code, out = await desk.redrive("--yes")
    assert code == 0, out
    await order(desk.r, [8])
    await eventually(partial(desk.crm.has, 9), "what came after")
    await desk.r.until_idle("crm", desk.r.topics.task.name)
    assert await desk.crm.tasks() == keys(range(9))
    assert await shown(desk.crm, 3) == done
    assert await all_dead(desk.r), "the letters are where they were, and no more of them"


async def test_a_tenants_alone_are_redriven_as_they_were(desk: Desk) -> None:
    await desk.crm.faults()
    code, out = await desk.redrive("--tenant", "tenant-0", "--yes", "--since", "2026-01-01")
    assert (code, "2 commands are in" in out) == (0, True), out
    await eventually(partial(desk.crm.has, 4), "the tasks")
    assert await desk.crm.tasks() == keys([0, 5, 6, 7])
    sent = await desk.r.read(desk.r.topics.task.name)
    again = [one for one in sent if one.value == command(5).encode()]
    assert len(again) == 2
    assert (again[0].key, again[0].partition) == (again[1].key, again[1].partition)
    assert header(again[1], "geophone-reason") is None


@pytest.mark.parametrize("option", [("--until", "2026-01-01"), ("--tenant", "nobody")])
async def test_where_nothing_is_meant_nothing_is_done(desk: Desk, option: tuple[str, str]) -> None:
    code, out = await desk.redrive("--yes", *option)
    assert (code, "no such dead letters" in out) == (0, True), out


async def completed(crm: Sandbox, number: int) -> object:
    url = f"{crm.url}/tasks/{command(number).key}/complete"
    async with aiohttp.request("POST", url) as answer:
        assert answer.status == 200
    return await shown(crm, number)


async def shown(crm: Sandbox, number: int) -> object:
    async with aiohttp.request("GET", f"{crm.url}/tasks/{command(number).key}") as answer:
        return await answer.json()
