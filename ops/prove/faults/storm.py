"""A rebalance storm: a worker that joins and leaves, over and over."""

import asyncio
import signal
import time
from random import Random

from ops.child import Child
from ops.prove.faults.fault import Inflict
from ops.prove.faults.site import PATIENCE_SECONDS, Site, until
from ops.prove.history import Strike
from ops.stack import Stack

_NUMBER = 99
_STAY_SECONDS = 1.0


def rebalances(times: int) -> Inflict:
    """Let one more worker come, stay a second, and go, now politely, now by kill -9."""

    async def inflict(site: Site, dice: Random) -> Strike:
        async with site.hold("storm"):
            passer_by = _passer_by(site.stack)
            at = time.monotonic()
            passer_by.start()
            try:
                for _ in range(times):
                    await passer_by.announced(PATIENCE_SECONDS)
                    await asyncio.sleep(dice.uniform(_STAY_SECONDS / 2, _STAY_SECONDS))
                    await _leave(passer_by, dice.choice((signal.SIGTERM, signal.SIGKILL)))
            finally:
                await passer_by.stop(0)
            note = f"joined and left {times} times"
            return Strike("", passer_by.program.name, at, time.monotonic(), note)

    return inflict


async def _leave(passer_by: Child, number: signal.Signals) -> None:
    await passer_by.announced(PATIENCE_SECONDS)  # it may just have ended by itself
    ends = len(passer_by.exits)
    passer_by.send(number)
    await until(lambda: len(passer_by.exits) > ends, "the passer-by to leave")


def _passer_by(stack: Stack) -> Child:
    program = stack.worker(_NUMBER)
    return Child(program, stack.state.folder / program.name)
