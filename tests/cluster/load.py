"""Seismic at a steady rate, whatever the answers: events of many tenants through the Service."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
from aiohttp import ClientSession, TCPConnector

from ops import samples
from ops.sender import Delivery, post, signed
from schemas import catalogue

RENAMED = catalogue.CATALOGUE[0]
RATE = 200
"""Deliveries per second."""
TENANTS = 20
EMAIL_EVERY = 50
"""So many events have one with a recipient among them, who is to get a task."""
_DRAIN_SECONDS = 10


@dataclass
class Load:
    """What was sent and how each was answered; `secret` may change while it runs."""

    url: str
    secret: str
    accepted: dict[tuple[str, str], bytes] = field(default_factory=dict)
    addressed: dict[tuple[str, str], str] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    _number: int = 0

    def __str__(self) -> str:
        answers = ", ".join(f"{count} x {how}" for how, count in sorted(self.answers.items()))
        return f"{answers}; slowest {self.slowest:.0f} ms"

    @property
    def bad(self) -> dict[str, int]:
        """Answers that are not 2xx, and deliveries without any: refused, reset, too late."""
        return {how: count for how, count in self.answers.items() if not how.startswith("2")}

    @property
    def recipients(self) -> list[str]:
        """Who is to get a task: nobody of an event that was not accepted."""
        return [who for event, who in self.addressed.items() if event in self.accepted]

    def next(self) -> tuple[tuple[str, str], bytes]:
        self._number += 1
        tenant = f"tenant-{self._number % TENANTS}"
        body = samples.event(RENAMED, tenant)
        if self._number % EMAIL_EVERY == 0:
            who = f"{uuid.uuid4().hex}@example.com"
            body = samples.event(catalogue.EMAIL, tenant, [who])
            self.addressed[_identity(tenant, body)] = who
        return _identity(tenant, body), body

    async def send(self, session: ClientSession) -> None:
        event, body = self.next()
        delivery = await post(session, self.url, body, signed(body, self.secret))
        self._note(event, body, delivery)

    def _note(self, event: tuple[str, str], body: bytes, delivery: Delivery) -> None:
        self.answers["none" if delivery.status is None else str(delivery.status)] += 1
        self.slowest = max(self.slowest, delivery.milliseconds)
        if delivery.accepted:
            self.accepted[event] = body


def _identity(tenant: str, body: bytes) -> tuple[str, str]:
    return tenant, str(orjson.loads(body)["id"])


@asynccontextmanager
async def steady(load: Load, rate: int = RATE) -> AsyncIterator[Load]:
    """Deliver so many events a second while the block runs: each once, none waiting for others.

    Every second one over a connection of its own, as from a caller that keeps none, and the others
    over connections that are kept, which a pod must not break when it ends.
    """
    loop = asyncio.get_running_loop()
    sending: set[asyncio.Task[None]] = set()
    stop = asyncio.Event()

    async def run(*sessions: ClientSession) -> None:
        begun, count = loop.time(), 0
        while not stop.is_set():
            while count < (loop.time() - begun) * rate:
                task = loop.create_task(load.send(sessions[count % len(sessions)]))
                sending.add(task)
                task.add_done_callback(sending.discard)
                count += 1
            await asyncio.sleep(1 / rate)

    kept, own = TCPConnector(limit=0), TCPConnector(limit=0, force_close=True)
    async with ClientSession(connector=kept) as first, ClientSession(connector=own) as second:
        pace = asyncio.create_task(run(first, second))
        try:
            yield load
        finally:
            stop.set()
            await pace
            if sending:
                await asyncio.wait(sending, timeout=_DRAIN_SECONDS)
