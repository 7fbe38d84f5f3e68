"""The simulated Seismic: what it signs, how long it waits, when it tries again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientTimeout, web

from ops import sender
from ops.ports import free_ports
from ops.sender import RETRY_SECONDS, Delivery, deliver, post, signature, signed

DATA = Path(__file__).parents[2] / "data" / "seismic" / "signature"


@asynccontextmanager
async def serving(handler: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/webhook", handler)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
    finally:
        await runner.cleanup()


async def posted(url: str, body: bytes = b"{}") -> Delivery:
    async with ClientSession() as session:
        return await post(session, url, body, signed(body, "secret"))


@pytest.mark.parametrize("name", ["verification", "livesend-updated"])
def test_signatures_are_those_of_the_documented_scheme(name: str) -> None:
    body = (DATA / f"{name}.json").read_bytes()
    expected = (DATA / f"{name}.hex").read_text().strip()
    assert signature(body, "seismic-demo-secret") == expected


async def test_a_delivery_is_the_bytes_as_they_are_with_their_signature() -> None:
    received: list[tuple[bytes, str | None, str | None]] = []

    async def handler(request: web.Request) -> web.Response:
        headers = request.headers
        body = await request.read()
        received.append((body, headers.get("x-seismic-signature"), headers.get("content-type")))
        return web.Response(text="echo")

    body = '{"spaces":  "é"}\n'.encode()
    async with serving(handler) as url:
        delivery = await posted(url, body)
    assert received == [(body, signature(body, "secret"), "application/json")]
    assert (delivery.status, delivery.body, delivery.accepted) == (200, b"echo", True)
    assert delivery.milliseconds > 0


@pytest.mark.parametrize(
    ("status", "accepted"), [(200, True), (202, True), (299, True), (302, False), (503, False)]
)
async def test_2xx_and_nothing_else_is_an_acceptance(status: int, *, accepted: bool) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"location": "/elsewhere", "retry-after": "5"})

    async with serving(handler) as url:
        delivery = await posted(url)
    assert (delivery.status, delivery.accepted) == (status, accepted)
    assert delivery.headers["retry-after"] == "5"


async def test_a_refused_connection_is_a_delivery_without_an_answer() -> None:
    [port] = free_ports(1)
    delivery = await posted(f"http://127.0.0.1:{port}/webhook")
    assert (delivery.status, delivery.accepted) == (None, False)


async def test_an_answer_that_comes_too_late_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ClientTimeout(total=3.0) == sender._TIMEOUT
    monkeypatch.setattr(sender, "_TIMEOUT", ClientTimeout(total=0.05))
    finish = asyncio.Event()

    async def handler(_: web.Request) -> web.Response:
        await finish.wait()
        return web.Response()

    async with serving(handler) as url:
        delivery = await posted(url)
        finish.set()
    assert delivery.status is None
    assert delivery.milliseconds >= 50


class Attempts:
    """Gives the answers it was told to, and notes the pauses between them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *statuses: int | None) -> None:
        self._statuses = iter(statuses)
        self.pauses: list[float] = []
        monkeypatch.setattr(asyncio, "sleep", self._pause)

    async def __call__(self) -> Delivery:
        return Delivery(next(self._statuses), 1.0)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


async def test_it_tries_again_after_5_25_and_150_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = Attempts(monkeypatch, 503, None, 401, 500)
    deliveries = await deliver(attempts)
    assert [each.status for each in deliveries] == [503, None, 401, 500]
    assert attempts.pauses == [5.0, 25.0, 150.0] == list(RETRY_SECONDS)


async def test_it_stops_at_the_first_acceptance(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = Attempts(monkeypatch, 503, 202)
    assert [each.status for each in await deliver(attempts)] == [503, 202]
    assert attempts.pauses == [5.0]


async def test_an_accepted_delivery_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = Attempts(monkeypatch, 200)
    assert [each.status for each in await deliver(attempts)] == [200]
    assert attempts.pauses == []
