"""Stop an aiokafka consumer for good, whatever state its brokers are in."""

import asyncio

from aiokafka import AIOKafkaConsumer


async def stop(consumer: AIOKafkaConsumer) -> None:
    """Stop it and close its connections.

    While a broker is down, the library's own `stop` ends with the cancellation of one of its
    fetches: as if the caller had been cancelled, in place of the error that the caller stops for,
    and with the connections left open.
    """
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait([stopping])
    if stopping.cancelled():
        await consumer._client.close()  # noqa: SLF001 - what the library did not come to
    else:
        stopping.result()
