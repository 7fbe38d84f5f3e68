"""A process of the harness: its lines, its ends, and that it never outlives its run."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from ops.prove.process import Harness, HarnessFailed
from tests.streams_rig import eventually

_MODULE = "told_what_to_do"
_SOURCE = """
import json, os, sys, time

plan = json.loads(open(sys.argv[1]).read())
print(json.dumps({"pid": os.getpid()}), flush=True)
for number in range(plan.get("lines", 0)):
    print(json.dumps({"number": number, "filling": "x" * 1000}), flush=True)
for number in range(plan.get("complaints", 0)):
    print(f"complaint {number}", file=sys.stderr)
if plan.get("stays"):
    time.sleep(600)
sys.exit(plan.get("code", 0))
"""

Start = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from which the module can be imported."""
    (tmp_path / f"{_MODULE}.py").write_text(_SOURCE)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    return tmp_path


async def start(folder: Path, **plan: Any) -> Harness:
    return await Harness.start("it", _MODULE, plan, folder)


async def pid_of(harness: Harness) -> int:
    async for line in harness.lines():
        return int(line["pid"])
    raise AssertionError("said nothing")


def runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def guards(pid: int) -> list[psutil.Process]:
    own = psutil.Process().children()
    return [each for each in own if each.cmdline()[-2:] == ["geophone-guard", str(pid)]]


async def test_it_is_told_its_plan_and_its_lines_are_heard(folder: Path) -> None:
    harness = await start(folder, lines=3)
    lines = [line async for line in harness.lines()]
    await harness.ended()
    assert [line.get("number") for line in lines] == [None, 0, 1, 2]
    assert (folder / "it.json").exists()


async def test_once_it_has_ended_nobody_guards_its_number(folder: Path) -> None:
    harness = await start(folder)
    [pid] = [line["pid"] async for line in harness.lines()]
    assert len(guards(pid)) == 1
    await harness.ended()
    assert not guards(pid)
    await harness.kill()


async def test_a_bad_end_is_told_with_the_end_of_its_log(folder: Path) -> None:
    harness = await start(folder, code=3, complaints=40)
    with pytest.raises(HarnessFailed) as failed:
        await harness.ended()
    first, *words = str(failed.value).splitlines()
    assert first == "it ended with code 3:"
    assert words == [f"complaint {number}" for number in range(28, 40)]


async def test_told_to_stop_it_gets_a_sigterm(folder: Path) -> None:
    harness = await start(folder, stays=True)
    await pid_of(harness)
    harness.tell_to_stop()
    with pytest.raises(HarnessFailed, match=f"it ended with code -{signal.SIGTERM.value}:"):
        await harness.ended()
    harness.tell_to_stop()


@pytest.mark.parametrize("lines", [0, 1000])
async def test_killed_it_is_gone_even_if_nobody_listens(folder: Path, lines: int) -> None:
    """It may hang in a full pipe: a megabyte is more than any pipe holds."""
    harness = await start(folder, lines=lines, stays=True)
    pid = await pid_of(harness)
    async with asyncio.timeout(60):
        await harness.kill()
    assert not runs(pid)
    assert not guards(pid)
    await harness.kill()


async def test_ctrl_c_does_not_reach_it_past_the_run(folder: Path) -> None:
    harness = await start(folder, stays=True)
    pid = await pid_of(harness)
    assert os.getpgid(pid) != os.getpgrp()
    await harness.kill()


_PARENT = f"""
import asyncio, pathlib, sys
from ops.prove.process import Harness

async def main():
    harness = await Harness.start("it", "{_MODULE}", {{"stays": True}}, pathlib.Path(sys.argv[1]))
    async for line in harness.lines():
        print(line["pid"], flush=True)

asyncio.run(main())
"""


async def test_it_dies_with_its_parent_even_by_kill_9(folder: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PARENT, str(folder), stdout=subprocess.PIPE
    )
    assert parent.stdout
    pid = int(await parent.stdout.readline())
    assert runs(pid)
    parent.kill()
    await parent.wait()
    await eventually(lambda: not runs(pid), "the guard to do its work")
