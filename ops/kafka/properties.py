"""server.properties of one node: production's rules, sized for a laptop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ops.kafka.members import Member, Members
from ops.ports import HOST

MIB = 1024 * 1024
# A record holds one request body (1 MiB at most) and its headers; this leaves room for a batch.
MESSAGE_MAX_BYTES = 3 * MIB


@dataclass(frozen=True, slots=True)
class Listener:
    """A further door of a broker: it listens on `port` and sends its clients to `advertised`."""

    name: str
    port: int
    advertised: int


def server_properties(
    node: Member,
    members: Members,
    overrides: Mapping[str, object] | None = None,
    listeners: Sequence[Listener] = (),
) -> str:
    """Paths in it are relative to the node's folder, in which the broker must be started.

    `overrides` come last and win; nothing checks that Kafka knows them.
    """
    settings = {
        **_identity(node, members, listeners),
        **_durability(len(members.nodes)),
        **_SIZES,
        **_TIMES,
        **(overrides or {}),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _identity(node: Member, members: Members, more: Sequence[Listener]) -> dict[str, object]:
    voters = ",".join(f"{each.number}@{HOST}:{each.controller_port}" for each in members.nodes)
    return {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "log.dirs": "data",
        **_doors(node, more),
    }


def _doors(node: Member, more: Sequence[Listener]) -> dict[str, object]:
    doors = [Listener("PLAINTEXT", node.port, node.port), *more]
    listening = [f"{door.name}://{HOST}:{door.port}" for door in doors]
    names = [*(door.name for door in doors), "CONTROLLER"]
    return {
        "listeners": ",".join([*listening, f"CONTROLLER://{HOST}:{node.controller_port}"]),
        "advertised.listeners": ",".join(f"{d.name}://{HOST}:{d.advertised}" for d in doors),
        "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in names),
    }


def _durability(brokers: int) -> dict[str, object]:
    copies, in_sync = min(3, brokers), min(2, brokers)
    return {
        "default.replication.factor": copies,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "share.coordinator.state.topic.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.min.isr": in_sync,
        "unclean.leader.election.enable": "false",
        "auto.create.topics.enable": "false",
    }


_SIZES: dict[str, object] = {
    "message.max.bytes": MESSAGE_MAX_BYTES,
    "offsets.topic.num.partitions": 10,
    "transaction.state.log.num.partitions": 10,
    # After a kill -9 a broker reads again whatever lies in segments that are not full yet.
    "log.segment.bytes": 64 * MIB,
    # 128 MiB by default, allocated at the start: a third of the heap.
    "log.cleaner.dedupe.buffer.size": 16 * MIB,
}

_TIMES: dict[str, object] = {
    "group.initial.rebalance.delay.ms": 0,
    # Lets tests lose a consumer within a second; clients still choose their own timeout.
    "group.min.session.timeout.ms": 1000,
    # After this a killed broker's partitions move, and it may come back itself: until then its
    # registration is refused as a duplicate. The default of 9 s only makes people and tests wait.
    "broker.session.timeout.ms": 2000,
    "broker.heartbeat.interval.ms": 250,
    # Waits of a second each that every start and restart of three brokers would run into.
    "controller.quorum.election.timeout.ms": 500,
    "replica.fetch.backoff.ms": 100,
}
