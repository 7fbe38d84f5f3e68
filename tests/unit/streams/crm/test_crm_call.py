"""One call: its address, its token, and what the answers do to the next calls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import ClientSession, web

from streams.crm import Request, Unavailable
from streams.crm.call import BadAddress, Caller, base_url
from streams.crm.limits import Limits
from streams.crm.tokens import Static

LIMITS = Limits(timeout=0.5, per_second=1_000, burst=1_000)


class Server:
    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.seen: list[tuple[str, str, str]] = []

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.seen.append((request.method, request.raw_path, request.headers["Authorization"]))
        status = self.statuses.pop(0) if self.statuses else 200
        headers = {"Location": "/elsewhere"} if status == 307 else {}
        return web.Response(status=status, body=await request.read(), headers=headers)


def caller(url: str, session: ClientSession | None = None, limits: Limits = LIMITS) -> Caller:
    texts = iter(["token-1", "token-2", "token-3"])
    return Caller(url, limits, Static(lambda: next(texts)), session)


async def test_a_request_goes_as_it_is_with_a_token() -> None:
    server = Server()
    async with server.serving() as url:
        crm = caller(f"{url}/base/")
        answer = await crm.send(Request("PUT", "/a?q=x%27%20%2B&y=%C3%9F", b"body"))
        await crm.close()
    assert (answer.status, answer.body) == (200, b"body")
    assert server.seen == [("PUT", "/base/a?q=x%27%20%2B&y=%C3%9F", "Bearer token-1")]


async def test_a_refused_token_is_renewed_once() -> None:
    server = Server(401, 200, 401, 401)
    async with server.serving() as url:
        crm = caller(url)
        assert (await crm.send(Request("GET", "/"))).status == 200
        assert (await crm.send(Request("GET", "/"))).status == 401
        await crm.close()
    tokens = [token for _, _, token in server.seen]
    assert tokens == ["Bearer token-1", *["Bearer token-2"] * 2, "Bearer token-3"]


async def test_who_waited_for_a_turn_comes_with_the_renewed_token() -> None:
    server = Server(401)
    async with server.serving() as url:
        crm = caller(url, limits=replace(LIMITS, timeout=10, concurrency=1))
        await asyncio.gather(*(crm.send(Request("GET", "/")) for _ in range(5)))
        await crm.close()
    tokens = [token for _, _, token in server.seen]
    assert tokens == ["Bearer token-1", *["Bearer token-2"] * 5]


async def test_a_redirect_is_not_followed() -> None:
    server = Server(307)
    async with server.serving() as url:
        crm = caller(url)
        assert (await crm.send(Request("GET", "/"))).status == 307
        await crm.close()
    assert len(server.seen) == 1


async def test_nobody_there_is_unavailable() -> None:
    crm = caller("http://127.0.0.1:1")
    with pytest.raises(Unavailable, match="no answer: Client"):
        await crm.send(Request("GET", "/"))
    await crm.close()


async def test_a_session_from_outside_stays_open() -> None:
    async with Server().serving() as url, ClientSession() as session:
        crm = caller(url, session)
        await crm.send(Request("GET", "/"))
        await crm.close()
        assert not session.closed


async def test_closing_what_was_never_used_is_fine() -> None:
    await caller("https://crm.example.com").close()


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example.com",
        "https://crm.example.com/api/",
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://[::1]:1",
    ],
)
def test_a_base_url_loses_its_slash_alone(url: str) -> None:
    assert base_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "crm.example.com",
        "http://crm.example.com",
        "https://",
        "https://u:p@crm.example.com",
        "https://crm.example.com?a=b",
        "https://crm.example.com#a",
        "https://[::1",
        "ftp://crm.example.com",
    ],
)
def test_a_url_that_would_give_credentials_away_is_none(url: str) -> None:
    with pytest.raises(BadAddress, match="must be like https://crm") as caught:
        base_url(url)
    assert "u:p" not in str(caught.value)
