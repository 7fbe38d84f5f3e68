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


async def test_a_short_rest_is_waited_for_and_a_shorter_one_does_not_end_it() -> None:
    loop = asyncio.get_running_loop()
    pace = Pace(FAST, loop.time)
    pace.rest(0.05)
    pace.rest(0.01)
    began = loop.time()
    async with pace.call():
        assert loop.time() - began >= 0.05


@pytest.mark.parametrize("name", ["timeout", "per_second", "burst", "concurrency", "cached"])
def test_limits_are_positive(name: str) -> None:
    with pytest.raises(ValueError, match=f"limit {name} must be more than 0"):
        Limits(**{name: 0})
