"""Delivers commands to one CRM until each is decided: it has the task, or never will.

One that is down or throttling is asked again for ever. So is one that refuses most of what it is
given (`streams.crm.breaker`), one command at a time: each of them may be the one that shows that
somebody has mended it, and a night of asking for all would use up what it allows in a day.
"""

import asyncio
import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from schemas.task import TaskCommand
from streams import metrics
from streams.crm import CRM, AlreadyThere, Refused, Unavailable
from streams.crm.breaker import Breaker
from streams.crm.retry import delay

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Target:
    """One CRM, whose commands it gets, and what of it all its partitions here have to know.

    `serves` takes a tenant's id, or None where a record does not say whose it is.
    """

    name: str
    crm: CRM
    serves: Callable[[str | None], bool]
    breaker: Breaker
    active_at: float = -math.inf
    """Until when it was, or will be, asked (monotonic): that is progress for all its partitions,
    as they wait for their turns with each other's commands before them."""
    _held: set[int] = field(default_factory=set)

    def active(self, until: float) -> None:
        """Note that it is being asked, or waited for as it wished, until then."""
        self.active_at = max(self.active_at, until)

    def held(self, partition: int, *, now: bool) -> None:
        """Tell whether deliveries of a partition are held back now."""
        (self._held.add if now else self._held.discard)(partition)
        metrics.CRM_HELD.labels(self.name).set(bool(self._held))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command, by its offset, that the CRM does not take; `reason` as `streams.crm.Refused`."""

    offset: int
    task: TaskCommand
    reason: str


class Delivery:
    """The work on one partition."""

    def __init__(self, target: Target, partition: int) -> None:
        self._target = target
        self._partition = partition

    async def deliver(self, tasks: Mapping[int, TaskCommand]) -> list[Refusal]:
        """Return which of these (by offset) are refused for good, once the CRM has the others.

        Cancelling is safe: the commands may be given again.
        """
        try:
            return await self._believed(await self._refused(tasks))
        finally:
            self._target.held(self._partition, now=False)

    async def _believed(self, refused: list[Refusal]) -> list[Refusal]:
        believed: list[Refusal] = []
        attempt = 0
        while refused:
            count = self._target.breaker.give_up(self._partition, len(refused))
            believed, refused = believed + refused[:count], refused[count:]
            if refused:
                await self._hold(refused[0], attempt)
                refused, attempt = await self._asked_again(refused), attempt + 1
        return believed

    async def _hold(self, refusal: Refusal, attempt: int) -> None:
        self._target.held(self._partition, now=True)
        wait = delay(attempt, None, random.random)
        log.error(
            "crm_refuses_most",
            target=self._target.name,
            partition=self._partition,
            reason=refusal.reason,
            wait_seconds=round(wait, 3),
            hint="Nothing is lost and nothing given up: mend what the CRM complains of (a required "
            "field, a right, a rule) and deliveries go on by themselves. To give such commands up "
            "after all, restart with GEOPHONE_CRM_MAX_REFUSED_SHARE=1.",
        )
        await self._wait(wait)

    async def _asked_again(self, refused: list[Refusal]) -> list[Refusal]:
        """Try the first again; if the CRM takes it now, all. What is still refused goes last."""
        first, *others = refused
        if still := await self._decided(first.offset, first.task):
            return [*others, still]
        self._target.breaker.recover()
        log.info("crm_takes_again", target=self._target.name, partition=self._partition)
        return await self._refused({each.offset: each.task for each in others})

    async def _refused(self, tasks: Mapping[int, TaskCommand]) -> list[Refusal]:
        tried = await asyncio.gather(*(self._decided(*each) for each in tasks.items()))
        return [each for each in tried if each]

    async def _decided(self, offset: int, task: TaskCommand) -> Refusal | None:
        """Return None once the CRM has the task."""
        attempt = 0
        while True:
            try:
                await self._ask(task)
            except Refused as refused:
                return Refusal(offset, task, refused.reason)
            except Unavailable as unavailable:
                await self._back_off(task, unavailable, attempt)
                attempt += 1
            else:
                self._target.breaker.accept(self._partition)
                return None

    async def _ask(self, task: TaskCommand) -> None:
        started = time.monotonic()
        self._target.active(started)
        try:
            outcome = await self._target.crm.create(task)
        finally:
            answered = time.monotonic()
            self._target.active(answered)
            metrics.CRM_SECONDS.labels(self._target.name).observe(answered - started)
        there = isinstance(outcome, AlreadyThere)
        metrics.TASKS.labels(self._target.name, "already_there" if there else "created").inc()

    async def _back_off(self, task: TaskCommand, unavailable: Unavailable, attempt: int) -> None:
        metrics.CRM_RETRIES.labels(self._target.name).inc()
        wait = delay(attempt, unavailable.retry_after, random.random)
        log.warning(
            "crm_unavailable",
            target=self._target.name,
            task=str(task.key),
            attempt=attempt,
            reason=unavailable.reason,
            wait_seconds=round(wait, 3),
        )
        await self._wait(wait)

    async def _wait(self, seconds: float) -> None:
        self._target.active(time.monotonic() + seconds)
        await asyncio.sleep(seconds)
