"""The faults of the trials: they strike only when events flow, or they would show nothing."""

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from random import Random

from ops.prove.faults import FAULTS
from ops.prove.faults.fault import Fault
from ops.prove.faults.site import Site
from ops.prove.history import Strike
from ops.prove.wiring import KAFKA_KAFKA
from tests.mutants.defects import (
    CUT_INGRESS,
    CUT_OFF_AND_KILL,
    KILL_INGRESS,
    KILL_WORKER,
    WORST_MOMENT,
)

_FLOW_SECONDS = 20.0
"""When the load is over no event will flow any more, and it may as well strike."""
_CUT_OFF_SECONDS = 4.0
"""Much less than the 30 s after which a follower that fetches nothing is no longer in sync."""
_DOWN_SECONDS = 4.0
"""Longer than the controller takes to have others lead what the dead one led."""


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


def _aimed(name: str, fault: Fault) -> Fault:
    async def inflict(site: Site, dice: Random) -> Strike:
        async with site.hold(name):
            with suppress(TimeoutError):
                async with asyncio.timeout(_FLOW_SECONDS):
                    await _worst_moment(site)
            return await fault.inflict(site, dice)

    return replace(fault, name=name, inflict=inflict)


async def _worst_moment(site: Site) -> None:
    """Only of a worker that works: so there is load, too."""
    files = [site.stack.child(name).folder / WORST_MOMENT for name in site.names("streams")]
    for file in files:
        file.unlink(missing_ok=True)
    while not any(file.exists() for file in files):  # noqa: ASYNC110 - a file is polled
        await asyncio.sleep(0.02)


TRIAL_FAULTS = {
    name: _aimed(name, fault)
    for name, fault in {
        CUT_INGRESS: FAULTS["cut ingress-kafka"],
        KILL_INGRESS: FAULTS["kill ingress"],
        KILL_WORKER: replace(FAULTS["kill worker"], seconds=6),
        CUT_OFF_AND_KILL: Fault("", "kafka", 12, _cut_off_and_kill, kills=1),
    }.items()
}
