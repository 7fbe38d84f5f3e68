"""The main promise, over HTTP: what was answered 2xx is there, once, in order, and acted on.

Two ingresses and two workers share the work, and any of them may go at any time.
"""

import asyncio
import random
import signal
import time
import uuid

import orjson
import psutil
import pytest
from aiohttp import ClientSession

from ops import samples
from ops.sender import SENDER_TIMEOUT_SECONDS, Delivery, post, signed
from tests.seismic import Event, Seismic
from tests.streams_rig import eventually
from tests.up_rig import Up
from tests.whole import INGRESSES, WORKERS, Whole

BACK_WITHIN = 30.0


@pytest.fixture
async def whole(up: Up) -> Whole:
    stack = Whole(up)
    await eventually(stack.is_whole, "the stack to be whole")
    return stack


def seismic(whole: Whole) -> Seismic:
    """Return a sender that spreads its deliveries over both ingresses."""
    return Seismic(whole.up.stack["webhook_urls"], secret(whole), uuid.uuid4().hex[:8])


def secret(whole: Whole) -> str:
    return (whole.up.state_dir / "secret").read_text().strip()


async def running(sender: Seismic) -> None:
    """Wait until the load has been flowing for a while."""
    begun = len(sender.attempts)
    await eventually(lambda: len(sender.attempts) >= begun + 100, "the load to flow")


async def test_both_ingresses_answer_and_both_workers_own_partitions(whole: Whole) -> None:
    owned = await whole.owned("dedup")
    assert sorted(owned) == [6, 6]
    async with seismic(whole) as sender:
        await running(sender)
    by_url = {a.url for a in sender.attempts if a.accepted}
    assert by_url == {whole.webhook(name) for name in INGRESSES}
    await whole.until_settled()
    await whole.assert_holds(sender.accepted())


@pytest.mark.timeout(400)
async def test_a_rolling_restart_loses_nothing_and_the_others_refuse_nothing(whole: Whole) -> None:
    """SIGTERM for each ingress and each worker in turn, as a deployment does."""
    async with seismic(whole) as sender:
        for name in (*INGRESSES, *WORKERS):
            await running(sender)
            moment = time.monotonic()
            await whole.end(name, by=signal.SIGTERM)
            others = [whole.webhook(each) for each in INGRESSES if each != name]
            refused = sender.refused_since(moment, others)
            assert not refused, f"while {name} was away: {refused[:3]}"
    await whole.until_settled()
    await whole.assert_holds(sender.accepted())


@pytest.mark.timeout(400)
async def test_killed_processes_lose_nothing_that_was_answered_2xx(whole: Whole) -> None:
    """Kill -9 of one ingress and one worker at once; their deliveries' outcomes are unknown."""
    victims = random.choice(INGRESSES), random.choice(WORKERS)  # noqa: S311 - which is open
    async with seismic(whole) as sender:
        await running(sender)
        await whole.end(*victims, by=signal.SIGKILL)
        await running(sender)
    await whole.until_settled()
    await whole.assert_holds(sender.accepted())


async def test_a_frozen_kafka_is_ridden_out_by_every_process(whole: Whole) -> None:
    """Events are refused in time, verification goes on, and nobody needs a restart."""
    url, pids = whole.webhook("ingress-1"), whole.up.pids()
    challenge = samples.old_verification("abc")
    broker = psutil.Process(pids["kafka-1"])
    broker.suspend()
    await eventually(lambda: broker.status() == psutil.STATUS_STOPPED, "the broker to stand still")
    try:
        async with ClientSession() as session:
            late = [_deliver(session, whole, _event()) for _ in range(20)]
            echo, *deliveries = await asyncio.gather(post(session, url, challenge, {}), *late)
            assert (echo.status, echo.body) == (200, b"abc")
            for delivery in deliveries:
                assert delivery.status == 503
                assert "retry-after" in delivery.headers
                assert delivery.milliseconds < SENDER_TIMEOUT_SECONDS * 1000
    finally:
        broker.resume()

    event = _event()

    async def accepted() -> bool:
        async with ClientSession() as session:
            return (await _deliver(session, whole, event)).accepted

    await eventually(accepted, "2xx again", BACK_WITHIN)
    await eventually(whole.is_whole, "the stack to be whole")
    await whole.until_settled()
    await whole.assert_holds({event})
    assert whole.up.pids() == pids


def _event() -> Event:
    tenant, event_id = "tenant-frozen", uuid.uuid4().hex
    body = orjson.dumps({"id": event_id, "version": "UserCreatedV1", "tenantId": tenant})
    return Event(tenant, event_id, body)


async def _deliver(session: ClientSession, whole: Whole, event: Event) -> Delivery:
    url = whole.webhook("ingress-1")
    return await post(session, url, event.body, signed(event.body, secret(whole)))
