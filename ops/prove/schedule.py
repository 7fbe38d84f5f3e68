"""When which fault strikes: planned ahead from a seed alone, then carried out in real time."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from ops.prove.faults import FAULTS, KILL_INGRESS, KILL_ONE_BROKER, KILL_WORKER
from ops.prove.faults.site import FaultFailed, NotHere, Site
from ops.prove.history import Strike

NOT_RUN = "not run"
"""Target of a strike that this machine does not allow; its note says why."""

_INGRESS_SHARE, _WORKER_SHARE = 0.6, 0.3


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault and its own seed; `at` counts seconds from the begin."""

    at: float
    fault: str
    seed: int


def plan(seed: int, kinds: Sequence[str], kills: int, seconds: float) -> list[Planned]:
    """Spread each of `kinds` once, and `kills` single kill -9, over so many seconds.

    Of the kills 60 % go to ingresses, 30 % to workers, 10 % to brokers. Faults of one lane get
    room enough to be over before the next; the same arguments give the same plan.

    Raises:
        KeyError: there is no such fault.
    """
    dice = Random(seed)  # noqa: S311 - a plan to be repeated, not a secret
    lanes: defaultdict[str, list[str]] = defaultdict(list)
    for name in [*kinds, *_kills(kills, dice)]:
        lanes[FAULTS[name].lane].append(name)
    placed = [each for lane in sorted(lanes) for each in _placed(lanes[lane], seconds, dice)]
    return [Planned(at, name, dice.getrandbits(32)) for at, name in sorted(placed)]


async def carry_out(
    planned: Iterable[Planned], site: Site, on_strike: Callable[[Strike], None]
) -> list[Strike]:
    """Let them strike, each at its time; `on_strike` hears of each once it is healed.

    Raises:
        FaultFailed: one failed; nothing was begun after it, and what was under way is healed.
    """
    began, strikes, failed = time.monotonic(), list[Strike](), asyncio.Event()
    under_way: list[asyncio.Task[Strike]] = []
    try:
        for each in planned:
            await _until(began + each.at, failed)
            if failed.is_set():
                break
            under_way.append(asyncio.create_task(_strike(each, site, failed)))
            under_way[-1].add_done_callback(lambda task: _heard(task, strikes, on_strike))
        ends = await asyncio.gather(*under_way, return_exceptions=True)
    except asyncio.CancelledError:
        # Whoever stops the stack next must not meet a fault that is starting parts of it again.
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        raise
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return strikes


def _kills(count: int, dice: Random) -> list[str]:
    ingress, worker = round(count * _INGRESS_SHARE), round(count * _WORKER_SHARE)
    brokers = [dice.choice(KILL_ONE_BROKER) for _ in range(count - ingress - worker)]
    return [KILL_INGRESS] * ingress + [KILL_WORKER] * worker + brokers


def _placed(names: list[str], seconds: float, dice: Random) -> list[tuple[float, str]]:
    """Give each an equal share of the time nobody needs, and a random place within it."""
    names = dice.sample(names, len(names))
    needed = sum(FAULTS[name].seconds for name in names)
    squeeze = min(1.0, seconds / needed)
    share = max(0.0, seconds - needed) / len(names)
    placed, cursor = [], 0.0
    for name in names:
        placed.append((cursor + dice.uniform(0, share), name))
        cursor += share + FAULTS[name].seconds * squeeze
    return placed


async def _until(moment: float, failed: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(failed.wait(), max(0.0, moment - time.monotonic()))


async def _strike(planned: Planned, site: Site, failed: asyncio.Event) -> Strike:
    now = time.monotonic()
    try:
        dice = Random(planned.seed)  # noqa: S311 - to be repeated
        return await FAULTS[planned.fault].strike(site, dice)
    except NotHere as error:
        return Strike(planned.fault, NOT_RUN, now, now, str(error))
    except FaultFailed:
        failed.set()
        raise


def _heard(
    task: asyncio.Task[Strike], strikes: list[Strike], on_strike: Callable[[Strike], None]
) -> None:
    if not task.cancelled() and task.exception() is None:
        strikes.append(task.result())
        on_strike(task.result())
