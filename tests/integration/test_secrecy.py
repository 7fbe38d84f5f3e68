"""Canaries in whatever a caller sends: none of them sings in a log, a metric or an answer."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from aiokafka import ConsumerRecord

from tests.admin_probe import Probe
from tests.ingress_rig import SECRET, Process, Reply, ask, connect, sign, until
from tests.kafka_fixture import RunningKafka
from tests.streams_rig import Rig, eventually, rig

TENANT = "canary-tenant"
PERSON = "canary.person@example.com"
"""Allowed where an event and its task are, and nowhere else."""


def email(number: int) -> bytes:
    data = {
        "interactionId": f"canary-interaction-{number}",
        "interactionOccurredAt": "2026-04-07T12:00:00Z",
        "userId": "canary-user",
        "recipients": [{"email": PERSON, "recipientType": "to"}],
        "subject": "canary-subject",
    }
    envelope = {"id": f"canary-{number}", "version": "email-v3", "tenantId": TENANT, "data": data}
    return json.dumps(envelope).encode()


def signed(body: bytes) -> dict[str, str]:
    return {"x-seismic-signature": sign(body), "x-canary-header": "canary-header-value"}


async def all_kinds(port: int) -> list[Reply]:
    """Send what is stored, set aside, refused and sent away; return the answers."""
    good, poison = email(1), email(2)[:-1]
    for body in (good, good, poison):
        await until(partial(_stored, port, body), 30)
    replies = [
        await ask(port, good, {"x-seismic-signature": "canary-signature"}),
        await ask(port, good, path="/webhook?token=canary-query"),
        await ask(port, good, path="/canary-path"),
        await ask(port, good, method="PUT"),
        await ask(port, b"x" * 2_000_000, {"x-canary-header": "canary-header-value"}),
        await ask(port, good, {**signed(good), "content-encoding": "canary-encoding"}),
    ]
    async with connect(port) as connection:
        await connection.send(b"POST /webhook HTTP/1.1\r\nhost: canary-host\r\nhost: x\r\n\r\n")
        replies.append(await connection.reply())
    return replies


async def _stored(port: int, body: bytes) -> bool:
    return (await ask(port, body, signed(body))).status == 200


async def test_no_canary_sings(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        prefix = r.topics.raw.name.removesuffix("raw")
        ingress = Process(
            tmp_path,
            GEOPHONE_KAFKA_BOOTSTRAP_SERVERS=r.bootstrap,
            GEOPHONE_TOPIC_PREFIX=prefix,
            GEOPHONE_TOPIC_PARTITIONS=str(r.partitions),
            GEOPHONE_LOG_LEVEL="DEBUG",
        )
        try:
            await ingress.start()
            worker = r.worker("w1", "dedup,followup", log_level="DEBUG")
            await until(ingress.is_ready, 30)
            replies = await all_kinds(ingress.port)
            await eventually(lambda: _all_handled(r), "a task, and one in the quarantine")
            metrics = await ingress.admin("/metrics")
            said = [metrics.body.decode(), await _metrics(worker)]
        finally:
            ingress.kill()
        said += [ingress.log.read_text(), worker.log.read_text()]
        assert "geophone_streams" in said[1]
        assert "dedup" in said[3]
        for each in said:
            assert "canary" not in each
            assert SECRET not in each
        for reply in replies:
            assert b"canary" not in reply.body
            assert "canary" not in str(reply.headers)
        await _nothing_in_headers(r)


async def _all_handled(r: Rig) -> bool:
    tasks = await r.read(r.topics.task.name)
    aside = await r.read(r.topics.quarantine.name)
    return len(tasks) == 1 and len(aside) > 0


async def _metrics(worker: Any) -> str:
    _, text = await Probe(worker)._get("/metrics")
    return text


async def _nothing_in_headers(r: Rig) -> None:
    """A record's headers name tenant and id; nothing else of what a caller sent is there."""
    others = (r.topics.raw.name, r.topics.task.name, r.topics.quarantine.name)
    for each in [*await r.read(*others), *await r.events()]:
        assert not [name for name in _unnamed(each) if "canary" in name]


def _unnamed(record: ConsumerRecord) -> list[str]:
    """Return the values of all headers but those that say whose and which."""
    told = {"ce_id", "ce_tenantid", "ce_source"}
    values = [value.decode() for name, value in record.headers if name not in told]
    assert PERSON not in str(record.headers)
    return values
