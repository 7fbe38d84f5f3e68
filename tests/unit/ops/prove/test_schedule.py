"""The schedule of faults: the same for the same seed, spread, and carried out to the end."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from random import Random
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.prove import schedule
from ops.prove.faults import FAULTS
from ops.prove.faults.fault import Fault
from ops.prove.faults.site import FaultFailed, NotHere, Site
from ops.prove.history import Strike
from ops.prove.schedule import NOT_RUN, Planned, carry_out, plan
from tests.streams_rig import eventually

NOWHERE = cast("Site", None)
KINDS = st.lists(st.sampled_from(sorted(FAULTS)), max_size=6)


@given(st.integers(), KINDS, st.integers(0, 200), st.floats(1, 5000))
def test_the_same_seed_gives_the_same_schedule(
    seed: int, kinds: list[str], kills: int, seconds: float
) -> None:
    planned = plan(seed, kinds, kills, seconds)
    assert planned == plan(seed, kinds, kills, seconds)
    assert len(planned) == len(kinds) + kills
    assert all(0 <= each.at <= seconds for each in planned)
    assert [each.at for each in planned] == sorted(each.at for each in planned)


def test_another_seed_gives_another_schedule() -> None:
    assert plan(1, [], 60, 240) != plan(2, [], 60, 240)


def test_of_a_thousand_kills_six_in_ten_go_to_ingresses_and_one_to_brokers() -> None:
    lanes = Counter(FAULTS[each.fault].lane for each in plan(1, [], 1000, 4200))
    assert lanes == {"ingress": 600, "streams": 300, "kafka": 100}


def test_every_planned_kill_is_one_kill() -> None:
    assert sum(FAULTS[each.fault].kills for each in plan(1, [], 60, 240)) == 60


def test_kills_are_spread_over_the_whole_time() -> None:
    tenths = Counter(int(each.at / 420) for each in plan(1, [], 1000, 4200))
    assert sorted(tenths) == list(range(10))
    assert all(80 <= count <= 120 for count in tenths.values())


@given(st.integers(), KINDS)
def test_faults_of_one_lane_are_over_before_the_next_where_time_allows(
    seed: int, kinds: list[str]
) -> None:
    planned = plan(seed, kinds, 60, 5000)
    for lane in {fault.lane for fault in FAULTS.values()}:
        mine = [each for each in planned if FAULTS[each.fault].lane == lane]
        for before, after in pairwise(mine):
            assert after.at - before.at >= FAULTS[before.fault].seconds - 1e-6


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(KeyError, match="flood"):
        plan(1, ["flood"], 0, 10)


def test_each_planned_fault_has_dice_of_its_own() -> None:
    assert len({each.seed for each in plan(1, [], 100, 400)}) == 100


Times = Mapping[str, list[float]]


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Times:
    """Replace the table by faults that hit nothing; tells when each began and was healed.

    `slow` is not healed before another has begun.
    """
    times: dict[str, list[float]] = {"slow": [], "quick": [], "absent": [], "broken": []}
    other_began = asyncio.Event()

    def begun(name: str) -> None:
        times[name].append(time.monotonic())
        if name != "slow":
            other_began.set()

    def healed(name: str) -> Strike:
        times[name].append(time.monotonic())
        return Strike("", "it", times[name][0], times[name][1])

    async def slow(_: Site, __: Random) -> Strike:
        begun("slow")
        await other_began.wait()
        await asyncio.sleep(0)
        return healed("slow")

    async def quick(_: Site, __: Random) -> Strike:
        begun("quick")
        return healed("quick")

    async def absent(_: Site, __: Random) -> Strike:
        raise NotHere("no root")

    async def broken(_: Site, __: Random) -> Strike:
        begun("broken")
        raise OSError("no such process")

    faults = {"slow": slow, "quick": quick, "absent": absent, "broken": broken}
    table = {name: Fault(name, "none", 1, inflict) for name, inflict in faults.items()}
    monkeypatch.setattr(schedule, "FAULTS", table)
    return times


async def test_faults_overlap_and_each_is_told_once_it_is_healed(rows: Times) -> None:
    heard: list[Strike] = []
    planned = [Planned(0, "slow", 1), Planned(0.01, "quick", 2)]
    strikes = await carry_out(planned, NOWHERE, heard.append)
    assert [strike.fault for strike in heard] == ["quick", "slow"]
    assert strikes == heard
    assert rows["slow"][0] < rows["quick"][0] < rows["slow"][1]


@pytest.mark.usefixtures("rows")
async def test_a_fault_that_this_machine_does_not_allow_is_said_and_ends_nothing() -> None:
    planned = [Planned(0, "absent", 1), Planned(0.01, "quick", 2)]
    strikes = await carry_out(planned, NOWHERE, lambda _: None)
    assert [(each.fault, each.target, each.note) for each in strikes] == [
        ("absent", NOT_RUN, "no root"),
        ("quick", "it", ""),
    ]


async def test_after_a_failure_nothing_begins_and_what_is_under_way_is_healed(
    rows: Times,
) -> None:
    planned = [Planned(0, "slow", 1), Planned(0.01, "broken", 2), Planned(60, "quick", 3)]
    with pytest.raises(FaultFailed, match=r"broken: .*no such process"):
        await asyncio.wait_for(carry_out(planned, NOWHERE, lambda _: None), 20)
    assert len(rows["slow"]) == 2
    assert not rows["quick"]


async def test_called_off_it_ends_only_after_what_was_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []

    async def slow_to_end(_: Site, __: Random) -> Strike:
        told.append("began")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            told.append("ended")
        raise AssertionError("nobody called it off")

    table = {"slow": Fault("slow", "none", 1, slow_to_end)}
    monkeypatch.setattr(schedule, "FAULTS", table)
    planned = [Planned(0, "slow", 1), Planned(60, "slow", 2)]
    work = asyncio.create_task(carry_out(planned, NOWHERE, lambda _: None))
    await eventually(lambda: told, "the first fault", pause=0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(work, 20)
    assert told == ["began", "ended"]
