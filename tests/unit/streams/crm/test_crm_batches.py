"""What goes together, who gets which outcome, and what a cancelled caller leaves behind."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.crm import Refused, Unavailable
from streams.crm.batches import SMALLER_SECONDS, Batches, Shared

Item = tuple[str, int]


class Sender:
    """Answers with the double of the second member; notes what it was sent."""

    def __init__(self) -> None:
        self.sent: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.bad: dict[int, Exception] = {}
        self.under_way = self.most = 0

    async def __call__(self, items: Sequence[Item]) -> Sequence[int | Exception]:
        self.sent.append([number for _, number in items])
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
        return [self.bad.get(number, number * 2) for _, number in items]


@pytest.fixture
def sender() -> Sender:
    return Sender()


def batches(sender: Sender, most: int = 3, at_once: int = 1) -> Batches[Item, int]:
    return Batches(sender, most, key=lambda item: item[0], at_once=at_once)


def item(number: int) -> Item:
    return str(number), number


async def turns(times: int = 5) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


async def test_one_alone_goes_at_once(sender: Sender) -> None:
    assert await batches(sender).add(item(1)) == 2
    assert sender.sent == [[1]]


async def test_calls_at_the_same_time_go_together(sender: Sender) -> None:
    collected = batches(sender)
    assert await asyncio.gather(*(collected.add(item(n)) for n in range(7))) == [
        n * 2 for n in range(7)
    ]
    assert sender.sent == [[0, 1, 2], [3, 4, 5], [6]]


async def test_while_one_is_under_way_the_next_fills(sender: Sender) -> None:
    collected = batches(sender)
    sender.gate.clear()
    first = asyncio.create_task(collected.add(item(1)))
    await turns()
    others = [asyncio.create_task(collected.add(item(n))) for n in (2, 3)]
    await turns()
    assert sender.sent == [[1]]
    sender.gate.set()
    await asyncio.gather(first, *others)
    assert sender.sent == [[1], [2, 3]]


async def test_a_full_batch_need_not_wait_for_the_one_under_way(sender: Sender) -> None:
    collected = batches(sender, at_once=2)
    sender.gate.clear()
    calls = [asyncio.create_task(collected.add(item(n))) for n in range(8)]
    await turns()
    assert sender.sent == [[0, 1, 2], [3, 4, 5]]
    sender.gate.set()
    await asyncio.gather(*calls)
    assert sender.most == 2
    assert sender.sent[2:] == [[6, 7]]


async def test_an_exception_is_its_items_own(sender: Sender) -> None:
    collected = batches(sender)
    sender.bad[1] = Refused("no")
    outcomes = await asyncio.gather(
        *(collected.add(item(n)) for n in range(3)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [int, Refused, int]


async def test_a_failure_of_the_whole_is_everybodys() -> None:
    async def send(_: Sequence[Item]) -> Sequence[int | Exception]:
        raise Unavailable("down")

    collected: Batches[Item, int] = Batches(send, 3, key=lambda item: item[0])
    outcomes = await asyncio.gather(
        *(collected.add(item(n)) for n in range(3)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3


async def test_a_batch_refused_as_a_whole_costs_only_the_item_that_is_refused_alone() -> None:
    async def send(items: Sequence[Item]) -> Sequence[int | Exception]:
        if any(number == 5 for _, number in items):
            raise Refused("no")
        return [number for _, number in items]

    collected: Batches[Item, int] = Batches(send, 8, key=lambda item: item[0])
    outcomes = await asyncio.gather(
        *(collected.add(item(n)) for n in range(8)), return_exceptions=True
    )
    assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Refused)] == [5]


def stands(most: int, bad: frozenset[int], sizes: list[int]) -> Batches[Item, int]:
    """Return batches of 16 to a side that fails whole ones: for their size, or for one in them."""

    async def send(items: Sequence[Item]) -> Sequence[int | Exception]:
        sizes.append(len(items))
        if len(items) > most or bad & {number for _, number in items}:
            return [Shared(Refused("no"))] * len(items)
        return [number for _, number in items]

    return Batches(send, 16, key=lambda item: item[0])


async def everyone(collected: Batches[Item, int], many: int = 16) -> list[object]:
    calls = (collected.add(item(n)) for n in range(many))
    return list(await asyncio.gather(*calls, return_exceptions=True))


async def test_an_error_of_the_batch_is_believed_of_an_item_that_was_alone() -> None:
    sizes: list[int] = []
    outcomes = await everyone(stands(16, frozenset({5}), sizes))
    refused = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Exception)]
    assert refused == [5]
    assert isinstance(outcomes[5], Refused)
    assert len(sizes) == 9


async def test_one_bad_item_makes_the_next_batches_no_smaller() -> None:
    sizes: list[int] = []
    collected = stands(16, frozenset({5}), sizes)
    await everyone(collected)
    sizes.clear()
    await everyone(collected)
    assert sizes[0] == 16


async def test_batches_that_are_too_large_become_smaller_for_a_while() -> None:
    sizes: list[int] = []
    clock = [0.0]
    collected = stands(5, frozenset(), sizes)
    collected._now = lambda: clock[0]
    assert await everyone(collected) == list(range(16))
    assert sizes == [16, 8, 4, 4, 8, 4, 4]
    for moment, first in ((0.0, 4), (SMALLER_SECONDS + 1, 16)):
        clock[0] = moment
        sizes.clear()
        assert await everyone(collected) == list(range(16))
        assert sizes[0] == first


@settings(deadline=None)
@given(
    bad=st.frozensets(st.integers(0, 15), max_size=4),
    stood=st.integers(1, 16),
    many=st.integers(1, 16),
)
async def test_who_is_refused_alone_is_refused_and_nobody_else(
    bad: frozenset[int], stood: int, many: int
) -> None:
    sizes: list[int] = []
    outcomes = await everyone(stands(stood, bad, sizes), many)
    assert {n for n, one in enumerate(outcomes) if isinstance(one, Exception)} == {
        n for n in bad if n < many
    }
    assert len(sizes) < 2 * many + 1


async def test_one_item_that_fails_beside_others_says_nothing_of_the_size() -> None:
    sizes: list[int] = []

    async def send(items: Sequence[Item]) -> Sequence[int | Exception]:
        sizes.append(len(items))
        return [Shared(Refused("no")) if n == 5 and len(items) > 1 else n for _, n in items]

    collected: Batches[Item, int] = Batches(send, 16, key=lambda item: item[0])
    assert await everyone(collected) == list(range(16))
    await everyone(collected)
    assert sizes == [16, 1, 16, 1]


async def test_the_same_key_is_never_under_way_twice(sender: Sender) -> None:
    collected = batches(sender, at_once=3)
    await asyncio.gather(*(collected.add(("same", n)) for n in range(4)))
    assert sender.sent == [[0], [1], [2], [3]]
    assert sender.most == 1


async def test_a_cancelled_caller_takes_its_item_along_and_nobody_elses(sender: Sender) -> None:
    collected = batches(sender)
    sender.gate.clear()
    under_way = [asyncio.create_task(collected.add(item(n))) for n in (1, 2)]
    await turns()
    waiting = [asyncio.create_task(collected.add(item(n))) for n in (3, 4)]
    await turns()
    under_way[0].cancel()
    waiting[0].cancel()
    sender.gate.set()
    assert await under_way[1] == 4
    assert await waiting[1] == 8
    assert sender.sent == [[1, 2], [4]]


async def test_closing_gives_up_what_is_under_way(sender: Sender) -> None:
    collected = batches(sender)
    sender.gate.clear()
    call = asyncio.create_task(collected.add(item(1)))
    await turns()
    await collected.close()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert sender.under_way == 0
