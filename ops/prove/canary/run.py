"""One run of the canary: stand at the ends, send, follow, judge, say."""

import asyncio
import time
import uuid
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from rich.console import Console

from ops.progress import Progress
from ops.prove.canary import show
from ops.prove.canary.access import KAFKA_SECONDS
from ops.prove.canary.judge import judge
from ops.prove.canary.observed import Observed
from ops.prove.canary.plan import CanaryPlan, CannotJudge, Prepared, prepare
from ops.prove.canary.reading import Reader, reading
from ops.prove.canary.sending import Sending
from ops.prove.findings import Verdict

_POLL_SECONDS = 0.05


class Exit(IntEnum):
    """What cron gets."""

    WELL = 0
    UNWELL = 1
    UNJUDGED = 2


async def run(plan: CanaryPlan, console: Console) -> Exit:
    """Follow the plan's events through the installation and print what came of them."""
    began = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    run_id = f"canary-{uuid.uuid4().hex[:12]}"
    about = show.About(plan, run_id, began)
    try:
        judgement = judge(await _observe(plan, prepare(plan, run_id, began), console))
    except CannotJudge as error:
        show.unjudged(about, error, console)
        return Exit.UNJUDGED
    show.judged(about, judgement, console)
    return Exit.WELL if judgement.verdict is Verdict.PASSED else Exit.UNWELL


async def _observe(plan: CanaryPlan, prepared: list[Prepared], console: Console) -> Observed:
    sending = Sending(plan, prepared)
    async with reading(plan, prepared) as reader:
        with Progress(console) as progress:
            # A line for each delivery is for eyes alone: cron would mail them all.
            say = progress.say if console.is_terminal and not plan.as_json else _say_nothing
            hidden = await _beside(reader.follow(), _send_and_wait(plan, sending, reader, say))
        return Observed(
            [each.event for each in prepared],
            sending.attempts,
            reader.raw,
            reader.outputs,
            reader.partitions,
            plan.patience_seconds,
            hidden,
        )


async def _send_and_wait(
    plan: CanaryPlan, sending: Sending, reader: Reader, say: Callable[[str], None]
) -> int:
    await sending.send(say)
    say(f"waiting until all is readable, {plan.patience_seconds:g} s at most …")
    give_up = time.monotonic() + plan.patience_seconds
    while not _complete(sending, reader) and time.monotonic() < give_up:
        await asyncio.sleep(_POLL_SECONDS)
    await asyncio.sleep(plan.settle_seconds)
    async with asyncio.timeout(KAFKA_SECONDS):
        return await reader.catch_up()


def _complete(sending: Sending, reader: Reader) -> bool:
    accepted = [each.event for each in sending.attempts if each.outcome == "ok"]
    sighted = {each.event for each in reader.outputs}
    copies = [each.event for each in reader.raw]
    return all(
        each in sighted and copies.count(each) >= accepted.count(each) for each in set(accepted)
    )


async def _beside(endless: Coroutine[Any, Any, None], work: Coroutine[Any, Any, int]) -> int:
    """Do the work while the other runs; what either of them raises ends both."""
    beside, main = asyncio.create_task(endless), asyncio.create_task(work)
    try:
        await asyncio.wait({beside, main}, return_when=asyncio.FIRST_COMPLETED)
        if beside.done():
            await beside
        return await main
    finally:
        beside.cancel()
        main.cancel()
        await asyncio.gather(beside, main, return_exceptions=True)


def _say_nothing(_: str) -> None:
    pass
