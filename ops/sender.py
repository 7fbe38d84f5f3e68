"""Plays Seismic: signs a body, posts it, and tries again as Seismic would."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import ClientError, ClientSession, ClientTimeout

SENDER_TIMEOUT_SECONDS = 3.0
"""How long Seismic waits for an answer (page events, revision A: the stricter of its two)."""

_TIMEOUT = ClientTimeout(total=SENDER_TIMEOUT_SECONDS)

RETRY_SECONDS = (5.0, 25.0, 150.0)
"""Pauses before its retries; the page goes on "(5, 25, 150...)" for up to 24 hours."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt: `status` None means no answer in time, so nothing is known.

    Header names are in lower case.
    """

    status: int | None
    milliseconds: float
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        return self.status is not None and self.status // 100 == 2  # noqa: PLR2004 - 2xx


def signature(body: bytes, secret: str) -> str:
    """Return what Seismic puts into x-seismic-signature: hex HMAC-SHA256 of the raw body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed(body: bytes, secret: str) -> dict[str, str]:
    """Return the headers of a signed delivery."""
    return {"content-type": "application/json", "x-seismic-signature": signature(body, secret)}


async def post(
    session: ClientSession, url: str, body: bytes, headers: Mapping[str, str]
) -> Delivery:
    """Deliver once; a failure to connect or to answer in time is a Delivery too.

    A redirect is not followed: only 2xx is an acceptance.
    """
    started = time.perf_counter()
    try:
        async with session.post(
            url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False
        ) as response:
            answer = await response.read()
            received = {name.lower(): value for name, value in response.headers.items()}
            return Delivery(response.status, _since(started), answer, received)
    except (ClientError, OSError, TimeoutError):
        return Delivery(None, _since(started))


async def deliver(
    attempt: Callable[[], Awaitable[Delivery]], pauses: tuple[float, ...] = RETRY_SECONDS
) -> list[Delivery]:
    """Attempt until accepted, pausing as Seismic does; return every attempt."""
    deliveries = [await attempt()]
    for pause in pauses:
        if deliveries[-1].accepted:
            break
        await asyncio.sleep(pause)
        deliveries.append(await attempt())
    return deliveries


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
