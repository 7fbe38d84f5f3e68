"""Faults of the CRM, played by the sandbox from a script."""

import asyncio
import time
from random import Random
from typing import Any

from aiohttp import ClientSession, ClientTimeout

from ops.prove.faults.fault import Inflict
from ops.prove.faults.site import FaultFailed, Site
from ops.prove.history import Strike

_TIMEOUT = ClientTimeout(total=10)


def scripted(least: float, most: float, **fault: Any) -> Inflict:
    """Let every call meet this fault of the sandbox, for `least` to `most` seconds."""

    async def inflict(site: Site, dice: Random) -> Strike:
        seconds = dice.uniform(least, most)
        async with site.hold("crm"):
            at = time.monotonic()
            await _play(site, [fault])
            try:
                await asyncio.sleep(seconds)
            finally:
                await _play(site, [])
            return Strike("", "crm-sandbox", at, time.monotonic(), f"{seconds:.1f} s")

    return inflict


async def _play(site: Site, script: list[dict[str, Any]]) -> None:
    url = f"{site.stack.crm_url}/faults"
    async with (
        ClientSession(timeout=_TIMEOUT) as session,
        session.put(url, json=script) as answer,
    ):
        if not answer.ok:
            raise FaultFailed(f"the sandbox answered {answer.status}: {await answer.text()}")
