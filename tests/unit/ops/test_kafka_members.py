"""Addresses of the local Kafka: chosen once, kept, and moved only when somebody else sits there."""

import base64
import socket
from pathlib import Path

import pytest

from ops.kafka.errors import FolderInUse
from ops.kafka.members import settle
from ops.kafka.properties import server_properties
from ops.ports import HOST


@pytest.fixture
def said() -> list[str]:
    return []


def test_a_second_start_keeps_every_port_and_the_cluster_id(
    tmp_path: Path, said: list[str]
) -> None:
    first = settle(tmp_path / "kafka.json", 3, said.append)
    assert settle(tmp_path / "kafka.json", 3, said.append) == first
    assert said == []


def test_all_ports_of_a_cluster_differ(tmp_path: Path, said: list[str]) -> None:
    nodes = settle(tmp_path / "kafka.json", 3, said.append).nodes
    assert len({port for node in nodes for port in (node.port, node.controller_port)}) == 6


def test_a_cluster_id_is_16_bytes_and_no_option(tmp_path: Path, said: list[str]) -> None:
    cluster_id = settle(tmp_path / "kafka.json", 1, said.append).cluster_id
    assert len(base64.urlsafe_b64decode(cluster_id + "==")) == 16
    assert not cluster_id.startswith("-")


def test_a_taken_port_is_moved_and_both_addresses_are_said_and_kept(
    tmp_path: Path, said: list[str]
) -> None:
    [node] = settle(tmp_path / "kafka.json", 1, said.append).nodes
    with socket.socket() as stranger:
        stranger.bind((HOST, node.port))
        stranger.listen()
        [moved] = settle(tmp_path / "kafka.json", 1, said.append).nodes
    assert moved.port != node.port
    assert moved.controller_port == node.controller_port
    [line] = said
    assert f"port {node.port} " in line
    assert f"{HOST}:{moved.port}" in line
    assert settle(tmp_path / "kafka.json", 1, said.append).nodes == (moved,)


def test_another_number_of_brokers_than_the_folder_holds_is_refused(
    tmp_path: Path, said: list[str]
) -> None:
    settle(tmp_path / "kafka.json", 3, said.append)
    with pytest.raises(FolderInUse, match=r"cluster of 3 broker\(s\), not of 1"):
        settle(tmp_path / "kafka.json", 1, said.append)


@pytest.mark.parametrize(("brokers", "copies", "in_sync"), [(1, 1, 1), (3, 3, 2)])
def test_durability_is_as_strict_as_the_number_of_brokers_allows(
    tmp_path: Path, said: list[str], brokers: int, copies: int, in_sync: int
) -> None:
    members = settle(tmp_path / "kafka.json", brokers, said.append)
    lines = server_properties(members.nodes[0], members).splitlines()
    assert f"offsets.topic.replication.factor={copies}" in lines
    assert f"transaction.state.log.replication.factor={copies}" in lines
    assert f"min.insync.replicas={in_sync}" in lines
    assert f"transaction.state.log.min.isr={in_sync}" in lines
    assert "unclean.leader.election.enable=false" in lines
