"""Faults of the network between the processes, by means of the stack's links."""

import asyncio
import time
from collections.abc import Callable, Sequence
from random import Random

from ops.prove.faults.fault import Inflict
from ops.prove.faults.site import FaultFailed, Site
from ops.prove.history import Strike
from ops.prove.pipe import Quality, Way
from ops.prove.proxy import Link
from ops.prove.wiring import KAFKA_KAFKA

CUT = Quality(cut=True)
BAD_LINE = Quality(delay=0.1, jitter=0.02, bytes_per_second=3_000_000 / 8)
"""100 ms and 3 Mbit/s."""

_BETWEEN_RESETS_SECONDS = 0.4

Choose = Callable[[Sequence[Link], Random], Sequence[Link]]


def all_links(links: Sequence[Link], _: Random) -> Sequence[Link]:
    return links


def one_link(links: Sequence[Link], dice: Random) -> Sequence[Link]:
    return [dice.choice(links)]


def changed(
    kind: str,
    quality: Quality,
    least: float,
    most: float,
    *ways: Way,
    choose: Choose = all_links,
) -> Inflict:
    """Change links of a kind for `least` to `most` seconds."""

    async def inflict(site: Site, dice: Random) -> Strike:
        links, seconds = choose(site.links(kind), dice), dice.uniform(least, most)
        async with site.hold(kind):
            at = time.monotonic()
            for link in links:
                link.set(quality, *ways)
            try:
                await asyncio.sleep(seconds)
            finally:
                for link in links:
                    await link.mend()
            note = ", ".join([f"{seconds:.1f} s", *ways])
            return Strike("", _named(links), at, time.monotonic(), note)

    return inflict


def replication_cut(least: float, most: float, *, one_way: bool) -> Inflict:
    """Cut the other brokers off from the one that leads most: what it leads cannot be copied."""

    async def inflict(site: Site, dice: Random) -> Strike:
        ways = [dice.choice(list(Way))] if one_way else []
        async with site.hold("kafka"):
            await site.until_in_sync()
            kind = f"{KAFKA_KAFKA}-{await site.leader()}"
            strike = await changed(kind, CUT, least, most, *ways)(site, dice)
            await site.until_in_sync()
            return strike

    return inflict


def reset(kind: str, least: float, most: float) -> Inflict:
    """Reset all connections of a kind again and again."""

    async def inflict(site: Site, dice: Random) -> Strike:
        links, count = site.links(kind), 0
        async with site.hold(kind):
            at = time.monotonic()
            ends = at + dice.uniform(least, most)
            while time.monotonic() < ends:
                count += sum(link.reset() for link in links)
                await asyncio.sleep(_BETWEEN_RESETS_SECONDS)
        if not count:
            raise FaultFailed("there was no connection to reset")
        return Strike("", _named(links), at, time.monotonic(), f"{count} connections reset")

    return inflict


def refused(kind: str, least: float, most: float) -> Inflict:
    """Nobody listens any more: connections are reset, new ones refused."""

    async def inflict(site: Site, dice: Random) -> Strike:
        links, seconds = site.links(kind), dice.uniform(least, most)
        async with site.hold(kind):
            at = time.monotonic()
            for link in links:
                link.refuse()
                link.reset()
            try:
                await asyncio.sleep(seconds)
            finally:
                for link in links:
                    await link.mend()
            return Strike("", _named(links), at, time.monotonic(), f"{seconds:.1f} s")

    return inflict


def _named(links: Sequence[Link]) -> str:
    return ", ".join(link.name for link in links)
