"""What an installation needs and does not bring: a Kafka and a CRM, on this machine."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.kafka.cluster import LocalKafka
from ops.kafka.members import Member, settle
from ops.ports import free_ports
from schemas.connection import KafkaConnection
from tests.cluster.control_plane import HOST
from tests.sandbox_fixture import running_sandbox


@dataclass(frozen=True)
class Around:
    """Where pods, and we, find them."""

    kafka: str
    crm: str

    @property
    def connection(self) -> KafkaConnection:
        return KafkaConnection(bootstrap_servers=self.kafka)


@contextmanager
def around(folder: Path) -> Iterator[Around]:
    """Run one broker and the CRM sandbox at the address that pods reach."""
    [port] = free_ports(1)
    broker = folder / "kafka"
    broker.mkdir()
    [node] = settle(broker / "kafka.json", 1, _ignore).nodes
    kafka = LocalKafka(broker, overrides=_doors(node, port))
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(kafka.start())
        try:
            with running_sandbox(folder, "--host", HOST) as crm:
                yield Around(f"{HOST}:{port}", crm)
        finally:
            runner.run(kafka.stop())


def _doors(node: Member, port: int) -> dict[str, object]:
    own, pods = f"PLAINTEXT://127.0.0.1:{node.port}", f"PODS://{HOST}:{port}"
    names = ("PLAINTEXT", "PODS", "CONTROLLER")
    return {
        "listeners": f"{own},{pods},CONTROLLER://127.0.0.1:{node.controller_port}",
        "advertised.listeners": f"{own},{pods}",
        "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in names),
    }


def _ignore(_: str) -> None:
    pass
