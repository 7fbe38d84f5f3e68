"""A broker whose disk is full: its data moves to a small file system of its own, which fills up."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import Random

from ops.kafka.errors import LocalKafkaError
from ops.prove.faults.site import FaultFailed, NotHere, Site, until
from ops.prove.history import Strike

_MIB = 1024 * 1024
_SPARE_BYTES = 48 * _MIB
_MOST_BYTES = 1024 * _MIB
_BLOCK = 512  # what st_blocks counts
_FULL_SECONDS = 3.0


async def full(site: Site, dice: Random) -> Strike:
    """Fill one broker's disk until the broker gives up; make room and start it again.

    A broker that cannot write ends itself: with one data folder there is nothing left to serve.
    """
    broker = dice.choice(site.kafka.brokers)
    disk = SmallDisk(site.kafka.data(broker))
    async with site.hold("kafka"):
        await site.until_in_sync()
        await site.kafka.terminate(broker)
        try:
            strike = await _on_small_disk(site, broker, disk)
        except (NotHere, FaultFailed, LocalKafkaError):
            await site.kafka.restart(broker)
            raise
        await site.kafka.restart(broker)
        await site.until_in_sync()
    return strike


async def _on_small_disk(site: Site, broker: int, disk: "SmallDisk") -> Strike:
    putting = asyncio.create_task(asyncio.to_thread(disk.put))
    try:
        await asyncio.shield(putting)
        return await _fill(site, broker, disk)
    finally:
        # Also when we are told to stop: nothing must stay mounted, and no thread can be called off.
        await asyncio.wait([putting])
        try:
            await site.kafka.terminate(broker)
        finally:
            await asyncio.to_thread(disk.take_away)


async def _fill(site: Site, broker: int, disk: "SmallDisk") -> Strike:
    await site.kafka.restart(broker)
    await site.until_in_sync()
    at = time.monotonic()
    await asyncio.to_thread(disk.fill)
    await until(lambda: broker in site.kafka.dead(), "the broker to notice its full disk")
    note = f"the broker ended itself after {time.monotonic() - at:.1f} s"
    await asyncio.sleep(_FULL_SECONDS)
    await asyncio.to_thread(disk.make_room)
    await site.kafka.restart(broker)
    await site.until_in_sync()
    return Strike("", f"kafka-{broker}", at, time.monotonic(), note)


class SmallDisk:
    """A file system in memory in the place of a folder, with the same files and little room."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._aside = folder.with_name(f"{folder.name}-aside")
        self._ballast = folder / "ballast"
        self._mounted = self._whole = False

    def put(self) -> None:
        """Move the files to a file system with room for little more.

        Raises:
            NotHere: this machine does not let us mount one, or it would take too much memory.
        """
        if sys.platform != "linux" or os.geteuid() != 0:
            raise NotHere("mounting a small file system needs root on Linux")
        size = _SPARE_BYTES + sum(f.stat().st_blocks * _BLOCK for f in self._folder.rglob("*"))
        if size > _MOST_BYTES:
            raise NotHere(f"the broker's {size // _MIB} MiB are too much for a disk in memory")
        self._folder.rename(self._aside)
        self._folder.mkdir()
        if _run("mount", "-t", "tmpfs", "-o", f"size={size}", "geophone", self._folder):
            self._folder.rmdir()
            self._aside.rename(self._folder)
            raise NotHere("this machine does not let us mount a small file system")
        self._mounted = True
        _copy(self._aside, self._folder)
        self._whole = True

    def fill(self) -> None:
        """Write until nothing fits any more."""
        with suppress(OSError), self._ballast.open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(_MIB // 4))

    def make_room(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def take_away(self) -> None:
        """Move the files back to where they came from; harmless after a `put` that failed."""
        if not self._mounted:
            return
        try:
            if self._whole:
                self.make_room()
                shutil.rmtree(self._aside)
                _copy(self._folder, self._aside)
        finally:
            self._unmount()

    def _unmount(self) -> None:
        # Whoever still has a file open there keeps it busy: then it goes once that is closed.
        if _run("umount", self._folder) and _run("umount", "-l", self._folder):
            raise OSError(f"could not unmount {self._folder}")
        self._mounted = self._whole = False
        self._folder.rmdir()
        self._aside.rename(self._folder)


def _copy(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    # Kafka's indexes are mostly holes, which have to stay holes.
    if _run("cp", "-a", "--sparse=always", f"{source}/.", target):
        raise OSError(f"could not copy {source} to {target}")


def _run(*command: str | Path) -> int:
    return subprocess.run(command, check=False).returncode
