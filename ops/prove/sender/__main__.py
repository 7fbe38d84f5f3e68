"""The process: exit code 0 means that its ledger is complete, anything else that it is void."""

import asyncio
import gc
import signal
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from ops.prove.ledger import Ledger
from ops.prove.sender.deliver import Deliveries
from ops.prove.sender.gauges import Gauges
from ops.prove.sender.plan import Plan
from ops.prove.sender.plant import Planter, planter

LINE_SECONDS = 1.0
_YOUNG = 50_000
"""Objects between two collections: thousands of deliveries may wait, and a collection that walks
them all every 700 objects is a pause of its own."""


def main() -> None:
    """Run the plan named by the only argument."""
    [path] = sys.argv[1:]
    plan = Plan.model_validate_json(Path(path).read_bytes())
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 100)
    uvloop.run(send(plan))


async def send(plan: Plan) -> None:
    """Send until the workload is over or SIGTERM comes, retries included.

    Raises:
        Exception: the sender failed; the ledger is left without its end.
    """
    gauges = Gauges()
    async with AsyncExitStack() as stack:
        ledger = stack.enter_context(Ledger(plan.ledger))
        kafka = await _planter(plan, stack)
        deliveries = Deliveries(plan, ledger, gauges, kafka)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, deliveries.stop)
        await _watched(deliveries, gauges, ledger)


async def _watched(deliveries: Deliveries, gauges: Gauges, ledger: Ledger) -> None:
    async with asyncio.TaskGroup() as tasks:
        watching = [
            tasks.create_task(gauges.watch_loop()),
            tasks.create_task(_report(gauges, ledger)),
        ]
        await deliveries.run()
        for task in watching:
            task.cancel()
    _say(gauges, ledger)


async def _planter(plan: Plan, stack: AsyncExitStack) -> Planter | None:
    if plan.planting is None:
        return None
    return await stack.enter_async_context(planter(plan.planting, plan.patience_seconds))


async def _report(gauges: Gauges, ledger: Ledger) -> None:
    while True:
        await asyncio.sleep(LINE_SECONDS)
        _say(gauges, ledger)


def _say(gauges: Gauges, ledger: Ledger) -> None:
    ledger.lags.append((round(time.monotonic(), 3), round(gauges.lag, 6)))
    ledger.flush()
    sys.stdout.buffer.write(gauges.line())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
