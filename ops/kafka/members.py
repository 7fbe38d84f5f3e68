"""Who the brokers are: numbers, ports and cluster id, kept in the state folder as kafka.json.

A second start goes on with the same addresses, so that clients and kept settings stay valid.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ops.kafka.errors import FolderInUse
from ops.ports import HOST, free_ports, is_free


@dataclass(frozen=True)
class Member:
    """One node, broker and controller in one process."""

    number: int
    port: int
    controller_port: int


@dataclass(frozen=True)
class Members:
    """All nodes of one cluster. `cluster_id` is 16 random bytes as Kafka spells them."""

    cluster_id: str
    nodes: tuple[Member, ...]

    @property
    def bootstrap_servers(self) -> str:
        return ",".join(f"{HOST}:{node.port}" for node in self.nodes)


def settle(file: Path, brokers: int, progress: Callable[[str], None]) -> Members:
    """The members that `file` keeps, or new ones; written back when anything is new.

    Call it while none of them runs. Raises FolderInUse when the file keeps another number.
    """
    kept = _read(file) if file.exists() else None
    if kept and len(kept.nodes) != brokers:
        raise FolderInUse(
            f"{file.parent} holds a cluster of {len(kept.nodes)} broker(s), not of {brokers}. Ask "
            f"for {len(kept.nodes)}, choose another state folder, or delete this one with its data."
        )
    members = _moved(kept, progress) if kept else _new(brokers)
    if members != kept:
        _write(file, members)
    return members


def _new(brokers: int) -> Members:
    ports = iter(free_ports(2 * brokers))
    nodes = tuple(Member(number, next(ports), next(ports)) for number in range(1, brokers + 1))
    # An id that begins with a dash would read as an option on Kafka's command line.
    return Members("g" + secrets.token_urlsafe(16)[1:], nodes)


def _moved(kept: Members, progress: Callable[[str], None]) -> Members:
    return replace(kept, nodes=tuple(_moved_node(node, progress) for node in kept.nodes))


def _moved_node(node: Member, progress: Callable[[str], None]) -> Member:
    if not is_free(node.controller_port):
        node = replace(node, controller_port=free_ports(1)[0])
    if is_free(node.port):
        return node
    moved = replace(node, port=free_ports(1)[0])
    progress(
        f"port {node.port} of broker {node.number} is taken by another process: the broker is now "
        f"at {HOST}:{moved.port}; clients that were given the old address need the new one"
    )
    return moved


def _read(file: Path) -> Members:
    kept = json.loads(file.read_text(encoding="utf-8"))
    return Members(kept["cluster_id"], tuple(Member(**node) for node in kept["nodes"]))


def _write(file: Path, members: Members) -> None:
    written = file.with_suffix(".new")
    written.write_text(json.dumps(asdict(members), indent=2) + "\n", encoding="utf-8")
    written.replace(file)
