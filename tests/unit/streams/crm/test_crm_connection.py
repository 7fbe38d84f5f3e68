"""Calls to a CRM go through the proxy that the environment names."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientError

from streams.crm.connection import session


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget whatever proxies this machine has."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@asynccontextmanager
async def refusing_server() -> AsyncIterator[tuple[int, list[str]]]:
    """Listen, note the first line of each request, and hang up; yield the port and the lines."""
    lines: list[str] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append((await reader.readline()).decode().strip())
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], lines


async def called(url: str) -> None:
    """Call an address that does not answer."""
    async with session() as opened:
        with pytest.raises(ClientError):
            await opened.post(url)


async def test_a_call_goes_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with refusing_server() as (port, lines):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        await called("https://crm.invalid/tasks")
    assert lines == ["CONNECT crm.invalid:443 HTTP/1.1"]


async def test_a_host_that_needs_no_proxy_is_called_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with refusing_server() as (port, asked), refusing_server() as (crm, called_itself):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        await called(f"http://127.0.0.1:{crm}/tasks")
    assert not asked
    assert called_itself == ["POST /tasks HTTP/1.1"]


async def test_without_a_proxy_the_environment_has_no_say() -> None:
    """A login in ~/.netrc would clash with the connector's own."""
    async with session() as opened:
        assert not opened.trust_env
