"""Waits until everything that was sent has been handled to the end, and nothing is undecided."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import KafkaException

from ops.prove.watch import Look, Place, Watch

_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Settled:
    """How it came to rest, in seconds from the call; `unsettled` is empty if it did.

    `stable_seconds`: until everything was decided that lay in the topics at the call.
    `lag`: records not handled at the end, by stage; empty if never known.
    """

    seconds: float
    stable_seconds: float | None
    unsettled: tuple[str, ...] = ()
    lag: Mapping[str, int] = field(default_factory=dict)


async def until_settled(watch: Watch, sender_done: Callable[[], bool], seconds: float) -> Settled:
    """Wait until the sender is done and all stages have handled all there is, twice in a row.

    Returns as well once nothing has moved for `seconds`: then it says what did not settle.
    """
    return await _Waiting(watch, sender_done, seconds).wait()


class _Waiting:
    def __init__(self, watch: Watch, sender_done: Callable[[], bool], seconds: float) -> None:
        self._watch = watch
        self._sender_done = sender_done
        self._began = self._moved = time.monotonic()
        self._last: Look | None = None
        self._seconds = seconds
        self._marks: dict[Place, int] | None = None
        self._stable_after: float | None = None
        self._quiet: Look | None = None
        self._lag: Mapping[str, int] = {}

    async def wait(self) -> Settled:
        while True:
            unsettled = await self._unsettled()
            now = time.monotonic()
            if not unsettled or now - self._moved >= self._seconds:
                return Settled(now - self._began, self._stable_after, tuple(unsettled), self._lag)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _unsettled(self) -> list[str]:
        before, self._quiet = self._quiet, None
        done = self._sender_done()
        try:
            look = await asyncio.to_thread(self._watch.look)
            self._note_moved(look)
            self._note_stable(look)
            if found := [*([] if done else ["the sender is not done"]), *_undecided(look)]:
                return found
            self._lag = await asyncio.to_thread(self._watch.lag, look)
        except (KafkaException, TimeoutError) as error:
            return [f"Kafka does not answer: {error}"]
        if behind := [
            f"{stage}: {n} records are not handled" for stage, n in self._lag.items() if n
        ]:
            return behind
        self._quiet = look
        still = before is not None and before.ends == look.ends
        return [] if still else ["something has just been written"]

    def _note_moved(self, look: Look) -> None:
        if look != self._last:
            self._last, self._moved = look, time.monotonic()

    def _note_stable(self, look: Look) -> None:
        if self._marks is None:
            self._marks = {(end.kind, end.partition): end.high for end in look.ends}
        reached = all(end.stable >= self._marks[end.kind, end.partition] for end in look.ends)
        if reached and self._stable_after is None:
            self._stable_after = time.monotonic() - self._began


def _undecided(look: Look) -> list[str]:
    return [
        f"{kind}-{number}: {count} records are undecided"
        for (kind, number), count in look.unstable.items()
    ]
