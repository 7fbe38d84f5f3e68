"""A steady load on the raw topic: several tenants, duplicates near and far, some poison."""

import asyncio
import random
from collections.abc import Iterator

from tests.streams_rig import Rig, event

TENANTS = 12
DUPLICATES = 0.2
POISON = 0.005
KINDS = ("LivesendUpdatedV1", "email-v3", "UserCreatedV1", "NeverHeardOfV9")


def bodies(seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield (tenant, body) pairs without end; a fifth repeats one of the last 5,000."""
    dice = random.Random(seed)  # noqa: S311 - a reproducible load, not a secret
    sent: list[tuple[str, bytes]] = []
    number = 0
    while True:
        number += 1
        tenant = f"tenant-{int(TENANTS * dice.random() ** 2)}"
        if dice.random() < POISON:
            yield tenant, b"{poison %d" % number
        elif sent and dice.random() < DUPLICATES:
            yield dice.choice(sent[-5000:])
        else:
            data = {"interactionId": f"i{number}", "recipients": []}
            sent.append((tenant, event(tenant, f"e{number}", dice.choice(KINDS), **data)))
            yield sent[-1]


class Load:
    """Produces until told to stop; what it wrote is in the raw topic.

    `more` goes on with an earlier load's bodies; two of the same seed only repeat each other.
    """

    def __init__(
        self,
        rig: Rig,
        seed: int = 1,
        batch: int = 200,
        pause: float = 0.1,
        more: Iterator[tuple[str, bytes]] | None = None,
    ) -> None:
        self._rig, self._bodies = rig, more or bodies(seed)
        self._batch, self._pause = batch, pause
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish the batch in hand; raise what the producer raised."""
        self._stop.set()
        await self._task

    async def _run(self) -> None:
        # One producer for all: it rides out a broker's absence, which a new one could not.
        async with self._rig.producer() as producer:
            while not self._stop.is_set():
                batch = [next(self._bodies) for _ in range(self._batch)]
                await self._rig.send(producer, batch)
                await asyncio.sleep(self._pause)
