"""The canary against a real ingress, real streams and a real Kafka, well and broken."""

import asyncio
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from pydantic import SecretStr
from rich.console import Console

from ops.kafka.cluster import LocalKafka
from ops.kafka.members import settle
from ops.ports import free_ports
from ops.prove.canary import run as canary_run
from ops.prove.canary.plan import TYPE, CanaryPlan
from ops.prove.canary.run import Exit, run
from schemas.connection import KafkaConnection
from schemas.topics import Topics
from streams.topics import ensure
from tests.ingress_rig import SECRET, Process
from tests.kafka_fixture import OwnKafka, RunningKafka
from tests.streams_rig import Rig, eventually, rig

WAITS_IN_VAIN = 8.0


@asynccontextmanager
async def installation(
    kafka: RunningKafka, folder: Path, *, sorts: bool = True
) -> AsyncIterator[tuple[CanaryPlan, Rig]]:
    """An ingress and, if it `sorts`, a streams worker; a plan that suits them."""
    async with rig(kafka.bootstrap_servers, folder) as r:
        prefix = r.topics.raw.name.removesuffix("raw")
        ingress = Process(
            folder,
            GEOPHONE_KAFKA_BOOTSTRAP_SERVERS=kafka.bootstrap_servers,
            GEOPHONE_TOPIC_PREFIX=prefix,
            GEOPHONE_TOPIC_PARTITIONS=str(r.partitions),
            GEOPHONE_TOPIC_REPLICATION="1",
        )
        try:
            await ingress.start()
            # A broker may not know of topics yet that were created a moment ago.
            client = {"bootstrap_servers": kafka.bootstrap_servers}
            assert await ensure(client, list(r.topics), r.partitions, 1, create=False) == []
            if sorts:
                r.worker("w1")
                await r.until_idle()
            url = f"http://127.0.0.1:{ingress.port}/webhook"
            connection = KafkaConnection(bootstrap_servers=kafka.bootstrap_servers)
            yield CanaryPlan(url, SECRET, connection, prefix, rate=50, settle_seconds=0.5), r
        finally:
            ingress.kill()


async def outcome(plan: CanaryPlan) -> tuple[Exit, str]:
    printed = io.StringIO()
    code = await run(plan, Console(file=printed, width=120))
    assert SECRET not in printed.getvalue()
    return code, printed.getvalue()


async def outcome_as_json(plan: CanaryPlan) -> tuple[Exit, dict[str, Any]]:
    code, text = await outcome(replace(plan, as_json=True))
    assert text.count("\n") == 1, "one object, on one line"
    return code, orjson.loads(text)


async def test_all_is_well(kafka: RunningKafka, tmp_path: Path) -> None:
    async with installation(kafka, tmp_path) as (plan, r):
        code, text = await outcome(plan)
        assert code == Exit.WELL, text
        assert "all well: 20 events (24 deliveries) are readable" in text

        code, content = await outcome_as_json(plan)
        assert (code, content["verdict"], content["reasons"]) == (Exit.WELL, "passed", [])
        assert (content["counts"]["raw_records"], content["counts"]["event_records"]) == (24, 20)
        times = content["times"]
        assert [times[each]["count"] for each in ("accepted", "raw", "event")] == [24, 20, 20]
        assert 0 < times["raw"]["p50"] <= times["raw"]["p99"] <= times["raw"]["max"]
        assert times["raw"]["p50"] < times["event"]["p50"]

        assert await r.read(r.topics.quarantine.name) == []


async def test_a_wrong_secret_is_no_judgement(kafka: RunningKafka, tmp_path: Path) -> None:
    async with installation(kafka, tmp_path, sorts=False) as (plan, r):
        code, text = await outcome(replace(plan, secret="another-secret"))
        assert code == Exit.UNJUDGED
        assert "answered 401: it has another secret: give one of its own with --secret-file" in text
        assert "another-secret" not in text
        assert await r.read(r.topics.raw.name) == []


