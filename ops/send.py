"""`geophone send`: deliver events at a chosen rate, each several times, with retries."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from aiohttp import ClientSession
from rich.console import Console

from ops import samples
from ops.sender import RETRY_SECONDS, Delivery, deliver, post, signed
from ops.target import Target
from schemas import catalogue
from schemas.catalogue import CATALOGUE

_SHOWN = 20
"""So many answers are printed one by one; the summary counts all."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to deliver, in order, at how many deliveries per second."""

    bodies: list[bytes]
    rate: float
    pauses: tuple[float, ...]

    @classmethod
    def of(  # noqa: PLR0913, PLR0917 - one for each option of the command
        cls,
        event_type: str,
        tenant: str,
        times: int,
        count: int,
        rate: float,
        retries: int,
        body: Path | None,
    ) -> "Plan":
        """Make up `count` events (or read one from `body`), each to be delivered `times` times.

        Raises:
            ValueError: the catalogue has no such type.
        """
        row = catalogue.lookup(event_type)
        if row is None:
            known = ", ".join(row.name for row in CATALOGUE)
            raise ValueError(f"no event type {event_type!r}; there are: {known}")
        events = [samples.event(row, tenant) for _ in range(count)]
        if body:
            events = [body.read_bytes()]
        return cls([event for event in events for _ in range(times)], rate, RETRY_SECONDS[:retries])


async def run(plan: Plan, target: Target, console: Console) -> bool:
    """Deliver everything; return whether every event was accepted in the end."""
    async with ClientSession() as session, asyncio.TaskGroup() as group:
        tasks = []
        for number, body in enumerate(plan.bodies, 1):
            attempt = partial(post, session, target.url, body, signed(body, target.secret))
            tasks.append(group.create_task(_one(number, attempt, plan, console)))
            if number < len(plan.bodies):
                await asyncio.sleep(1 / plan.rate)
    attempts = [delivery for task in tasks for delivery in task.result()]
    _summarise(attempts, console)
    return all(task.result()[-1].accepted for task in tasks)


async def _one(
    number: int, attempt: Callable[[], Awaitable[Delivery]], plan: Plan, console: Console
) -> list[Delivery]:
    deliveries = await deliver(attempt, plan.pauses)
    if number <= _SHOWN:
        for delivery in deliveries:
            console.print(f"{number:>4}  {answer(delivery)}  {delivery.milliseconds:7.1f} ms")
    return deliveries


def answer(delivery: Delivery) -> str:
    """Return an answer as a word to show: its status, or that there was none."""
    if delivery.status is None:
        return "no answer"
    return f"{delivery.status} {delivery.body[:80].decode(errors='replace')}".strip()


def _summarise(attempts: list[Delivery], console: Console) -> None:
    statuses = Counter("none" if one.status is None else str(one.status) for one in attempts)
    shares = ", ".join(f"{count} x {status}" for status, count in statuses.most_common())
    times = sorted(one.milliseconds for one in attempts)
    console.print(
        f"{len(attempts)} deliveries: {shares}; answered in {median(times):.1f} ms (median), "
        f"{times[-1]:.1f} ms (slowest)"
    )
