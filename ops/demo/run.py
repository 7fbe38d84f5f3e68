"""`geophone demo`: the main job end to end, shown and checked."""

import time
from collections.abc import Callable
from pathlib import Path

from aiohttp import ClientSession
from rich.console import Console

from ops.demo import report
from ops.demo.outcome import Outcome, Seen, look
from ops.demo.script import Script
from ops.progress import Progress
from ops.sender import post
from ops.stack import Choice, Stack

_SETTLE_SECONDS = 40.0


async def play(state_dir: Path, console: Console) -> bool:
    """Start a fresh stack, play Seismic against it, show and check what came of it."""
    started = time.monotonic()
    with Progress(console) as progress:
        stack = await _fresh_stack(state_dir, progress.say)
        try:
            outcomes, seen = await _deliver(stack, progress.say)
            complaints = report.show(outcomes, seen, console)
        finally:
            progress.say("stopping …")
            await stack.stop()
    seconds = time.monotonic() - started
    console.print(f"{seconds:.1f} s in all; logs and data: {state_dir}", soft_wrap=True)
    return not complaints


async def _fresh_stack(state_dir: Path, progress: Callable[[str], None]) -> Stack:
    stack = Stack(Choice(state_dir, port=0), progress)
    stack.state.forget()
    await stack.start()
    return stack


async def _deliver(stack: Stack, progress: Callable[[str], None]) -> tuple[list[Outcome], Seen]:
    script = Script.written_for(stack.state.secret)
    outcomes = []
    async with ClientSession() as session:
        for step in script.steps:
            progress(f"Seismic sends: {step.name}")
            deliveries = [
                await post(session, stack.webhook_urls[0], step.body, step.headers)
                for _ in range(step.times)
            ]
            outcomes.append(Outcome(step, deliveries))
        seen = await look(stack, session, outcomes, _SETTLE_SECONDS, progress)
    return outcomes, seen
