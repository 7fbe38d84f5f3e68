"""What a coordinator's answer says about where a group stands."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    GroupLoadInProgressError,
    IllegalStateError,
    KafkaError,
    NotCoordinatorForGroupError,
)

from streams.standing import Committed, committed

SOURCE = TopicPartition("seismic.raw", 3)
LOADING, NOT_COORDINATOR = 14, 16


async def asked(topics: list[Any], **error: int) -> Committed:
    async def send(node: int, _: Any) -> Any:
        assert node == 7
        return SimpleNamespace(topics=topics, **error)

    client: Any = SimpleNamespace(send=send)
    return await committed(client, 7, "app-dedup", SOURCE)


def partition(offset: int, error: int = 0, note: str | None = "") -> list[Any]:
    return [("seismic.raw", [(SOURCE.partition, offset, note, error)])]


async def test_an_offset_is_where_it_stands() -> None:
    assert await asked(partition(0), error_code=0) == Committed(0, "")
    assert await asked(partition(42), error_code=0) == Committed(42, "")


async def test_a_note_is_what_was_said_beside_it() -> None:
    assert await asked(partition(42, note="1 ..x")) == Committed(42, "1 ..x")
    assert await asked(partition(42, note=None)) == Committed(42, "")


async def test_minus_one_is_nowhere() -> None:
    assert await asked(partition(-1), error_code=0) == Committed(None, "")


async def test_old_versions_have_no_error_of_the_whole() -> None:
    assert await asked(partition(42)) == Committed(42, "")


@pytest.mark.parametrize(
    ("code", "error"),
    [(LOADING, GroupLoadInProgressError), (NOT_COORDINATOR, NotCoordinatorForGroupError)],
)
@pytest.mark.parametrize("topics", [[], partition(-1)])
async def test_an_error_of_the_whole_is_not_nowhere(
    code: int, error: type[KafkaError], topics: list[Any]
) -> None:
    with pytest.raises(error, match=r"seismic\.raw-3"):
        await asked(topics, error_code=code)


async def test_an_error_of_the_partition_is_not_nowhere() -> None:
    with pytest.raises(GroupLoadInProgressError):
        await asked(partition(-1, LOADING), error_code=0)


@pytest.mark.parametrize("topics", [[], [("seismic.raw", [(4, 9, "", 0)])]])
async def test_silence_is_not_nowhere(topics: list[Any]) -> None:
    with pytest.raises(IllegalStateError):
        await asked(topics, error_code=0)
