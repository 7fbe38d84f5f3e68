"""When a call may begin, with a clock of the test's own."""

import asyncio

import pytest

from streams.crm import Unavailable
from streams.crm.limits import Limits
from streams.crm.pace import Pace

FAST = Limits(timeout=5, per_second=10_000, burst=100, concurrency=2)


async def test_no_more_calls_are_under_way_than_allowed() -> None:
    pace, most, under_way = Pace(FAST), 0, 0

    async def one() -> None:
        nonlocal most, under_way
        async with pace.call() as call:
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1
            call.overtaxed = False

    await asyncio.gather(*(one() for _ in range(20)))
    assert most == 2


async def test_a_cancelled_call_gives_its_place_back() -> None:
    pace = Pace(FAST)

    async def hold() -> None:
        async with pace.call():
            await asyncio.Event().wait()

    held = [asyncio.create_task(hold()) for _ in range(4)]
    await asyncio.sleep(0)
    for one in held:
        one.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    async with asyncio.timeout(5), pace.call(), pace.call():
        pass


async def test_a_rest_longer_than_a_call_may_take_is_told() -> None:
    now = 100.0
    pace = Pace(FAST, lambda: now)
    pace.rest(17)
    with pytest.raises(Unavailable, match="asked for a rest") as caught:
        async with pace.call():
            pass
    assert caught.value.retry_after == 17
    now += 17
    async with pace.call():
        pass


async def test_a_rest_without_end_ends_after_ten_minutes() -> None:
    now = 100.0
    pace = Pace(FAST, lambda: now)
    pace.rest(2.5e11)
    now += 600
    async with pace.call():
        pass


async def test_a_short_rest_is_waited_for_and_a_shorter_one_does_not_end_it() -> None:
    loop = asyncio.get_running_loop()
    pace = Pace(FAST, loop.time)
    pace.rest(0.05)
    pace.rest(0.01)
    began = loop.time()
    async with pace.call():
        assert loop.time() - began >= 0.05


async def test_calls_that_wait_for_their_turn_wait_for_a_rest_as_well() -> None:
    """An answer asks for it while they wait; none of them begins before its end, nor all at it."""
    loop = asyncio.get_running_loop()
    pace = Pace(Limits(timeout=5, per_second=50, burst=1, concurrency=8), loop.time)
    began: list[float] = []
    first = asyncio.Event()

    async def one() -> None:
        async with pace.call():
            began.append(loop.time())
            first.set()

    calls = [asyncio.create_task(one()) for _ in range(8)]
    await first.wait()
    ends = loop.time() + 0.3
    pace.rest(0.3)
    await asyncio.gather(*calls)
    assert [moment for moment in began[1:] if moment < ends] == []
    assert began[-1] - ends >= 5 / 50, "the bucket gave nothing away meanwhile"


async def test_calls_that_wait_for_their_turn_are_told_of_a_long_rest() -> None:
    pace = Pace(Limits(timeout=5, per_second=20, burst=1, concurrency=8))
    async with pace.call():
        waiting = [asyncio.create_task(entered(pace)) for _ in range(3)]
        await asyncio.sleep(0)
        pace.rest(500)
        told = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    assert [str(one) for one in told] == ["the CRM asked for a rest"] * 3


async def entered(pace: Pace) -> None:
    async with pace.call():
        pass


@pytest.mark.parametrize("name", ["timeout", "per_second", "burst", "concurrency", "cached"])
def test_limits_are_positive(name: str) -> None:
    with pytest.raises(ValueError, match=f"limit {name} must be more than 0"):
        Limits(**{name: 0})
