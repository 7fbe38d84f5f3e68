"""The same job as Faust's documentation shows it: an agent, a table, an awaited send per event.

Its offsets, its table and what it sends are committed apart from each other: a crash repeats events
or loses them. It is here for what it costs.
"""

import os
from pathlib import Path

import faust
import orjson

PREFIX = os.environ["GEOPHONE_TOPIC_PREFIX"]
PARTITIONS = int(os.environ["GEOPHONE_TOPIC_PARTITIONS"])

app = faust.App(
    f"{PREFIX}stock",
    broker=f"kafka://{os.environ['GEOPHONE_KAFKA_BOOTSTRAP_SERVERS']}",
    store="rocksdb://",
    datadir=Path(os.environ["GEOPHONE_STATE_DIR"]),
    topic_partitions=PARTITIONS,
    topic_replication_factor=1,
    topic_disable_leader=True,
    key_serializer="raw",
    value_serializer="raw",
    web_enabled=False,
)
raw = app.topic(f"{PREFIX}raw", key_type=bytes, value_type=bytes)
events = app.topic(f"{PREFIX}event.LivesendUpdatedV1", key_type=bytes, value_type=bytes)
marks = app.Table("marks", key_type=str, value_type=int, partitions=PARTITIONS)


@app.agent(raw)
async def deduplicate(stream: faust.StreamT[bytes]) -> None:
    """Send on what was not seen before."""
    async for event in stream.events():
        body = orjson.loads(event.value)
        key = f"{body['tenantId']}|{body['id']}"
        if key not in marks:
            marks[key] = event.message.offset
            await events.send(key=event.key, value=event.value, headers=event.headers)


if __name__ == "__main__":
    app.worker_init()
    faust.Worker(app, loglevel="error", override_logging=False).execute_from_commandline()
