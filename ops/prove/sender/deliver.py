"""Deliveries: paced, each made until it is accepted, every attempt in the ledger.

The pace is an open loop. Whatever is slow makes deliveries wait, but none of them later: each
route has connections of its own, so one that hangs holds up nothing but what goes to it.
"""

import asyncio
import time
from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain, count, cycle, repeat

from ops.prove.history import Attempt, Outcome
from ops.prove.ledger import Ledger
from ops.prove.sender.client import Client
from ops.prove.sender.gauges import Gauges
from ops.prove.sender.plan import Plan
from ops.prove.sender.plant import ROUTE, Planter

LADDER_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Seismic's pauses, compressed; the last one repeats."""

JITTER = 0.2
_LONGEST_SLEEP = 0.25
_TIMER_SECONDS = 0.001  # uvloop's timers are no finer: it would go round and round for the rest


class _Route:
    def __init__(self, name: str, client: Client, most_in_flight: int) -> None:
        self.name = name
        self.client = client
        self.slots = asyncio.Semaphore(most_in_flight)


class Deliveries:
    """All of one run."""

    def __init__(self, plan: Plan, ledger: Ledger, gauges: Gauges, planter: Planter | None) -> None:
        self._plan = plan
        self._load = plan.workload()
        self._ledger = ledger
        self._gauges = gauges
        self._planter = planter
        secret = plan.secret()
        self._routes = [
            _Route(name, Client(url, secret, plan.answer_seconds), plan.most_in_flight)
            for name, url in plan.routes.items()
        ]
        self._turns = cycle(self._routes)
        self._stopped = False

    def stop(self) -> None:
        """Begin no other delivery; those that were begun go on."""
        self._stopped = True

    async def run(self) -> None:
        """Return when every delivery was accepted or given up.

        Raises:
            ExceptionGroup: the sender failed; what was sent is not known.
        """
        async with asyncio.TaskGroup() as tasks:
            started = time.monotonic()
            for index, number in enumerate(self._load.deliveries()):
                await self._until(started + index / self._plan.rate)
                if self._stopped:
                    break
                tasks.create_task(self._whole(index, number))
        for route in self._routes:
            route.client.close()

    async def _until(self, due: float) -> None:
        # At least once through the loop, or a sender that is late would never send.
        left = max(0.0, due - time.monotonic())
        await asyncio.sleep(min(left, _LONGEST_SLEEP))
        while (left := due - time.monotonic()) > _TIMER_SECONDS and not self._stopped:
            await asyncio.sleep(min(left, _LONGEST_SLEEP))

    async def _whole(self, index: int, number: int) -> None:
        self._gauges.begun += 1
        if self._planter and self._load.planted(number):
            await self._plant(self._planter, number)
        elif not await self._deliver(index, number):
            self._gauges.given_up += 1
        self._gauges.ended += 1

    async def _plant(self, planter: Planter, number: int) -> None:
        started = time.monotonic()
        status = await planter.plant(number, self._load.body(number))
        self._note(Attempt(number, ROUTE, started, time.monotonic(), status))

    async def _deliver(self, index: int, number: int) -> bool:
        body = self._load.body(number)
        end = time.monotonic() + self._plan.patience_seconds
        aborted = _dice(self._plan.seed, "abort", index, 0) < self._plan.aborts
        for pause in self._pauses(index):
            if await self._attempt(number, body, aborted=aborted):
                return True
            if time.monotonic() + pause > end:
                break
            aborted = False
            await asyncio.sleep(pause)
        return False

    async def _attempt(self, number: int, body: bytes, *, aborted: bool) -> bool:
        route = next(self._turns)
        async with route.slots:
            self._gauges.flying += 1
            started = time.monotonic()
            if aborted:
                await route.client.abort(body)
                status = None
            else:
                status = await route.client.post(body)
            ended = time.monotonic()
            self._gauges.flying -= 1
        return self._note(Attempt(number, route.name, started, ended, status))

    def _note(self, attempt: Attempt) -> bool:
        self._ledger.append(attempt)
        self._gauges.note(attempt)
        return attempt.outcome is Outcome.OK

    def _pauses(self, index: int) -> Iterator[float]:
        ladder = chain(LADDER_SECONDS, repeat(LADDER_SECONDS[-1]))
        for attempt, pause in zip(count(), ladder, strict=False):
            dice = _dice(self._plan.seed, "pause", index, attempt)
            yield pause * (1 + JITTER * (2 * dice - 1))


def _dice(seed: int, what: str, index: int, attempt: int) -> float:
    """A number in [0, 1) that does not depend on which delivery asks first."""
    rolled = blake2b(f"{seed} {what} {index} {attempt}".encode(), digest_size=4).digest()
    return int.from_bytes(rolled) / (1 << 32)
