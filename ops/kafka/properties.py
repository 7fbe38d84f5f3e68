"""server.properties of one node: production's rules, sized for a laptop."""

from ops.kafka.members import Member, Members
from ops.ports import HOST

MIB = 1024 * 1024
# A record holds one request body (1 MiB at most) and its headers; this leaves room for a batch.
MESSAGE_MAX_BYTES = 3 * MIB


def server_properties(node: Member, members: Members) -> str:
    """Paths in it are relative to the node's folder, in which the broker must be started."""
    settings = {**_identity(node, members), **_durability(len(members.nodes)), **_SIZES, **_TIMES}
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _identity(node: Member, members: Members) -> dict[str, object]:
    voters = ",".join(f"{each.number}@{HOST}:{each.controller_port}" for each in members.nodes)
    return {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": voters,
        "listeners": (f"PLAINTEXT://{HOST}:{node.port},CONTROLLER://{HOST}:{node.controller_port}"),
        "advertised.listeners": f"PLAINTEXT://{HOST}:{node.port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": "data",
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
