"""The rehearsal only ever makes starts faster: without it Kafka runs all the same."""

from pathlib import Path

import pytest

from ops.kafka import rehearsal as kafka_rehearsal
from ops.kafka.errors import NotReady
from ops.kafka.java import Java
from ops.kafka.rehearsal import rehearsed


@pytest.fixture
def plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Java]:
    """The rehearsals so far. The jars are a made-up one in `tmp_path`; no broker is started."""
    played: list[Java] = []

    async def play(java: Java, _folder: Path) -> None:
        played.append(java)

    monkeypatch.setattr(kafka_rehearsal, "_play", play)
    monkeypatch.setattr(
        kafka_rehearsal, "class_path", lambda _progress, _cache: [tmp_path / "jars" / "one.jar"]
    )
    return played


async def test_a_rehearsal_is_recorded_once_and_used_from_then_on(
    plays: list[Java], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def record(java: Java, _folder: Path) -> None:
        plays.append(java)
        assert java.record_to
        java.record_to.write_bytes(b"classes")

    monkeypatch.setattr(kafka_rehearsal, "_play", record)
    first = await rehearsed(lambda _: None)
    assert first.archive
    assert first.archive.read_bytes() == b"classes"
    assert await rehearsed(lambda _: None) == first
    assert len(plays) == 1


async def test_a_runtime_that_records_nothing_is_asked_once(plays: list[Java]) -> None:
    assert (await rehearsed(lambda _: None)).archive is None
    assert (await rehearsed(lambda _: None)).archive is None
    assert len(plays) == 1


@pytest.mark.usefixtures("plays")
async def test_a_failed_rehearsal_is_said_and_does_not_stop_kafka(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(_java: Java, _folder: Path) -> None:
        raise NotReady("too busy")

    monkeypatch.setattr(kafka_rehearsal, "_play", fail)
    said: list[str] = []
    assert (await rehearsed(said.append)).archive is None
    assert said[-1] == "Kafka will start slower than it could: too busy"
