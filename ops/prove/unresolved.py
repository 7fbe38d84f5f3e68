"""What ingresses have answered 503 for and may still write: a round is not over before.

It would turn up in the next round as a record that nobody there has sent.
"""

import asyncio
import re
import time
from collections.abc import Iterable

from aiohttp import ClientError, ClientSession, ClientTimeout

from ops.child import Child

_SAMPLE = re.compile(r"^geophone_ingress_unresolved_records (\S+)$", re.MULTILINE)
_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.2
_TIMEOUT = ClientTimeout(total=2)


async def until_resolved(ingresses: Iterable[Child]) -> None:
    """Wait until every record that an ingress handed to Kafka is written or refused.

    Raises:
        TimeoutError: it was not so for a minute.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    async with ClientSession(timeout=_TIMEOUT) as session:
        for ingress in ingresses:
            while await _unresolved(session, ingress) != 0:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{ingress.program.name} still has records under way")
                await asyncio.sleep(_PAUSE_SECONDS)


async def _unresolved(session: ClientSession, ingress: Child) -> float | None:
    """Return the number, None while it does not answer: it may be just coming back."""
    try:
        async with session.get(f"{ingress.announcement['admin_url']}/metrics") as answer:
            found = _SAMPLE.search(await answer.text())
    except (ClientError, OSError, ValueError, TimeoutError):
        return None
    return float(found[1]) if found else None
