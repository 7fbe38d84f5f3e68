"""`geophone topics`: bring a cluster's topics in line with the contract, or say what differs."""

from aiokafka.admin import AIOKafkaAdminClient

from schemas.connection import KafkaConnection
from schemas.topics import Topics
from streams.topics import ensure

PRODUCTION_REPLICATION = 3


async def apply(
    connection: KafkaConnection, topics: Topics, partitions: int, replication: int
) -> list[str]:
    """Create what is missing; return what differs and cannot be mended, in sentences."""
    client = connection.client_arguments()
    return await ensure(client, list(topics), partitions, replication, create=True)


async def verify(connection: KafkaConnection, topics: Topics, partitions: int) -> list[str]:
    """Return what differs from the contract, in sentences; changes nothing."""
    client = connection.client_arguments()
    return await ensure(client, list(topics), partitions, PRODUCTION_REPLICATION, create=False)


async def replication_for(connection: KafkaConnection) -> int:
    """Return the replication factor this cluster can carry, three at most."""
    admin = AIOKafkaAdminClient(**connection.client_arguments())
    await admin.start()
    try:
        described = await admin.describe_cluster()
        return min(PRODUCTION_REPLICATION, len(described["brokers"]))
    finally:
        await admin.close()
