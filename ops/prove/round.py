"""One round on a running stack: load, faults and readers side by side; then what lies where."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from ops.programs import APP_ID
from ops.prove import schedule
from ops.prove.cast import Cast
from ops.prove.crm import FILE, read_tasks
from ops.prove.faults import FAULTS, FaultFailed, Site
from ops.prove.history import End, History, Seen, Strike
from ops.prove.load import Workload
from ops.prove.profiles import Profile
from ops.prove.readers.final import read_everything
from ops.prove.schedule import NOT_RUN, Planned
from ops.prove.settle import Settled, until_settled
from ops.prove.telling import Telling
from ops.prove.unresolved import until_resolved
from ops.prove.watch import Sample, Watch
from ops.stack import Stack
from schemas.topics import DEFAULT_PARTITIONS

_SETTLE_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Order:
    """What to play; `name` begins the round's ids and tenants and tells it from all others."""

    name: str
    seed: int
    profile: Profile
    folder: Path


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it; `lags` is how late the sender's own loop was: (time, seconds)."""

    history: History
    began: float
    settled: Settled
    samples: Sequence[Sample]
    kills: int
    lags: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Noted:
    """What was noted along the way; `before` is where everything ended at the begin."""

    began: float
    before: Sequence[End]
    strikes: Sequence[Strike]
    settled: Settled
    live: Sequence[Seen]


async def play(site: Site, order: Order, telling: Telling) -> Played:
    """Send, strike, wait until everything is handled, and read it all back.

    Raises:
        HarnessFailed, FaultFailed, Truncated, OSError: the round says nothing.
    """
    stack, profile = site.stack, order.profile
    planned = schedule.plan(order.seed, profile.faults, profile.kills, profile.seconds)
    workload = Workload(order.seed, profile.events, order.name)
    order.folder.mkdir(parents=True)
    killed_before = site.kills.total()
    async with AsyncExitStack() as open_now:
        watch = open_now.enter_context(
            closing(Watch(stack.connection, stack.topics, DEFAULT_PARTITIONS, APP_ID))
        )
        cast = await open_now.enter_async_context(Cast(stack, workload, profile, order.folder))
        telling.begin(profile, len(planned), watch.samples)
        before = (await asyncio.to_thread(watch.look)).ends
        await cast.read_along()
        began = time.monotonic()
        async with watch.sampling():
            strikes = await _beside(cast, planned, site, telling)
            telling.say("waiting until everything is handled …")
            await until_resolved(stack.child(name) for name in site.names("ingress"))
            settled = await until_settled(watch, lambda: True, _SETTLE_SECONDS)
        noted = _Noted(began, before, strikes, settled, await cast.seen())
    killed = site.kills.total() - killed_before
    _expect(planned, strikes, killed)
    telling.say("reading everything back …")
    history = await asyncio.to_thread(_history, stack, workload, cast, noted)
    return Played(history, began, settled, watch.samples, killed, cast.lags())


async def _beside(
    cast: Cast, planned: Sequence[Planned], site: Site, telling: Telling
) -> list[Strike]:
    async def strike() -> list[Strike]:
        await cast.sending.wait()  # what strikes before there is load shows nothing
        return await schedule.carry_out(planned, site, telling.struck)

    striking = asyncio.create_task(strike())
    sending = asyncio.create_task(cast.send(telling))
    try:
        over, _ = await asyncio.wait((striking, sending), return_when=asyncio.FIRST_EXCEPTION)
        for task in over:
            task.result()  # raises what ended it
    finally:
        # Not a TaskGroup: called off, it would tell of what breaks thereafter, and of nothing else.
        for task in (striking, sending):
            task.cancel()
        await asyncio.gather(striking, sending, return_exceptions=True)
    return striking.result()


def _history(stack: Stack, workload: Workload, cast: Cast, noted: _Noted) -> History:
    prefix = stack.choice.topic_prefix
    reading = read_everything(stack.connection, prefix, DEFAULT_PARTITIONS, noted.before)
    return History(
        partitions=DEFAULT_PARTITIONS,
        events=[workload.event(number) for number in range(workload.events)],
        attempts=cast.attempts(),
        raw=reading.raw,
        outputs=reading.outputs,
        quarantine=reading.quarantine,
        commands=reading.commands,
        dead=reading.dead,
        live=noted.live,
        tasks=read_tasks(stack.state.folder / FILE, _tenants_of(workload.name)),
        ends=reading.ends,
        lag=noted.settled.lag,
        strikes=noted.strikes,
        began=noted.began,
        counted=cast.counted(),
    )


def _tenants_of(name: str) -> Callable[[str], bool]:
    return lambda tenant: tenant.startswith(f"{name}-")


def _expect(planned: Sequence[Planned], strikes: Sequence[Strike], killed: int) -> None:
    """A run that killed less than it was told to must not pass for one that did."""
    impossible = {strike.fault for strike in strikes if strike.target == NOT_RUN}
    wanted = sum(FAULTS[each.fault].kills for each in planned if each.fault not in impossible)
    if killed < wanted:
        raise FaultFailed(f"{wanted} processes were to be killed, and {killed} were")
