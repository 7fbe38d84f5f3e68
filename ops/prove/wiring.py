"""A link in every way between the processes of a stack, whatever they are told to connect to.

Brokers get a listener for each kind of client, which sends it to the broker's link of that kind.
The listener PLAINTEXT stays direct: for the harness's own readers, which must see the truth.
"""

from collections.abc import Mapping, Sequence

from ops.kafka.properties import Listener
from ops.ports import HOST, free_ports
from ops.prove.proxy import Links

CLIENT_INGRESS = "client-ingress"
INGRESS_KAFKA = "ingress-kafka"
STREAMS_KAFKA = "streams-kafka"
KAFKA_KAFKA = "kafka-kafka"
STREAMS_CRM = "streams-crm"
"""Names of links; where there are several, the number of the target follows: `kafka-kafka-2`."""

_ROLES = {"INGRESS": INGRESS_KAFKA, "STREAMS": STREAMS_KAFKA, "REPLICATION": KAFKA_KAFKA}

BROKER_SETTINGS = {"inter.broker.listener.name": "REPLICATION"}


class Wiring:
    """The links of one stack, new at each start."""

    def __init__(self) -> None:
        self.links = Links()
        self.listeners: Mapping[int, Sequence[Listener]] = {}

    async def open(
        self, brokers: Sequence[int], ingress_ports: Sequence[int], crm_port: int
    ) -> None:
        """Start all links; what they lead to may come later."""
        for number, port in enumerate(ingress_ports, 1):
            await self.links.open(f"{CLIENT_INGRESS}-{number}", port)
        await self.links.open(STREAMS_CRM, crm_port)
        self.listeners = {broker: await self._doors(broker) for broker in brokers}

    async def stop(self) -> None:
        await self.links.stop()

    @property
    def webhook_ports(self) -> list[int]:
        return [link.port for link in self.links.of(CLIENT_INGRESS)]

    @property
    def crm_port(self) -> int:
        return self.links[STREAMS_CRM].port

    @property
    def kafka(self) -> Mapping[str, str]:
        """Return where each role finds Kafka."""
        return {"ingress": self._servers(INGRESS_KAFKA), "streams": self._servers(STREAMS_KAFKA)}

    def _servers(self, kind: str) -> str:
        return ",".join(f"{HOST}:{link.port}" for link in self.links.of(kind))

    async def _doors(self, broker: int) -> Sequence[Listener]:
        ports = dict(zip(_ROLES, free_ports(len(_ROLES)), strict=True))
        doors = []
        for role, kind in _ROLES.items():
            link = await self.links.open(f"{kind}-{broker}", ports[role])
            doors.append(Listener(role, ports[role], link.port))
        return doors
