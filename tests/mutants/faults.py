"""Faults that only the trials need: aimed where a defect would show."""

import asyncio
import signal
import time
from random import Random

from ops.prove.faults.fault import Fault
from ops.prove.faults.processes import _end_held
from ops.prove.faults.site import PATIENCE_SECONDS, Site
from ops.prove.history import Strike
from ops.prove.wiring import KAFKA_KAFKA
from tests.mutants.defects import CUT_OFF_AND_KILL, KILL_WORKER

_AT_WORK_SECONDS = 1.0
_CUT_OFF_SECONDS = 4.0
"""Much less than the 30 s after which a follower that fetches nothing is no longer in sync."""
_DOWN_SECONDS = 4.0
"""Longer than the controller takes to have others lead what the dead one led."""


async def _kill_working_worker(site: Site, dice: Random) -> Strike:
    """One that has only just started has nothing in hand that could be lost."""
    name = dice.choice(site.names("streams"))
    async with site.hold(name):
        await site.stack.child(name).until_ready(PATIENCE_SECONDS)
        await asyncio.sleep(_AT_WORK_SECONDS * dice.uniform(1, 1.5))
        return await _end_held(site, name, signal.SIGKILL)


async def _cut_off_and_kill(site: Site, _: Random) -> Strike:
    """Nobody has a copy of what the leader takes alone, and yet all others count as in sync."""
    async with site.hold("kafka"):
        await site.until_in_sync()
        leader = await site.leader()
        [link] = site.links(f"{KAFKA_KAFKA}-{leader}")
        at = time.monotonic()
        link.cut()
        try:
            await asyncio.sleep(_CUT_OFF_SECONDS)
            site.kafka.kill(leader)
            site.kills["kafka"] += 1
        finally:
            await link.mend()
        await asyncio.sleep(_DOWN_SECONDS)
        await site.kafka.restart(leader)
        await site.until_in_sync()
        return Strike("", f"kafka-{leader}", at, time.monotonic(), "cut off, then SIGKILL")


TRIAL_FAULTS = {
    fault.name: fault
    for fault in (
        Fault(KILL_WORKER, "streams", 6, _kill_working_worker, kills=1),
        Fault(CUT_OFF_AND_KILL, "kafka", 12, _cut_off_and_kill, kills=1),
    )
}
