"""Faults of ingresses and workers: ended, frozen, restarted one after the other.

The stack itself starts what has ended again, as a supervisor does in production.
"""

import asyncio
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from random import Random

import psutil

from ops.child import Child
from ops.prove.faults.fault import Inflict, together
from ops.prove.faults.site import PATIENCE_SECONDS, FaultFailed, Site, until
from ops.prove.history import Strike

_ZOMBIE_WATCH_SECONDS = 3.0
_TRIES = 5
"""A process may end by itself in the moment it is hit; one that does so each time is ill."""


def one(role: str, number: signal.Signals) -> Inflict:
    """Send a signal that ends it to one process of the role, and wait for the next to serve."""

    async def inflict(site: Site, dice: Random) -> Strike:
        return await _end(site, dice.choice(site.names(role)), number)

    return inflict


def every(role: str, number: signal.Signals) -> Inflict:
    """The same, to all processes of the role at once."""

    async def inflict(site: Site, _: Random) -> Strike:
        names = site.names(role)
        async with site.hold(*names):
            strikes = await asyncio.gather(*(_end_held(site, name, number) for name in names))
        return together(strikes)

    return inflict


def rolling(role: str) -> Inflict:
    """SIGTERM to one after the other; the next when the one before is ready."""

    async def inflict(site: Site, _: Random) -> Strike:
        strikes = []
        for name in site.names(role):
            async with site.hold(name):
                strikes.append(await _end_held(site, name, signal.SIGTERM))
                await site.stack.child(name).until_ready(PATIENCE_SECONDS)
        return together(strikes)

    return inflict


def away(role: str, seconds: float) -> Inflict:
    """SIGTERM to all processes of the role, and no other in their place for so long.

    It is healed when they are started: what waits for them then is the backlog.
    """

    async def inflict(site: Site, _: Random) -> Strike:
        names = site.names(role)
        async with site.hold(*names):
            children = [await site.running(name) for name in names]
            at = time.monotonic()
            await asyncio.gather(*(child.stop(PATIENCE_SECONDS) for child in children))
            try:
                await asyncio.sleep(seconds)
            finally:
                healed = time.monotonic()
                for child in children:
                    child.start()
            await asyncio.gather(*(child.announced(PATIENCE_SECONDS) for child in children))
        return Strike("", ", ".join(names), at, healed, f"SIGTERM, away for {seconds:g} s")

    return inflict


def frozen(role: str, least: float, most: float) -> Inflict:
    """SIGSTOP to one process of the role, SIGCONT after `least` to `most` seconds."""

    async def inflict(site: Site, dice: Random) -> Strike:
        name, seconds = dice.choice(site.names(role)), dice.uniform(least, most)
        async with site.hold(name):
            for _ in range(_TRIES):
                if strike := await _freeze(await site.running(name), seconds):
                    return strike
        raise FaultFailed(f"{name} ends by itself each time it is to be frozen")

    return inflict


async def _end(site: Site, name: str, number: signal.Signals) -> Strike:
    async with site.hold(name):
        return await _end_held(site, name, number)


async def _end_held(site: Site, name: str, number: signal.Signals) -> Strike:
    for _ in range(_TRIES):
        child = await site.running(name)
        pid, at = child.pid, time.monotonic()
        code = await _sent(child, number)
        if number != signal.SIGKILL or code == -signal.SIGKILL:
            break
    else:
        raise FaultFailed(f"{name} ends by itself (code {code}) each time it is to be killed")
    if psutil.pid_exists(pid):
        raise FaultFailed(f"{name} was ended, and process {pid} is still there")
    if number == signal.SIGKILL:
        site.kills[child.program.role] += 1
    await until(lambda: child.running, f"{name} to be started again")
    await child.announced(PATIENCE_SECONDS)
    if child.pid == pid:
        raise FaultFailed(f"{name} still has process id {pid}")
    return Strike("", name, at, time.monotonic(), f"{number.name}, code {code}")


async def _sent(child: Child, number: signal.Signals) -> int:
    """Send a signal that ends it, and return the code it ended with."""
    ends = len(child.exits)
    child.send(number)
    await until(lambda: len(child.exits) > ends, f"{child.program.name} to end")
    return child.exits[ends]


async def _freeze(child: Child, seconds: float) -> Strike | None:
    """Return None if it ended before it stood still."""
    name, process, ends = child.program.name, psutil.Process(child.pid), len(child.exits)
    at = time.monotonic()
    child.send(signal.SIGSTOP)
    try:
        await until(
            lambda: len(child.exits) > ends or process.status() == psutil.STATUS_STOPPED,
            f"{name} to stand still",
        )
        if len(child.exits) > ends:
            return None
        await asyncio.sleep(seconds)
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()
    healed = time.monotonic()
    return Strike("", name, at, healed, f"{seconds:.1f} s, then it {await _fate(child, ends)}")


async def _fate(child: Child, ends: int) -> str:
    """Tell what became of it: one that was taken for dead has to notice and end itself."""
    deadline = time.monotonic() + _ZOMBIE_WATCH_SECONDS
    while time.monotonic() < deadline:
        if codes := _since(child.exits, ends):
            return f"ended itself, code {codes[0]}"
        await asyncio.sleep(0.1)
    return "went on"


def _since(exits: Sequence[int], ends: int) -> Sequence[int]:
    return exits[ends:]
