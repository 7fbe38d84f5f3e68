"""Waits until everything that was sent has been handled to the end, and nothing is undecided."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
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

    Returns as well once no stage has got on for `seconds`: then it says what did not settle.
    """
    return await _Waiting(watch, sender_done, seconds).wait()


class _Waiting:
    def __init__(self, watch: Watch, sender_done: Callable[[], bool], seconds: float) -> None:
        self._watch = watch
        self._sender_done = sender_done
        self._began = self._moved = time.monotonic()
        self._last: Look | None = None
        self._reached: dict[tuple[str, Place], int] = {}
        self._seconds = seconds
        self._marks: dict[Place, int] | None = None
        self._stable_after: float | None = None
        self._quiet: Look | None = None
        self._lag: Mapping[str, int] = {}

    async def wait(self) -> Settled:
        while (unsettled := await self._unsettled()) and not self._stands_still():
            await asyncio.sleep(_PAUSE_SECONDS)
        seconds = time.monotonic() - self._began
        if unsettled:
            await self._measure_the_lag()
        return Settled(seconds, self._stable_after, tuple(unsettled), self._lag)

    def _stands_still(self) -> bool:
        return time.monotonic() - self._moved >= self._seconds

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

    async def _measure_the_lag(self) -> None:
        """Measure it although something is undecided: a run that hangs has a lag as well."""
        if self._last:
            with suppress(KafkaException, TimeoutError):
                self._lag = await asyncio.to_thread(self._watch.lag, self._last)

    def _note_moved(self, look: Look) -> None:
        """A stage gets on if it commits more than ever: one that only starts over writes, too."""
        self._last = look
        for stage, offsets in look.committed.items():
            for place, offset in offsets.items():
                if offset > self._reached.get((stage, place), 0):
                    self._reached[stage, place] = offset
                    self._moved = time.monotonic()

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
