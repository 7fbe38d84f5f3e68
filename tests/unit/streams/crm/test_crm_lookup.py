"""What is asked, what is remembered, and for how long."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from streams.crm import Unavailable
from streams.crm.lookup import Lookup


class Directory:
    def __init__(self) -> None:
        self.ids = {"a": "1", "b": "2"}
        self.asked: list[list[str]] = []
        self.now = 0.0
        self.down = False

    async def find(self, keys: Sequence[str]) -> Mapping[str, str]:
        self.asked.append(sorted(keys))
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("down")
        return {key: self.ids[key] for key in keys if key in self.ids}

    def lookup(self, most: int = 10, size: int = 100) -> Lookup[str, str]:
        return Lookup(self.find, most, seconds=600, size=size, now=lambda: self.now)


@pytest.fixture
def directory() -> Directory:
    return Directory()


async def test_keys_sought_at_the_same_time_are_asked_once_and_together(
    directory: Directory,
) -> None:
    lookup = directory.lookup()
    assert await asyncio.gather(*map(lookup.get, "abcab")) == ["1", "2", None, "1", "2"]
    assert directory.asked == [["a", "b", "c"]]


async def test_what_was_found_is_remembered_for_its_time(directory: Directory) -> None:
    lookup = directory.lookup()
    await lookup.get("a")
    directory.now = 599
    await lookup.get("a")
    assert directory.asked == [["a"]]
    directory.now = 601
    await lookup.get("a")
    assert directory.asked == [["a"], ["a"]]


async def test_what_was_not_found_is_asked_again_sooner(directory: Directory) -> None:
    lookup = directory.lookup()
    assert await lookup.get("new") is None
    directory.ids["new"] = "3"
    directory.now = 59
    assert await lookup.get("new") is None
    directory.now = 61
    assert await lookup.get("new") == "3"


async def test_a_failure_is_not_remembered(directory: Directory) -> None:
    lookup = directory.lookup()
    directory.down = True
    with pytest.raises(Unavailable):
        await lookup.get("a")
    directory.down = False
    assert await lookup.get("a") == "1"


async def test_the_oldest_is_forgotten_when_it_is_full(directory: Directory) -> None:
    lookup = directory.lookup(size=2)
    for key in "abc":
        await lookup.get(key)
    directory.asked.clear()
    for key in "cba":
        await lookup.get(key)
    assert directory.asked == [["a"]]


async def test_what_turned_out_wrong_can_be_forgotten(directory: Directory) -> None:
    lookup = directory.lookup()
    await lookup.get("a")
    lookup.forget("a")
    lookup.forget("never known")
    await lookup.get("a")
    assert directory.asked == [["a"], ["a"]]


async def test_whom_the_crm_does_not_take_is_shortly_nobody(directory: Directory) -> None:
    lookup = directory.lookup()
    await asyncio.gather(*map(lookup.get, "ab"))
    for key in ("a", "b", "never known"):
        lookup.refuse(key, {"1", "7"})
    assert await asyncio.gather(*map(lookup.get, "ab")) == [None, "2"]
    directory.now = 61
    assert await lookup.get("a") == "1"


async def test_one_callers_cancellation_is_not_the_others(directory: Directory) -> None:
    lookup = directory.lookup()
    first, second = (asyncio.create_task(lookup.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "1"
