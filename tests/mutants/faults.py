"""The faults of the trials: they strike only when events flow, or they would show nothing."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from random import Random

from aiohttp import ClientError

from ops.prove.faults import FAULTS
from ops.prove.faults.fault import Fault
from ops.prove.faults.site import Site
from ops.prove.history import Strike
from ops.prove.wiring import KAFKA_KAFKA
from tests.admin_probe import Probe
from tests.mutants.defects import CUT_INGRESS, CUT_OFF_AND_KILL, KILL_INGRESS, KILL_WORKER

_FLOW_SECONDS = 20.0
"""When the load is over no event will flow any more, and it may as well strike."""
_MOST_DELAY_SECONDS = 1.0
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


def _under_load(name: str, fault: Fault) -> Fault:
    async def inflict(site: Site, dice: Random) -> Strike:
        # One after the other: a worker that has only just started has nothing to lose.
        async with site.hold(name):
            with suppress(TimeoutError):
                async with asyncio.timeout(_FLOW_SECONDS):
                    await _until_events_flow(site)
            await asyncio.sleep(dice.uniform(0, _MOST_DELAY_SECONDS))
            return await fault.inflict(site, dice)

    return replace(fault, name=name, inflict=inflict)


async def _until_events_flow(site: Site) -> None:
    workers = [Probe(site.stack.child(name)) for name in site.names("streams")]
    while not await _handled(workers):  # noqa: ASYNC110 - a metric is polled
        await asyncio.sleep(0.1)


async def _handled(workers: Iterable[Probe]) -> float:
    """Return how many events the workers have handled since they started."""
    handled = 0.0
    for worker in workers:
        with suppress(ClientError, OSError, ValueError):
            handled += await worker.metric("geophone_streams_records_total", stage="dedup")
    return handled


TRIAL_FAULTS = {
    name: _under_load(name, fault)
    for name, fault in {
        CUT_INGRESS: FAULTS["cut ingress-kafka"],
        KILL_INGRESS: FAULTS["kill ingress"],
        KILL_WORKER: replace(FAULTS["kill worker"], seconds=5),
        CUT_OFF_AND_KILL: Fault("", "kafka", 12, _cut_off_and_kill, kills=1),
    }.items()
}
