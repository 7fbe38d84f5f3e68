"""`geophone demo`: the main job end to end, shown and checked."""

import time
from collections.abc import Callable
from pathlib import Path

from aiohttp import ClientSession
from rich.console import Console

from ops.demo import report
from ops.demo.outcome import Outcome, Seen, look
from ops.demo.script import Script
from ops.sender import post
from ops.stack import Choice, Stack

_SETTLE_SECONDS = 40.0


async def play(state_dir: Path, console: Console) -> bool:
    """Start a fresh stack, play Seismic against it, show and check what came of it."""
    started = time.monotonic()
    with console.status("starting …") as status:
        stack = await _fresh_stack(state_dir, status.update)
        try:
            outcomes, seen = await _deliver(stack, status.update)
        finally:
            status.update("stopping …")
            await stack.stop()
    complaints = report.show(outcomes, seen, console)
    console.print(f"{time.monotonic() - started:.1f} s in all; the state is in {state_dir}")
    return not complaints


async def _fresh_stack(state_dir: Path, progress: Callable[[str], None]) -> Stack:
    stack = Stack(Choice(state_dir, port=0), progress)
    stack.forget()
    await stack.start()
    return stack


async def _deliver(stack: Stack, progress: Callable[[str], None]) -> tuple[list[Outcome], Seen]:
    script = Script.written_for(stack.secret)
    outcomes = []
    async with ClientSession() as session:
        for step in script.steps:
            progress(f"Seismic: {step.name} …")
            deliveries = [
                await post(session, stack.webhook_urls[0], step.body, step.headers)
                for _ in range(step.times)
            ]
            outcomes.append(Outcome(step, deliveries))
        progress("waiting for the topics and the CRM …")
        seen = await look(stack, session, outcomes, _SETTLE_SECONDS)
    return outcomes, seen
