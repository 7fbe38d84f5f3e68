"""The connector against scripted bytes: what a real server would rarely do on request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from aiohttp import ClientSession

from schemas.task import TaskCommand
from streams.crm import AlreadyThere, Created, Unavailable
from streams.crm.signing import BadSecret
from streams.crm.webhook import FREELY, BadEndpoint, Endpoint, Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
Script = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[str]:
    """Hand each request to the script; close the connection after it."""
    served: list[asyncio.Task[None]] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        with suppress(ConnectionError):
            await script(head, reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.create_task(one(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"
    finally:
        await asyncio.gather(*served)


async def deliver(script: Script, task: TaskCommand, limit: float = 10) -> Created | AlreadyThere:
    async with serving(script) as url:
        crm = Webhook(Endpoint(url, timeout=limit))
        try:
            return await crm.create(task)
        finally:
            await crm.close()


def answer(wire: bytes) -> Script:
    async def script(_: bytes, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(wire)
        await writer.drain()

    return script


async def test_the_request_is_signed_and_carries_the_key(task: TaskCommand) -> None:
    heads: list[str] = []

    async def script(head: bytes, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(head.decode().lower())
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with serving(script) as url:
        crm = Webhook(Endpoint(url, SECRET))
        assert await crm.create(task) == Created(None)
        await crm.close()
    (head,) = heads
    for line in (
        "post /in http/1.1",
        f"idempotency-key: {task.key}",
        f"webhook-id: {task.key}",
        "webhook-timestamp: ",
        "webhook-signature: v1,",
        "content-type: application/json",
    ):
        assert line in head


async def test_without_a_secret_nothing_is_signed(task: TaskCommand) -> None:
    async def script(head: bytes, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status = b"400 Signed" if b"webhook-" in head else b"204 No Content"
        writer.write(b"HTTP/1.1 " + status + b"\r\n\r\n")

    assert await deliver(script, task) == Created(None)


async def test_a_redirect_is_not_followed(task: TaskCommand) -> None:
    wire = b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(Unavailable, match="HTTP 307"):
        await deliver(answer(wire), task)


async def test_an_endless_answer_is_read_up_to_the_cap(task: TaskCommand) -> None:
    async def script(_: bytes, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" " * 65536)
            await writer.drain()

    assert await asyncio.wait_for(deliver(script, task, limit=60), 10) == Created(None)


async def test_a_lost_body_does_not_unmake_a_2xx(task: TaskCommand) -> None:
    wire = b'HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{"id":'
    assert await deliver(answer(wire), task) == Created(None)


async def test_a_hanging_body_does_not_unmake_a_2xx(task: TaskCommand) -> None:
    async def script(_: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n")
        await writer.drain()
        await reader.read()

    assert await deliver(script, task, limit=0.2) == Created(None)


async def test_silence_is_unavailable_after_the_time_out(task: TaskCommand) -> None:
    async def script(_: bytes, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await reader.read()

    with pytest.raises(Unavailable, match=r"no answer within 0\.2 s"):
        await deliver(script, task, limit=0.2)


async def test_an_endpoint_that_answers_too_late_is_asked_less_at_once(task: TaskCommand) -> None:
    under_way, most = 0, []

    async def script(_: bytes, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        nonlocal under_way
        under_way += 1
        most.append(under_way)
        await reader.read()
        under_way -= 1

    async with serving(script) as url:
        crm = Webhook(Endpoint(url, timeout=0.2), limits=replace(FREELY, concurrency=8))
        for _ in range(3):
            calls = [crm.create(task) for _ in range(8)]
            assert all(
                isinstance(one, Unavailable)
                for one in await asyncio.gather(*calls, return_exceptions=True)
            )
        await crm.close()
    assert max(most[:8]) == 8
    assert max(most[-8:]) <= 2


async def test_as_many_connections_are_opened_as_calls_may_be_under_way(task: TaskCommand) -> None:
    """Aiohttp opens a hundred by itself, and waiting for one counts as waiting for the CRM."""
    everybody, under_way = asyncio.Event(), 0

    async def script(_: bytes, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way
        under_way += 1
        if under_way == 120:
            everybody.set()
        await everybody.wait()
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with serving(script) as url:
        crm = Webhook(Endpoint(url, timeout=30), limits=replace(FREELY, concurrency=120))
        outcomes = await asyncio.gather(*(crm.create(task) for _ in range(120)))
        await crm.close()
    assert outcomes == [Created(None)] * 120


@pytest.mark.parametrize("wire", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 20"])
async def test_what_is_no_answer_is_unavailable(task: TaskCommand, wire: bytes) -> None:
    with pytest.raises(Unavailable, match="no answer: "):
        await deliver(answer(wire), task)


@pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.invalid"])
async def test_nobody_there_is_unavailable(task: TaskCommand, host: str) -> None:
    crm = Webhook(Endpoint(f"http://user:hunter2@{host}/"))
    with pytest.raises(Unavailable, match="no answer: Client") as caught:
        await crm.create(task)
    await crm.close()
    assert "hunter2" not in caught.value.reason


async def test_a_session_from_outside_stays_open(task: TaskCommand) -> None:
    async with serving(answer(b"HTTP/1.1 204 No Content\r\n\r\n")) as url, ClientSession() as own:
        crm = Webhook(Endpoint(url), own)
        await crm.create(task)
        await crm.close()
        assert not own.closed


async def test_closing_a_connector_that_was_never_used_is_fine() -> None:
    await Webhook(Endpoint("http://127.0.0.1:1")).close()


@pytest.mark.parametrize(
    "url",
    ["", "crm.example.com/tasks", "ftp://crm.example.com", "http://", "http://[::1", "http://a:b"],
)
def test_a_url_that_is_none_is_the_operators_error(url: str) -> None:
    with pytest.raises(BadEndpoint, match="must be like https://"):
        Endpoint(url)


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_time_out_must_be_positive(limit: float) -> None:
    with pytest.raises(BadEndpoint, match="more than 0 s"):
        Endpoint("http://crm.example.com", timeout=limit)


def test_a_bad_secret_is_found_before_any_connection() -> None:
    with pytest.raises(BadSecret):
        Endpoint("http://crm.example.com", "whsec_short")


def test_credentials_are_not_shown() -> None:
    shown = repr(Endpoint("https://user:hunter2@crm.example.com", SECRET))
    assert "hunter2" not in shown
    assert SECRET not in shown
