"""Plays Seismic under load: many tenants, duplicates, retries; remembers what each attempt got."""

import asyncio
import itertools
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import orjson
from aiohttp import ClientSession, TCPConnector

from ops.sender import post, signed

TENANTS = 12
LANES = 8
DUPLICATES = 0.2
EMAILS = 0.15
_PAUSE_SECONDS = 0.05
_RETRY_SECONDS = 0.2
_KINDS = ("LivesendUpdatedV1", "UserCreatedV1", "NeverHeardOfV9")


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `recipients` are the addresses that have to get a task."""

    tenant: str
    id: str
    body: bytes
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery: `status` None means that its outcome is unknown."""

    event: Event
    url: str
    status: int | None
    started: float

    @property
    def accepted(self) -> bool:
        return self.status is not None and self.status // 100 == 2


@dataclass
class Seismic:
    """Delivers to all of `urls` in turn until it is stopped; a failed delivery is made again."""

    urls: Sequence[str]
    secret: str
    name: str
    attempts: list[Attempt] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.name)  # noqa: S311 - a reproducible load, not a secret
        self._numbers = itertools.count(1)
        self._sent: list[Event] = []
        self._stopped = False

    async def __aenter__(self) -> Self:
        self._session = ClientSession(connector=TCPConnector(limit=0))
        self._lanes = [asyncio.create_task(self._lane(number)) for number in range(LANES)]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Finish the deliveries in hand, retries included."""
        self._stopped = True
        await asyncio.gather(*self._lanes)
        await self._session.close()

    def accepted(self) -> set[Event]:
        """Return every event that some attempt was answered 2xx for."""
        return {attempt.event for attempt in self.attempts if attempt.accepted}

    def refused_since(self, moment: float, urls: Sequence[str]) -> list[Attempt]:
        """Return the attempts at `urls`, begun after `moment`, that were not accepted."""
        return [a for a in self.attempts if a.started > moment and a.url in urls and not a.accepted]

    async def _lane(self, number: int) -> None:
        first = number % len(self.urls)
        urls = itertools.cycle([*self.urls[first:], *self.urls[:first]])
        while not self._stopped:
            await self._deliver(self._next(), urls)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _deliver(self, event: Event, urls: Iterator[str]) -> None:
        for url in urls:
            if await self._attempt(event, url):
                return
            await asyncio.sleep(_RETRY_SECONDS)

    async def _attempt(self, event: Event, url: str) -> bool:
        started = time.monotonic()
        headers = signed(event.body, self.secret)
        delivery = await post(self._session, url, event.body, headers)
        self.attempts.append(Attempt(event, url, delivery.status, started))
        return delivery.accepted

    def _next(self) -> Event:
        if self._sent and self._dice.random() < DUPLICATES:
            return self._dice.choice(self._sent[-500:])
        number = next(self._numbers)
        self._sent.append(self._event(f"{self.name}-{number}"))
        return self._sent[-1]

    def _event(self, event_id: str) -> Event:
        tenant = f"{self.name}-tenant-{self._dice.randrange(TENANTS)}"
        if self._dice.random() >= EMAILS:
            kind = self._dice.choice(_KINDS)
            return Event(tenant, event_id, _body(tenant, event_id, kind, {"number": event_id}))
        recipients = tuple(f"{event_id}-{n}@example.com" for n in range(self._dice.randint(1, 3)))
        named = [{"email": each, "recipientType": "to"} for each in recipients]
        data = {"interactionId": event_id, "userEmail": "seller@example.com", "recipients": named}
        return Event(tenant, event_id, _body(tenant, event_id, "email-v3", data), recipients)


def _body(tenant: str, event_id: str, kind: str, data: dict[str, Any]) -> bytes:
    return orjson.dumps({"id": event_id, "version": kind, "tenantId": tenant, "data": data})
