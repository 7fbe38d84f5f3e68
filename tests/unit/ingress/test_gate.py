"""What a connection may do, and how it ends; see tests/contracts/test_raw.py for framing."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ingress import doorway, gate
from tests import ingress_rig
from tests.ingress_rig import (
    DEFAULTS,
    VERIFICATION,
    Connection,
    FakeSink,
    Served,
    connect,
    event,
    request,
    served,
    settings,
    until,
)

HEAD = b"POST /webhook HTTP/1.1\r\nhost: t\r\n"


@pytest.fixture(autouse=True, params=[True, False], ids=["fast lane", "application"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEFAULTS, "fast_lane", request.param)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingress_rig, "SWEEP_SECONDS", 0.02)
    monkeypatch.setattr(gate, "LINGER_SECONDS", 0.1)


@contextlib.asynccontextmanager
async def gated(sink: FakeSink | None = None, **chosen: Any) -> AsyncIterator[Served]:
    async with served(sink or FakeSink(), settings(**chosen)) as app:
        yield app


def count(app: Served, name: str, **labels: str) -> float:
    return app.metrics.registry.get_sample_value(f"geophone_ingress_{name}", labels) or 0.0


async def ended(connection: Connection) -> bytes:
    """Return what the server still sends until it hangs up."""
    with contextlib.suppress(ConnectionError):
        return await asyncio.wait_for(connection.reader.read(), 5)
    return b""


async def test_a_head_that_does_not_end_is_answered_408() -> None:
    async with gated(header_seconds=0.2) as app, connect(app.port) as connection:
        await connection.send(HEAD)
        assert (await connection.reply()).status == 408
        assert await connection.hung_up()
        assert count(app, "requests_total", answer="too_slow") == 1


async def test_a_head_that_comes_bit_by_bit_gets_no_more_time() -> None:
    async with gated(header_seconds=0.3) as app, connect(app.port) as connection:
        sending = asyncio.create_task(_drip(connection))
        assert (await asyncio.wait_for(connection.reply(), 3)).status == 408
        sending.cancel()


async def _drip(connection: Connection) -> None:
    await connection.send(HEAD)
    while True:
        await connection.send(b"x: a\r\n")
        await asyncio.sleep(0.02)


async def test_who_says_nothing_is_cut_off_and_counted() -> None:
    async with gated(header_seconds=0.2) as app, connect(app.port) as connection:
        assert await ended(connection) == b""
        assert count(app, "closed_total", reason="silent") == 1


async def test_empty_lines_are_nothing_said() -> None:
    async with gated(header_seconds=0.2) as app, connect(app.port) as connection:
        await connection.send(b"\r\n\r\n")
        assert await ended(connection) == b""


async def test_a_connection_in_use_is_kept_for_longer_than_a_head_may_take() -> None:
    async with gated(header_seconds=0.2) as app, connect(app.port) as connection:
        for _ in range(3):
            await connection.send(request(event()))
            assert (await connection.reply()).status == 200
            await asyncio.sleep(0.3)
        assert count(app, "connections") == 1


async def test_an_idle_connection_is_closed_in_the_end() -> None:
    async with gated(keep_alive_seconds=1) as app, connect(app.port) as connection:
        await connection.send(request(event()))
        assert (await connection.reply()).status == 200
        assert await connection.hung_up()


async def test_a_request_that_waits_for_kafka_is_not_idle() -> None:
    sink = FakeSink()
    sink.open.clear()
    chosen = settings(keep_alive_seconds=1, header_seconds=0.1)
    async with served(sink, chosen) as app, connect(app.port) as connection:
        await connection.send(request(event()))
        await asyncio.sleep(1.3)
        sink.open.set()
        assert (await connection.reply()).status == 200


async def test_answers_that_are_owed_come_before_a_refusal() -> None:
    sink = FakeSink()
    sink.open.clear()
    async with gated(sink) as app, connect(app.port) as connection:
        await connection.send(request(event(1)) + request(event(2)) + b"no request\r\n\r\n")
        await until(lambda: sink.asked == 1)
        sink.open.set()
        assert [(await connection.reply()).status for _ in range(3)] == [200, 200, 400]
        assert await connection.hung_up()


async def test_a_chunk_that_cannot_be_read_takes_its_request_back() -> None:
    sink = FakeSink()
    async with gated(sink) as app, connect(app.port) as connection:
        await connection.send(HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n")
        await until(lambda: count(app, "in_flight") == 1)
        await connection.send(b"x\r\n")
        assert (await connection.reply()).status == 400
        assert await connection.hung_up()
        await until(lambda: count(app, "in_flight") == 0)
        assert count(app, "abandoned_total") == 0, "it counts as refused, once"
    assert not sink.stored


async def test_no_more_than_so_many_wait_behind_an_unanswered_one() -> None:
    sink = FakeSink()
    sink.open.clear()
    async with gated(sink) as app, connect(app.port) as connection:
        await connection.send(request(event()) * 30)
        await until(lambda: sink.asked == 1)
        sink.open.set()
        replies = [(await connection.reply()).status for _ in range(doorway.MAX_PIPELINED + 2)]
        assert replies == [200] * (doorway.MAX_PIPELINED + 1) + [429]
        assert await connection.hung_up()


async def test_what_follows_a_closing_answer_is_not_taken() -> None:
    sink = FakeSink()
    async with gated(sink) as app, connect(app.port) as connection:
        await connection.send(request(event(), {}) + request(event()))
        assert (await connection.reply()).status == 401
        assert await connection.hung_up()
        await asyncio.sleep(0.1)
    assert not sink.stored


async def test_an_answer_before_the_end_of_the_body_ends_the_connection() -> None:
    async with (
        gated(max_in_flight=1, deadline_seconds=2.0) as app,
        connect(app.port) as first,
        connect(app.port) as second,
    ):
        half = HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n"
        await first.send(half)
        await until(lambda: count(app, "in_flight") == 1)
        await second.send(half)
        reply = await second.reply()
        assert (reply.status, reply.headers["connection"]) == (503, "close")
        assert b"408" not in await ended(second)


async def test_connections_beyond_the_limit_are_told_to_come_again() -> None:
    async with gated(max_connections=2) as app:
        async with connect(app.port) as first, connect(app.port):
            await until(lambda: count(app, "connections") == 2)
            async with connect(app.port) as third:
                reply = await third.reply()
                assert (reply.status, reply.headers["retry-after"]) == (503, "5")
                assert await third.hung_up()
            await first.send(request(event()))
            assert (await first.reply()).status == 200
        await until(lambda: count(app, "connections") == 0)
        async with connect(app.port) as later:
            await later.send(request(event()))
            assert (await later.reply()).status == 200


async def test_far_too_many_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "SPARE", 0)
    async with gated(max_connections=1) as app, connect(app.port), connect(app.port) as second:
        assert await ended(second) == b""
        assert count(app, "closed_total", reason="crowd") == 1


async def test_while_there_is_no_room_idle_connections_make_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doorway, "HURRIED_SECONDS", 0.2)
    async with gated(max_connections=1) as app, connect(app.port) as idle:
        await idle.send(request(VERIFICATION, {}))
        assert (await idle.reply()).status == 200
        assert await idle.hung_up()


async def test_one_address_may_be_limited() -> None:
    async with gated(max_connections_per_address=1) as app, connect(app.port):
        await until(lambda: count(app, "connections") == 1)
        async with connect(app.port) as second:
            assert (await second.reply()).status == 429
            assert await second.hung_up()


async def test_the_question_for_a_head_gets_no_body() -> None:
    async with gated() as app, connect(app.port) as connection:
        await connection.send(b"HEAD /webhook HTTP/1.1\r\n\r\n")
        answer = await ended(connection)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.endswith(b"\r\n\r\n")


async def test_a_bug_in_the_sweep_costs_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async with gated() as app, connect(app.port) as connection:
        await until(lambda: count(app, "connections") == 1)
        with monkeypatch.context() as patch:
            patch.setattr(gate.Gate, "check", None)
            assert await ended(connection) == b""
        async with connect(app.port) as next_one:
            await next_one.send(request(event()))
            assert (await next_one.reply()).status == 200


async def test_hundreds_of_upgrades_at_once_are_answered_like_any_request() -> None:
    """Verifications are answered at once, so that nothing waits and nothing limits them."""
    wish = {"connection": "upgrade", "upgrade": "h2c"}
    raw = request(VERIFICATION, wish)
    async with gated() as app, connect(app.port) as connection:
        await connection.send(raw * 600)
        way = settings().fast_lane
        for _ in range(600 if way else doorway.MAX_PIPELINED + 1):
            assert (await connection.reply()).status == 200


async def test_a_broken_body_is_not_asked_for_behind_its_answer() -> None:
    async with gated() as app, connect(app.port) as connection:
        head = HEAD + b"transfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n"
        await connection.send(head + b"ZZ\r\n")
        answer = await ended(connection)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b" 100 " not in answer


async def test_a_caller_that_reads_a_little_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "UNREAD_SECONDS", 0.3)
    async with gated() as app:
        with socket.socket() as caller:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
            caller.setblocking(False)  # noqa: FBT003 - the socket's own signature
            await _reads_slowly(caller, app.port)
        assert count(app, "closed_total", reason="unread") == 0


async def _reads_slowly(caller: socket.socket, port: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_connect(caller, ("127.0.0.1", port))
    raw = request(b'{"type":"verification","challenge":"' + b"a" * 1000 + b'"}', {})
    await loop.sock_sendall(caller, raw * 3)
    for _ in range(100):
        assert await loop.sock_recv(caller, 1000)
        await asyncio.sleep(0.02)
        await loop.sock_sendall(caller, raw)


async def test_a_caller_that_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "UNREAD_SECONDS", 0.3)
    monkeypatch.setattr(gate, "MAX_PIPELINED", 10_000)
    raw = request(b'{"type":"verification","challenge":"' + b"a" * 1000 + b'"}', {})
    async with gated() as app:
        with socket.socket() as caller:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
            caller.connect(("127.0.0.1", app.port))
            caller.sendall(raw * 30)
            await until(lambda: count(app, "closed_total", reason="unread") == 1)
    assert count(app, "connections") == 0


async def test_a_head_that_is_arriving_when_the_server_stops_may_arrive() -> None:
    async with gated() as app, connect(app.port) as connection:
        raw = request(event())
        await connection.send(raw[:40])
        await until(lambda: count(app, "connections") == 1)
        await asyncio.sleep(0.05)
        app.state.draining = True
        app.stop()
        await asyncio.sleep(0.2)
        await connection.send(raw[40:])
        reply = await connection.reply()
        assert (reply.status, reply.headers["connection"]) == (200, "close")


async def test_a_request_that_never_gets_its_answer_costs_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which would be a bug; see tests/unit/ingress/test_batcher.py for the deadline."""
    monkeypatch.setattr(gate, "STUCK_SECONDS", 0.2)
    sink = FakeSink()
    sink.open.clear()
    async with gated(sink) as app, connect(app.port) as connection:
        await connection.send(request(event()))
        assert await ended(connection) == b""
        assert count(app, "closed_total", reason="stuck") == 1
        sink.open.set()


@pytest.mark.parametrize("cut", [1, 8000, 16_390, -10])
async def test_a_head_within_the_limit_is_taken_in_whatever_pieces(cut: int) -> None:
    """The limit counts names and values; colons and ends of lines come on top of it."""
    many = b"".join(b"x-%03d: %b\r\n" % (number, b"v" * 174) for number in range(90))
    head = HEAD + many + b"content-length: 0\r\n\r\n"
    assert len(head) > 16 * 1024
    async with gated(FakeSink()) as app, connect(app.port) as connection:
        await connection.send(head[:cut])
        await asyncio.sleep(0.05)
        await connection.send(head[cut:])
        assert (await connection.reply()).status == 401


async def test_a_busy_caller_takes_its_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It acknowledges each with its next request, so that one is under way at every look."""
    monkeypatch.setattr(gate, "UNREAD_SECONDS", 0.3)
    async with gated() as app, connect(app.port) as connection:
        for number in range(200):
            await connection.send(request(event(number)))
            assert (await connection.reply()).status == 200
            await asyncio.sleep(0.005)
    assert count(app, "closed_total", reason="unread") == 0
