"""What a competent user would write instead: Starlette, a signature, one awaited send per event."""

import contextlib
import hashlib
import hmac
import os
from collections.abc import AsyncIterator

import orjson
import uvicorn
from aiokafka import AIOKafkaProducer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

SECRET = os.environ["GEOPHONE_SECRETS"].encode()
KAFKA = os.environ["GEOPHONE_KAFKA_BOOTSTRAP_SERVERS"]
TOPIC = os.environ["GEOPHONE_TOPIC_PREFIX"] + "raw"
PORT = int(os.environ["GEOPHONE_PORT"])


async def webhook(request: Request) -> Response:
    """Verify, store, answer."""
    body = await request.body()
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature, request.headers.get("x-seismic-signature", "")):
        return Response(status_code=401)
    key = orjson.loads(body)["tenantId"].encode()
    await request.state.producer.send_and_wait(TOPIC, body, key=key)
    return Response()


@contextlib.asynccontextmanager
async def connected(_: Starlette) -> AsyncIterator[dict[str, AIOKafkaProducer]]:
    """Keep a producer for as long as the application runs."""
    producer = AIOKafkaProducer(bootstrap_servers=KAFKA, acks="all", enable_idempotence=True)
    async with producer:
        yield {"producer": producer}


if __name__ == "__main__":
    app = Starlette(routes=[Route("/webhook", webhook, methods=["POST"])], lifespan=connected)
    uvicorn.run(
        app, port=PORT, http="httptools", loop="uvloop", access_log=False, log_level="error"
    )
