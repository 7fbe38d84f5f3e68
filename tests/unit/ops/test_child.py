"""A process that is kept running: announced, restarted, stopped, and never left behind."""

import asyncio
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from ops.child import Child, ChildFailed, Program
from tests.streams_rig import eventually

SECONDS = 20.0

# Writes its pid where its parent looks for it, then does what the test wants.
_BEGIN = """
import json, os, pathlib, signal, sys, time
print("hello from", os.getpid(), os.environ["GREETING"], sys.argv[1:], flush=True)
def announce():
    pathlib.Path("draft").write_text(json.dumps({"pid": os.getpid()}))
    pathlib.Path("draft").replace("ready.json")
"""
SERVES = "announce(); signal.pause()"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); announce(); time.sleep(600)"
# No signal.pause here: a signal that comes just before it would never be handled.
POLITE = """
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
announce()
while True:
    time.sleep(0.02)
"""
REFUSES = "print('GEOPHONE_PORT: choose another'); sys.exit(78)"
FAILS = "sys.exit(1)"

Start = Callable[[str], Child]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start a child that runs the given code in `tmp_path`."""
    children: list[Child] = []

    def started(code: str) -> Child:
        (tmp_path / "tiny.py").write_text(textwrap.dedent(_BEGIN) + code)
        program = Program("test", "tiny-1", "tiny", {"GREETING": "hi"}, ["--one", "two"])
        children.append(Child(program, tmp_path))
        children[-1].start()
        return children[-1]

    yield started
    await asyncio.gather(*(child.stop(0.1) for child in children))


async def test_it_runs_in_its_folder_with_its_environment_and_announces_its_pid(
    start: Start,
) -> None:
    child = start(SERVES)
    announced = await child.announced(SECONDS)
    assert announced == child.announcement == {"pid": child.pid}
    assert child.log.read_text() == f"hello from {child.pid} hi ['--one', 'two']\n"


async def test_a_killed_child_is_started_again_under_another_pid(start: Start) -> None:
    child = start(SERVES)
    first = (await child.announced(SECONDS))["pid"]
    child.send(signal.SIGKILL)
    await eventually(lambda: child.exits and child.ready_file.exists(), "a restart", SECONDS, 0.02)
    assert child.exits == [-9]
    assert child.announcement["pid"] == child.pid != first


async def test_what_a_dead_child_announced_is_taken_back(start: Start) -> None:
    """Else stack.json would name a process that is gone for as long as a restart is put off."""
    child = start(SERVES)
    await child.announced(SECONDS)
    child.send(signal.SIGKILL)
    await eventually(lambda: child.exits, "the end", SECONDS, 0.001)
    assert not child.ready_file.exists()


async def test_a_child_that_fails_again_and_again_gets_longer_pauses(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(min(seconds, 0.01))

    monkeypatch.setattr(asyncio, "sleep", noted)
    child = start(FAILS)
    while len(child.exits) < 4:
        await sleep(0.01)
    assert [each for each in pauses if each >= 0.2][:3] == [0.2, 0.4, 0.8]


async def test_refused_settings_are_not_tried_again_and_the_log_is_quoted(start: Start) -> None:
    child = start(REFUSES)
    with pytest.raises(ChildFailed, match="tiny-1 refused its settings") as caught:
        await child.announced(SECONDS)
    assert "GEOPHONE_PORT: choose another" in str(caught.value)
    assert str(child.log) in str(caught.value)
    watch = child._watch
    assert watch
    await eventually(watch.done, "nobody to watch for another start", SECONDS, 0.01)
    assert child.exits == [78]


async def test_a_child_that_never_comes_up_is_an_error_with_its_last_words(start: Start) -> None:
    child = start("time.sleep(600)")
    with pytest.raises(ChildFailed, match=r"did not come up within 0\.3 s"):
        await child.announced(0.3)


async def test_stop_is_sigterm_and_gives_the_exit_code(start: Start) -> None:
    child = start(SERVES)
    await child.announced(SECONDS)
    pid = child.pid
    assert await child.stop(SECONDS) == -signal.SIGTERM
    assert not psutil.pid_exists(pid)
    assert not child.running
    with pytest.raises(ChildFailed, match="does not run"):
        _ = child.pid


async def test_a_deaf_child_is_killed_after_the_grace_period(start: Start) -> None:
    child = start(DEAF)
    await child.announced(SECONDS)
    assert await child.stop(0.2) == -signal.SIGKILL


async def test_a_frozen_child_is_thawed_to_end_in_its_own_way(start: Start) -> None:
    child = start(POLITE)
    await child.announced(SECONDS)
    child.send(signal.SIGSTOP)
    assert await child.stop(SECONDS) == 3


async def test_stop_leaves_no_guard_behind(start: Start) -> None:
    before = set(psutil.Process().children())
    child = start(SERVES)
    await child.announced(SECONDS)
    assert len(set(psutil.Process().children()) - before) == 2
    await child.stop(SECONDS)
    assert set(psutil.Process().children()) == before


async def test_a_stopped_child_stays_stopped_even_if_it_had_just_failed(start: Start) -> None:
    child = start(FAILS)
    await eventually(lambda: child.exits, "the first end", SECONDS, 0.001)
    await child.stop(SECONDS)
    assert not child.running


async def test_a_child_dies_with_its_parent_even_when_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text(textwrap.dedent(_BEGIN) + SERVES)
    parent = """
        import asyncio, pathlib, sys
        from ops.child import Child, Program
        async def main():
            child = Child(Program("test", "tiny-1", "tiny", {"GREETING": ""}), pathlib.Path())
            child.start()
            await child.announced(20)
            print(child.pid, flush=True)
            await asyncio.sleep(600)
        asyncio.run(main())
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(parent), cwd=tmp_path, stdout=subprocess.PIPE
    )
    assert process.stdout
    pid = int(await process.stdout.readline())
    assert psutil.pid_exists(pid)
    process.kill()
    await process.wait()
    await eventually(lambda: _gone(pid), "the orphan's end", SECONDS, 0.02)


def _gone(pid: int) -> bool:
    """Where nobody reaps orphans they stay as zombies, which hold nothing."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
