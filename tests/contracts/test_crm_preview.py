"""What the endpoints of one's own say beforehand: what would be sent, and whether they answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from uuid import UUID

import pytest
from aiohttp import web

from schemas.task import Person, TaskCommand
from streams.crm import Request
from streams.crm.webhook import Endpoint, Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TASK = TaskCommand(
    key=UUID(int=7),
    tenant_id="tenant-1",
    event_id="event-1",
    event_type="LiveSendEmailV1",
    interaction_id="interaction-1",
    owner=Person(email="sam@vendor.example"),
    recipient=Person(email="pat@customer.example"),
    subject="Follow up",
    due=date(2026, 10, 1),
)


class Receiver:
    """Answers POST with 204 and everything else with `status`; keeps what came."""

    def __init__(self, status: int = 405) -> None:
        self.status = status
        self.seen: list[Request] = []

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/in", self._take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/in"
        await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read() or None
        self.seen.append(Request(request.method, request.path, body, dict(request.headers)))
        return web.Response(status=204 if request.method == "POST" else self.status)


async def test_what_is_sent_is_what_the_preview_says_and_a_signature() -> None:
    receiver = Receiver()
    async with receiver.serving() as url:
        crm = Webhook(Endpoint(url + "?token=secret", SECRET))
        (previewed,) = crm.preview(TASK)
        assert receiver.seen == []
        await crm.create(TASK)
        await crm.close()
    (sent,) = receiver.seen
    assert (sent.method, sent.path, sent.body) == (
        previewed.method,
        previewed.path,
        previewed.body,
    )
    assert previewed.headers.items() <= sent.headers.items()
    assert "webhook-signature" in sent.headers
    assert not {"webhook-signature", "webhook-id"} & set(previewed.headers)
    assert "secret" not in str(vars(previewed))


@pytest.mark.parametrize("status", [200, 204, 401, 405])
async def test_an_endpoint_that_answers_is_well(status: int) -> None:
    receiver = Receiver(status)
    async with receiver.serving() as url:
        crm = Webhook(Endpoint(url, SECRET))
        findings = await crm.check()
        await crm.close()
    assert [(one.subject, one.ok, one.remedy) for one in findings] == [
        ("the endpoint answers", True, "")
    ]
    assert [one.method for one in receiver.seen] == ["OPTIONS"]


@pytest.mark.parametrize("status", [404, 410, 500, 503])
async def test_an_endpoint_that_is_not_there_is_told(status: int) -> None:
    async with Receiver(status).serving() as url:
        crm = Webhook(Endpoint(url))
        (finding,) = await crm.check()
        await crm.close()
    assert not finding.ok
    assert finding.remedy.startswith(f"HTTP {status}: check the CRM's URL")


async def test_nobody_there_is_told() -> None:
    crm = Webhook(Endpoint("http://user:hunter2@127.0.0.1:1/in"))
    (finding,) = await crm.check()
    await crm.close()
    assert not finding.ok
    assert finding.remedy.startswith("no answer: Client")
    assert "hunter2" not in finding.remedy
