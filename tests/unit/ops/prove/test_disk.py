"""Whatever goes wrong with the small disk: nothing stays mounted, and the files are back."""

import asyncio
import os
import sys
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from ops.prove.faults import Site, disk
from ops.prove.faults.disk import SmallDisk
from tests.streams_rig import eventually


class Commands:
    """What is run, and with which code each ends; nothing is mounted."""

    def __init__(self) -> None:
        self.codes: dict[tuple[str | Path, ...], int] = {}
        self.run: list[str] = []

    def __call__(self, *command: str | Path) -> int:
        self.run.append(" ".join(map(str, command[:2])))
        return next((c for start, c in self.codes.items() if command[: len(start)] == start), 0)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    commands = Commands()
    monkeypatch.setattr(disk, "_run", commands)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "platform", "linux")
    return commands


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "segment").write_text("a wave")
    return folder


def test_a_copy_that_failed_is_unmounted_and_the_files_are_back(
    commands: Commands, folder: Path
) -> None:
    commands.codes = {("cp",): 1}
    small = SmallDisk(folder)
    with pytest.raises(OSError, match="could not copy"):
        small.put()
    small.take_away()
    assert commands.run[-1] == f"umount {folder}"
    assert (folder / "segment").read_text() == "a wave"
    assert [each.name for each in folder.parent.iterdir()] == ["data"]


def test_a_disk_that_is_busy_is_unmounted_all_the_same(commands: Commands, folder: Path) -> None:
    commands.codes = {("umount", folder): 32}
    small = SmallDisk(folder)
    small.put()
    small.take_away()
    assert commands.run[-2:] == [f"umount {folder}", "umount -l"]


def test_a_disk_that_was_never_put_is_not_taken_away(commands: Commands, folder: Path) -> None:
    SmallDisk(folder).take_away()
    assert commands.run == []
    assert (folder / "segment").exists()


class Slow:
    """A disk whose `put` takes a while; tells what was done, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.go_on = threading.Event()

    def put(self) -> None:
        self.told.append("putting")
        self.go_on.wait(20)
        self.told.append("put")

    def take_away(self) -> None:
        self.told.append("taken away")


async def test_called_off_while_it_is_put_it_is_taken_away_afterwards() -> None:
    class Kafka:
        async def terminate(self, _: int) -> None:
            slow.told.append("terminated")

    class Here:
        kafka = Kafka()

    slow = Slow()
    filling = disk._on_small_disk(cast("Site", Here()), 1, cast("Any", slow))
    work = asyncio.create_task(filling)
    await eventually(lambda: slow.told, "the disk to be put", pause=0)
    work.cancel()
    await asyncio.sleep(0)
    slow.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(work, 20)
    assert slow.told == ["putting", "put", "terminated", "taken away"]
