"""The canary's sender against a server that answers as it is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from ops.prove.canary.plan import CannotJudge, deliveries, prepare
from ops.prove.canary.sending import Sending
from ops.sender import signature
from schemas import envelope
from schemas.catalogue import lookup
from streams.actions import ACTIONS
from tests.canary_plan import plan


class Receiver:
    """Answers with the given statuses, then 200; `bodies` is what came signed, in order."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.bodies: list[bytes] = []
        self.at_once = 0
        self.most_at_once = 0

    async def receive(self, request: web.Request) -> web.Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        body = await request.read()
        if request.headers["x-seismic-signature"] == signature(body, "the-secret"):
            self.bodies.append(body)
        self.at_once -= 1
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


@asynccontextmanager
async def sending(receiver: Receiver, events: int = 10) -> AsyncIterator[Sending]:
    app = web.Application()
    app.router.add_post("/webhook", receiver.receive)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    chosen = plan(f"http://127.0.0.1:{runner.addresses[0][1]}/webhook", events=events)
    try:
        yield Sending(chosen, prepare(chosen, "run", "2026-04-07T12:34:56.000Z"))
    finally:
        await runner.cleanup()


async def test_one_after_another_signed_and_some_again() -> None:
    receiver = Receiver()
    async with sending(receiver) as one:
        await one.send(lambda _: None)
    read = [envelope.read(body, legacy_tenant="none") for body in receiver.bodies]
    assert [each.event_id for each in read] == [f"run-{n + 1}" for n in deliveries(10)]
    assert {each.tenant_id for each in read} == {"geophone-canary"}
    assert receiver.most_at_once == 1
    assert [each.status for each in one.attempts] == [200] * 12


async def test_no_task_can_come_of_its_events() -> None:
    receiver = Receiver()
    async with sending(receiver, 1) as one:
        await one.send(lambda _: None)
    event = envelope.read(receiver.bodies[0], legacy_tenant="none")
    assert event.event_type is not None
    assert event.event_type == lookup("TestWebhookEventV1")
    assert not event.event_type.carries_recipients
    assert event.spelling not in ACTIONS


async def test_a_503_is_tried_again_with_the_same_bytes() -> None:
    receiver = Receiver(503, 429)
    async with sending(receiver, 2) as one:
        await one.send(lambda _: None)
    assert [each.status for each in one.attempts] == [503, 429, 200, 200]
    assert len(set(receiver.bodies[:3])) == 1


async def test_it_stops_at_what_is_refused_to_the_end() -> None:
    async with sending(Receiver(503, 503, 503)) as one:
        await one.send(lambda _: None)
    assert [(each.event, each.status) for each in one.attempts] == [(0, 503)] * 3


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "another secret"),
        (403, "in front of it"),
        (404, "GEOPHONE_WEBHOOK_PATH"),
        (302, "the URL that Seismic itself calls"),
        (422, "the URL that Seismic itself calls"),
    ],
)
async def test_a_wrong_address_or_secret_is_no_judgement(status: int, words: str) -> None:
    async with sending(Receiver(200, status)) as one:
        with pytest.raises(CannotJudge, match=f"answered {status}: .*{words}"):
            await one.send(lambda _: None)
        assert len(one.attempts) == 2