async def test_nobody_sorts(kafka: RunningKafka, tmp_path: Path) -> None:
    async with installation(kafka, tmp_path, sorts=False) as (plan, _):
        code, content = await outcome_as_json(replace(plan, patience_seconds=WAITS_IN_VAIN))
        assert (code, content["verdict"]) == (Exit.UNWELL, "failed")
        assert [each["name"] for each in content["findings"]] == ["stuck"]
        assert content["findings"][0]["count"] == 20
        assert "is a streams process with the stage dedup running" in content["reasons"][0]


async def test_a_second_writer_is_found(kafka: RunningKafka, tmp_path: Path) -> None:
    async with installation(kafka, tmp_path) as (plan, r):
        writer = asyncio.create_task(write_one_again(r, plan.output_topic))
        # The copy comes while it sends, or soon afterwards.
        code, content = await outcome_as_json(replace(plan, rate=8, settle_seconds=4))
        await writer
        assert code == Exit.UNWELL
        assert {each["name"]: each["count"] for each in content["findings"]} == {"duplicate": 1}
        assert re.search(r"canary-\w+-1: 2 times in", content["findings"][0]["examples"][0])


async def write_one_again(r: Rig, topic: str) -> None:
    """Wait for the first record of the topic, and write it there a second time."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=r.bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    async with consumer, r.producer() as producer:
        first = await anext(aiter(consumer))
        await producer.send_and_wait(
            topic, first.value, first.key, first.partition, headers=list(first.headers)
        )


async def test_an_open_transaction_is_named(kafka: RunningKafka, tmp_path: Path) -> None:
    async with installation(kafka, tmp_path) as (plan, r):
        stranger = AIOKafkaProducer(
            bootstrap_servers=r.bootstrap, transactional_id=f"{r.app_id}-stranger"
        )
        async with stranger:
            await stranger.begin_transaction()
            for partition in range(r.partitions):
                await stranger.send_and_wait(plan.output_topic, b"{}", partition=partition)
            patience = replace(plan, events=3, patience_seconds=WAITS_IN_VAIN)
            code, content = await outcome_as_json(patience)
            await stranger.abort_transaction()
        assert code == Exit.UNWELL
        assert [each["name"] for each in content["findings"]] == ["stuck"]
        assert "an open transaction hides" in content["reasons"][0]


async def test_no_kafka_is_no_judgement() -> None:
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    connection = KafkaConnection(bootstrap_servers=nobody)
    code, content = await outcome_as_json(CanaryPlan("http://127.0.0.1:9", SECRET, connection))
    assert (code, content["verdict"]) == (Exit.UNJUDGED, "void")
    assert f"no Kafka answers at {nobody}" in content["reasons"][0]


async def test_a_kafka_that_dies_meanwhile_is_no_judgement(
    own_kafka: OwnKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary_run, "KAFKA_SECONDS", 2.0)
    local = await own_kafka(1)
    client = {"bootstrap_servers": local.bootstrap_servers}
    topics = Topics()
    assert await ensure(client, [topics.raw, topics.events[TYPE]], 2, 1, create=True) == []

    async def lie(_: web.Request) -> web.Response:
        local.kill(1)
        return web.Response()

    async with serving(lie) as url:
        plan = CanaryPlan(url, SECRET, KafkaConnection(**client), events=1, patience_seconds=0.5)
        assert f"no Kafka answers at {local.bootstrap_servers}" in await unjudged(plan)


@asynccontextmanager
async def serving(
    answer: Callable[[web.Request], Awaitable[web.Response]],
) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/webhook", answer)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
    finally:
        await runner.cleanup()


async def test_another_prefix_is_no_judgement_and_makes_no_topic(kafka: RunningKafka) -> None:
    connection = KafkaConnection(bootstrap_servers=kafka.bootstrap_servers)
    plan = CanaryPlan("http://127.0.0.1:9", SECRET, connection, prefix="nowhere.")
    code, text = await outcome(plan)
    assert code == Exit.UNJUDGED
    assert "there is no topic nowhere.raw" in text


async def test_an_ingress_that_is_down_refuses(kafka: RunningKafka, tmp_path: Path) -> None:
    async with installation(kafka, tmp_path, sorts=False) as (plan, _):
        nobody = f"http://127.0.0.1:{free_ports(1)[0]}/webhook"
        code, content = await outcome_as_json(
            replace(plan, url=nobody, pauses=(0.1,), patience_seconds=WAITS_IN_VAIN)
        )
        assert code == Exit.UNWELL
        assert {each["name"]: each["count"] for each in content["findings"]} == {"refused": 1}
        assert content["counts"]["attempts"] == 2, "it stops at the first that is refused"


PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
TOPIC, LITERAL, READ, DESCRIBE, ALLOW = 2, 3, 3, 8, 3  # numbers of Kafka's protocol


@asynccontextmanager
async def guarded(folder: Path) -> AsyncIterator[tuple[LocalKafka, str]]:
    """A broker with a second door that asks who one is: `canary` may do what it is granted."""
    overrides, door = rules(folder)
    local = LocalKafka(folder, 1, overrides)
    await local.start()
    try:
        yield local, door
    finally:
        await local.stop()


def rules(folder: Path) -> tuple[dict[str, object], str]:
    """Return the lines of server.properties that make the second door, and its address."""
    folder.mkdir()
    (member,) = settle(folder / "kafka.json", 1, lambda _: None).nodes
    door = f"127.0.0.1:{free_ports(1)[0]}"
    doors = f"PLAINTEXT://127.0.0.1:{member.port},GUARDED://{door}"
    overrides: dict[str, object] = {
        "listeners": f"{doors},CONTROLLER://127.0.0.1:{member.controller_port}",
        "advertised.listeners": doors,
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,GUARDED:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT"
        ),
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.name.guarded.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.guarded.plain.sasl.jaas.config": f'{PLAIN} user_canary="right";',
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    return overrides, door


async def grant(bootstrap: str, topic: str, operation: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    request = CreateAclsRequest(TOPIC, topic, LITERAL, "User:canary", "*", operation, ALLOW)
    await admin._send_request(request)
    await admin.close()


async def test_a_guarded_kafka_says_what_it_wants(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if request.config.getoption("--kafka") != "embedded":
        pytest.skip("starts a broker with rules of its own: only with --kafka=embedded")
    async with guarded(tmp_path / "kafka") as (local, door):
        bootstrap, topics = local.bootstrap_servers, Topics()
        names = [topics.raw, topics.events[TYPE]]
        assert await ensure({"bootstrap_servers": bootstrap}, names, 2, 1, create=True) == []
        nobody = f"http://127.0.0.1:{free_ports(1)[0]}/webhook"
        plan = CanaryPlan(nobody, SECRET, as_user(door, "wrong"), events=1, pauses=())
        assert await unjudged(plan) == (
            f"no Kafka answers at {door}, or it refuses canary (SASL_PLAINTEXT): check --kafka and "
            "the GEOPHONE_KAFKA_… variables; they are those of the services"
        )

        plan = replace(plan, kafka=as_user(door, "right"))
        assert "this user may not see it" in await unjudged(plan)

        for name in names:
            await grant(bootstrap, name.name, DESCRIBE)
        await eventually_says(plan, f"lets canary not read {topics.raw.name}")

        for name in names:
            await grant(bootstrap, name.name, READ)
        quick = replace(plan, settle_seconds=0.1)
        await eventually(lambda: refused(quick), "the way to be free, up to the ingress")


def as_user(door: str, password: str) -> KafkaConnection:
    return KafkaConnection(
        bootstrap_servers=door,
        security_protocol="SASL_PLAINTEXT",
        sasl_username="canary",
        sasl_password=SecretStr(password),
    )


async def unjudged(plan: CanaryPlan) -> str:
    code, content = await outcome_as_json(plan)
    assert code == Exit.UNJUDGED, content
    (reason,) = content["reasons"]
    return str(reason)


async def eventually_says(plan: CanaryPlan, words: str) -> None:
    """Rules reach a broker a moment after they were accepted."""

    async def says() -> bool:
        return words in await unjudged(plan)

    await eventually(says, words)


async def refused(plan: CanaryPlan) -> bool:
    code, _ = await outcome_as_json(plan)
    return code == Exit.UNWELL
