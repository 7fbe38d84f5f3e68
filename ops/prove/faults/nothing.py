"""The fault that is none: what every other is compared with."""

import asyncio
import time
from random import Random

from ops.prove.faults.site import Site
from ops.prove.history import Strike

_SECONDS = 5.0


async def nothing(_: Site, __: Random) -> Strike:
    """Let some time pass."""
    at = time.monotonic()
    await asyncio.sleep(_SECONDS)
    return Strike("", "nobody", at, time.monotonic())
