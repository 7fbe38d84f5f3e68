"""A link between two real sockets: what it lets through, what it holds, what it breaks."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.ports import HOST, free_ports
from ops.prove.pipe import Quality, Way
from ops.prove.proxy import Link, Links

T = TypeVar("T")
DEADLINE = 30.0
SHORT = 0.3
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write(b"!")
    writer.close()


@asynccontextmanager
async def linked(handler: Handler = echo) -> AsyncIterator[Link]:
    """A link to a server that handles every connection so."""
    running: set[asyncio.Task[None]] = set()

    async def handle(*streams: Any) -> None:
        task = asyncio.current_task()
        assert task
        running.add(task)
        with suppress(asyncio.CancelledError):
            await handler(*streams)
        streams[1].close()

    server = await asyncio.start_server(handle, HOST, 0)
    link = Link("a-b", HOST, server.sockets[0].getsockname()[1])
    await link.start()
    try:
        yield link
    finally:
        await link.stop()
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@asynccontextmanager
async def dialled(link: Link) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection(HOST, link.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()  # a close would wait for a receiver that does not read
        with suppress(OSError):
            await writer.wait_closed()


async def soon(work: Coroutine[Any, Any, T]) -> T:
    return await asyncio.wait_for(work, DEADLINE)


async def silent(reader: asyncio.StreamReader) -> bool:
    try:
        await asyncio.wait_for(reader.read(1), SHORT)
    except TimeoutError:
        return True
    return False


async def test_bytes_go_both_ways() -> None:
    async with linked() as link, dialled(link) as (reader, writer):
        writer.write(b"a wave")
        assert await soon(reader.readexactly(6)) == b"a wave"
        assert link.connections == 1


async def test_after_the_clients_last_byte_the_server_can_still_answer() -> None:
    async with linked() as link, dialled(link) as (reader, writer):
        writer.write(b"a wave")
        writer.write_eof()
        assert await soon(reader.read()) == b"a wave!"
        assert link.connections == 0


async def test_what_is_cut_is_held_and_arrives_once_it_is_mended() -> None:
    async with linked() as link, dialled(link) as (reader, writer):
        writer.write(b"1")
        assert await soon(reader.readexactly(1)) == b"1"
        link.cut()
        writer.write(b"23")
        assert await silent(reader)
        await link.mend()
        assert await soon(reader.readexactly(2)) == b"23"


async def test_a_new_connection_over_a_cut_link_hangs_until_it_is_mended() -> None:
    async with linked() as link:
        link.cut()
        async with dialled(link) as (reader, writer):
            writer.write(b"1")
            assert await silent(reader)
            await link.mend()
            assert await soon(reader.readexactly(1)) == b"1"


@pytest.mark.parametrize("way", Way)
async def test_a_link_that_is_cut_one_way_lets_no_new_connection_through(way: Way) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")

    async with linked(greet) as link:
        link.cut(way)
        async with dialled(link) as (reader, _):
            assert await silent(reader)
            await link.mend()
            assert await soon(reader.readexactly(5)) == b"hello"


@pytest.mark.parametrize("way", Way)
async def test_a_link_cut_one_way_still_lets_the_other_through(way: Way) -> None:
    heard = bytearray()

    async def chat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            heard.extend(data)
            writer.write(b"seen")

    async with linked(chat) as link, dialled(link) as (reader, writer):
        writer.write(b"1")
        assert await soon(reader.readexactly(4)) == b"seen"
        link.cut(way)
        writer.write(b"2")
        assert await silent(reader)
        assert bytes(heard) == (b"1" if way is Way.UP else b"12")
        await link.mend()
        assert await soon(reader.readexactly(4)) == b"seen"
        assert bytes(heard) == b"12"


async def test_a_link_that_refuses_keeps_its_connections_and_its_port() -> None:
    async with linked() as link, dialled(link) as (reader, writer):
        writer.write(b"1")
        assert await soon(reader.readexactly(1)) == b"1"
        port = link.port
        link.refuse()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, port)
        writer.write(b"2")
        assert await soon(reader.readexactly(1)) == b"2"
        await link.mend()
        assert link.port == port
        async with dialled(link) as (second, second_writer):
            second_writer.write(b"3")
            assert await soon(second.readexactly(1)) == b"3"


async def test_a_reset_is_seen_as_such_by_both_ends() -> None:
    seen: list[type[Exception]] = []

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        try:
            await reader.read()
        except OSError as error:
            seen.append(type(error))

    async with linked(wait) as link, dialled(link) as (reader, _):
        assert await soon(reader.readexactly(5)) == b"hello"
        assert link.reset() == 1
        with pytest.raises(ConnectionResetError):
            await soon(reader.read())
        await until(lambda: seen == [ConnectionResetError])
        assert link.connections == 0


async def test_a_client_of_a_server_that_is_gone_is_reset() -> None:
    link = Link("a-b", HOST, free_ports(1)[0])
    await link.start()
    try:
        async with dialled(link) as (reader, _):
            with pytest.raises(ConnectionResetError):
                await soon(reader.read())
    finally:
        await link.stop()


async def test_a_server_that_resets_has_its_client_reset() -> None:
    async def abort(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.get_extra_info("socket").setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    async with linked(abort) as link, dialled(link) as (reader, writer):
        writer.write(b"1")
        with pytest.raises(ConnectionResetError):
            await soon(reader.read())


async def test_delayed_bytes_arrive_later_and_in_order() -> None:
    async with linked() as link, dialled(link) as (reader, writer):
        link.delay(0.1, 0.1)
        started = time.monotonic()
        for number in range(100):
            writer.write(bytes([number]))
            await asyncio.sleep(0)
        assert await soon(reader.readexactly(100)) == bytes(range(100))
        assert time.monotonic() - started >= 0.2


async def test_a_throttled_link_takes_its_time_for_all_connections_together() -> None:
    async with linked() as link, dialled(link) as one, dialled(link) as two:
        link.throttle(200_000, Way.UP)
        started = time.monotonic()
        for _, writer in (one, two):
            writer.write(bytes(50_000))
        for reader, _ in (one, two):
            await soon(reader.readexactly(50_000))
        assert time.monotonic() - started >= 0.5


@pytest.mark.parametrize(
    "quality", [Quality(), Quality(delay=0.01), Quality(delay=3600), Quality(cut=True)]
)
async def test_a_sender_waits_for_a_receiver_that_does_not_read(quality: Quality) -> None:
    async def deaf(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with linked(deaf) as link, dialled(link) as (_, writer):
        link.set(quality)
        # The kernel's buffers on the way took 17 MB of it once; their limits are 4 and 32 MB each.
        writer.write(bytes(150_000_000))
        assert await _at_rest(writer.transport.get_write_buffer_size) > 60_000_000


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32),
    st.lists(st.binary(min_size=1, max_size=200_000), max_size=10),
    st.lists(
        st.sampled_from(
            [
                Quality(),
                Quality(delay=0.01, jitter=0.02),
                Quality(cut=True),
                Quality(bytes_per_second=20e6, jitter=0.001),
            ]
        ),
        max_size=10,
    ),
)
def test_no_byte_is_changed_lost_or_out_of_order_however_the_link_changes(
    seed: int, chunks: list[bytes], qualities: list[Quality]
) -> None:
    dice = Random(seed)  # noqa: S311 - to be repeated
    asyncio.run(soon(_played(dice, chunks, qualities)))


async def _played(dice: Random, chunks: list[bytes], qualities: list[Quality]) -> None:
    async def change(link: Link) -> None:
        for quality in qualities:
            link.set(quality, *dice.choice([(), (Way.UP,), (Way.DOWN,)]))
            await asyncio.sleep(dice.uniform(0, 0.01))
        await link.mend()

    async def send(writer: asyncio.StreamWriter) -> None:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(dice.uniform(0, 0.005))
        writer.write_eof()

    async with linked() as link, dialled(link) as (reader, writer):
        whole, *_ = await asyncio.gather(reader.read(), send(writer), change(link))
        assert whole == b"".join(chunks) + b"!"


async def test_links_are_found_by_the_beginning_of_their_name() -> None:
    links = Links()
    for name in ("ingress-kafka-1", "ingress-kafka-2", "streams-crm"):
        await links.open(name, free_ports(1)[0])
    assert [link.name for link in links.of("ingress-kafka-")] == list(links)[:2]
    port = links["streams-crm"].port
    await links.stop()
    assert not links
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(HOST, port)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - the end of a connection is polled
            await asyncio.sleep(0.01)


async def _at_rest(number: Callable[[], int]) -> int:
    """Wait until a number does not change any more."""
    before = -1
    while before != number():
        before = number()
        await asyncio.sleep(SHORT)
    return before
