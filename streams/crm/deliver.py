"""Delivers commands to one CRM until each is decided: it has the task, or never will.

One that is down or throttling is asked again for ever; so is one that refuses most of what it is
given (`streams.crm.breaker`), and one whose connector fails in a way that nobody foresaw. All with
one command at a time, each in its turn: the first answer that says more brings all the others
along, and until then nothing is asked that need not be.
"""

import asyncio
import random
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from schemas.task import TaskCommand
from streams import metrics
from streams.crm import AlreadyThere, Refused, Unavailable
from streams.crm.retry import delay
from streams.crm.target import Target

log = structlog.get_logger(__name__)

_HINT = (
    "Nothing is lost and nothing given up: mend what the CRM complains of (a required field, a "
    "right, a rule) and deliveries go on by themselves. To give such commands up after all, "
    "restart with GEOPHONE_CRM_MAX_REFUSED_SHARE=1."
)


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
        self._log = log.bind(target=target.name, partition=partition)

    async def deliver(
        self, tasks: Mapping[int, TaskCommand], since: Mapping[int, float]
    ) -> list[Refusal]:
        """Return which of these (by offset) are refused for good, once the CRM has the others.

        `since`: when each came into being, in epoch seconds. Cancelling is safe: the commands may
        be given again.
        """
        self._target.undecided.take(self._partition, since)
        try:
            return await self._believed(await self._refused(tasks))
        finally:
            self._target.undecided.let_go(self._partition)
            self._target.held(self._partition, now=False)

    async def _believed(self, refused: list[Refusal]) -> list[Refusal]:
        believed: list[Refusal] = []
        attempt = 0
        while refused:
            count = self._target.breaker.give_up(self._partition, len(refused))
            believed, refused = believed + refused[:count], refused[count:]
            for each in believed:
                self._target.undecided.settle(self._partition, each.offset)
            if refused:
                await self._hold(refused[0], attempt)
                refused, attempt = await self._asked_again(refused), attempt + 1
        return believed

    async def _hold(self, refusal: Refusal, attempt: int) -> None:
        self._target.held(self._partition, now=True)
        wait = delay(attempt, None, random.random)
        self._log.error(
            "crm_refuses_most", reason=refusal.reason, wait_seconds=round(wait, 3), hint=_HINT
        )
        await self._target.wait(wait, at_least=True)

    async def _asked_again(self, refused: list[Refusal]) -> list[Refusal]:
        """Try the first again; if the CRM takes it now, all. What is still refused goes last."""
        first, *others = refused
        if still := await self._refused({first.offset: first.task}):
            return [*others, *still]
        self._target.breaker.recover()
        self._log.info("crm_takes_again")
        return await self._refused({each.offset: each.task for each in others})

    async def _refused(self, tasks: Mapping[int, TaskCommand]) -> list[Refusal]:
        """Ask until each is decided; return what was refused."""
        left, refused, attempt = dict(tasks), list[Refusal](), 0
        while left:
            asked = list(left.items())[: 1 if attempt else None]
            answers = await asyncio.gather(*(self._ask(*each) for each in asked))
            refused += [each for each in answers if isinstance(each, Refusal)]
            failed = {
                offset: answer
                for (offset, _), answer in zip(asked, answers, strict=True)
                if isinstance(answer, Unavailable)
            }
            for offset, task in asked:
                del left[offset]
                if offset in failed:
                    left[offset] = task
            if failed:
                await self._back_off(list(failed.values()), len(left), attempt)
            attempt = attempt + 1 if len(failed) == len(asked) else 0
        return refused

    async def _ask(self, offset: int, task: TaskCommand) -> Refusal | Unavailable | None:
        """Return None if the CRM has the task."""
        started = time.monotonic()
        self._target.active(started)
        try:
            outcome = await self._target.crm.create(task)
        except Unavailable as unavailable:
            return unavailable
        except Refused as refused:
            self._target.decided()
            return Refusal(offset, task, refused.reason)
        except Exception as error:  # noqa: BLE001 - or it would end the process, and all deliveries
            return self._unforeseen(error)
        finally:
            answered = time.monotonic()
            self._target.active(answered)
            metrics.CRM_SECONDS.labels(self._target.name).observe(answered - started)
        self._target.decided()
        self._target.undecided.settle(self._partition, offset)
        self._target.breaker.accept(self._partition)
        there = isinstance(outcome, AlreadyThere)
        metrics.TASKS.labels(self._target.name, "already_there" if there else "created").inc()
        return None

    def _unforeseen(self, error: Exception) -> Unavailable:
        """Have the command tried again, as `create` is safe to repeat; say where, never what."""
        metrics.CRM_ERRORS.labels(self._target.name).inc()
        # An error's text may quote an answer, and so people.
        frames = traceback.extract_tb(error.__traceback__)
        trace = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        name = type(error).__name__
        self._log.error("crm_connector_failed", error=name, trace=trace)
        return Unavailable(f"an error that nobody foresaw: {name}")

    async def _back_off(self, failed: Sequence[Unavailable], left: int, attempt: int) -> None:
        metrics.CRM_RETRIES.labels(self._target.name).inc(len(failed))
        wishes = [each.retry_after for each in failed if each.retry_after]
        wait = delay(attempt, max(wishes, default=None), random.random)
        self._log.warning(
            "crm_unavailable",
            reason=failed[0].reason,
            commands=left,
            attempt=attempt,
            wait_seconds=round(wait, 3),
        )
        await self._target.wait(wait, at_least=bool(wishes))
