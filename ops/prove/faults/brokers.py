"""Faults of brokers. They never overlap, and each leaves every replica in sync."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from random import Random

import psutil

from ops.prove.faults.fault import Inflict
from ops.prove.faults.site import FaultFailed, NotHere, Site
from ops.prove.history import Strike

Whom = Callable[[Site, Random], Awaitable[Sequence[int]]]
"""Chooses the brokers to hit."""

_Struck = tuple[str, float | None]
"""A note, and when enough brokers took connections again, if some were killed."""

_MOST = 3
_ENOUGH = 2
"""So many replicas in sync take a record (min.insync.replicas)."""


async def any_one(site: Site, dice: Random) -> Sequence[int]:
    return [dice.choice(site.kafka.brokers)]


async def the_leader(site: Site, _: Random) -> Sequence[int]:
    return [await site.leader()]


async def the_controller(site: Site, _: Random) -> Sequence[int]:
    return [await site.controller()]


async def all_but_one(site: Site, dice: Random) -> Sequence[int]:
    brokers = site.kafka.brokers
    if len(brokers) < _MOST:
        raise NotHere("needs three brokers")
    return dice.sample(brokers, len(brokers) - 1)


async def all_of_them(site: Site, _: Random) -> Sequence[int]:
    return site.kafka.brokers


def killed(whom: Whom, least: float, most: float) -> Inflict:
    """SIGKILL, and start again with the same data after `least` to `most` seconds."""

    async def strike(site: Site, brokers: Sequence[int], seconds: float) -> _Struck:
        pids = {broker: site.kafka.pid(broker) for broker in brokers}
        for broker in brokers:
            site.kafka.kill(broker)
        if left := [pid for pid in pids.values() if psutil.pid_exists(pid)]:
            raise FaultFailed(f"killed, and still there: {left}")
        site.kills["kafka"] += len(pids)
        await asyncio.sleep(seconds)
        started = time.monotonic()
        up = await site.kafka.restart(*brokers)
        if same := [broker for broker, pid in pids.items() if site.kafka.pid(broker) == pid]:
            raise FaultFailed(f"broker {same} has the same process id as before")
        note = f"SIGKILL, down {seconds:.1f} s, {up[-1] - started:.1f} s until up"
        return note, up[:_ENOUGH][-1]

    return _inflict(whom, least, most, strike)


def terminated(whom: Whom, least: float, most: float) -> Inflict:
    """SIGTERM, and start again after `least` to `most` seconds."""

    async def strike(site: Site, brokers: Sequence[int], seconds: float) -> _Struck:
        await asyncio.gather(*(site.kafka.terminate(broker) for broker in brokers))
        await asyncio.sleep(seconds)
        await site.kafka.restart(*brokers)
        return f"SIGTERM, down {seconds:.1f} s", None

    return _inflict(whom, least, most, strike)


def frozen(whom: Whom, least: float, most: float) -> Inflict:
    """SIGSTOP, and SIGCONT after `least` to `most` seconds."""

    async def strike(site: Site, brokers: Sequence[int], seconds: float) -> _Struck:
        for broker in brokers:
            site.kafka.pause(broker)
        try:
            await asyncio.sleep(seconds)
        finally:
            for broker in brokers:
                site.kafka.resume(broker)
        return f"SIGSTOP for {seconds:.1f} s", None

    return _inflict(whom, least, most, strike)


async def rolling(site: Site, _: Random) -> Strike:
    """SIGTERM and start again, one after the other, as an upgrade does it."""
    async with site.hold("kafka"):
        await site.until_in_sync()
        at = time.monotonic()
        for broker in site.kafka.brokers:
            await site.kafka.restart(broker)
            await site.until_in_sync()
        return Strike("", _named(site.kafka.brokers), at, time.monotonic(), "SIGTERM each")


def _inflict(
    whom: Whom,
    least: float,
    most: float,
    strike: Callable[[Site, Sequence[int], float], Awaitable[_Struck]],
) -> Inflict:
    async def inflict(site: Site, dice: Random) -> Strike:
        seconds = dice.uniform(least, most)
        async with site.hold("kafka"):
            await site.until_in_sync()
            brokers = await whom(site, dice)
            at = time.monotonic()
            note, restarted = await strike(site, brokers, seconds)
            await site.until_in_sync()
            return Strike("", _named(brokers), at, time.monotonic(), note, restarted)

    return inflict


def _named(brokers: Sequence[int]) -> str:
    return ", ".join(f"kafka-{broker}" for broker in sorted(brokers))
