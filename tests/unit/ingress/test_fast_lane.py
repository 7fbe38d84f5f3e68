"""What takes the short way, and that it cannot be told from the long one."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from ingress import gate
from ingress.fast_lane import LESSONS, FastLane
from ingress.shape import Shape
from ingress.webhook import Webhook
from tests import ingress_rig
from tests.ingress_rig import (
    SECRET,
    VERIFICATION,
    FakeSink,
    Served,
    connect,
    event,
    request,
    served,
    settings,
    sign,
)

LIMIT = 4096
CLOSE = {"connection": "close"}


def signed(body: bytes, **more: str) -> dict[str, str]:
    return {"x-seismic-signature": sign(body), **more}


def chunked(body: bytes) -> bytes:
    head = f"POST /webhook HTTP/1.1\r\nhost: t\r\nx-seismic-signature: {sign(body)}\r\n"
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    return head.encode() + b"transfer-encoding: chunked\r\n\r\n" + chunks


EVENT = event()
UPGRADE = request(EVENT, signed(EVENT, connection="upgrade", upgrade="h2c"))
ORDINARY = [request(EVENT), request(b"no json"), request(b""), request(VERIFICATION), UPGRADE]
NOT_ORDINARY = {
    "another method": request(EVENT, method="PUT"),
    "another path": request(EVENT, path="/other"),
    "a query": request(EVENT, path="/webhook?a=1"),
    "chunked": chunked(EVENT),
    "an encoding": request(EVENT, signed(EVENT, **{"content-encoding": "gzip"})),
    "too large": request(b"x" * (LIMIT + 1)),
    "its last": request(EVENT, signed(EVENT, **CLOSE)),
    "an old version": request(EVENT).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "expects": request(EVENT, signed(EVENT, expect="100-continue")),
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What came to the application."""
    came: list[str] = []
    ask = Webhook.__call__

    async def noted(self: Webhook, scope: Any, *more: Any) -> None:
        came.append(scope["method"])
        await ask(self, scope, *more)

    monkeypatch.setattr(Webhook, "__call__", noted)
    return came


@pytest.fixture
async def app() -> AsyncIterator[Served]:
    async with served(FakeSink(), settings(max_body_bytes=LIMIT, fast_lane=True)) as app:
        yield app


@pytest.mark.parametrize("raw", ORDINARY)
async def test_what_is_here_whole_never_comes_to_the_application(
    app: Served, asked: list[str], raw: bytes
) -> None:
    async with connect(app.port) as connection:
        for _ in range(3):
            await connection.send(raw)
            assert (await connection.reply()).status == 200
    assert asked == []


@pytest.mark.parametrize("raw", NOT_ORDINARY.values(), ids=NOT_ORDINARY)
async def test_what_is_not_ordinary_does(app: Served, asked: list[str], raw: bytes) -> None:
    async with connect(app.port) as connection:
        await connection.send(raw)
        await connection.reply()
    assert len(asked) == 1


async def test_a_body_in_pieces_does(app: Served, asked: list[str]) -> None:
    raw = request(EVENT)
    async with connect(app.port) as connection:
        await connection.send(raw[:-20])
        await asyncio.sleep(0.1)
        await connection.send(raw[-20:])
        assert (await connection.reply()).status == 200
    assert asked == ["POST"]


async def test_one_behind_another_does_and_keeps_its_place(asked: list[str]) -> None:
    sink = FakeSink()
    sink.open.clear()
    async with served(sink, settings(fast_lane=True)) as app, connect(app.port) as connection:
        await connection.send(request(event(1)) + request(b"", {}) + request(event(2)))
        await asyncio.sleep(0.1)
        assert sink.asked == 1
        sink.open.set()
        assert (await connection.reply()).status == 200
        assert (await connection.reply()).status == 401
    assert asked


@pytest.mark.parametrize("known", [False, True], ids=["a new head", "a known head"])
async def test_one_whose_caller_does_not_read_does(
    app: Served, asked: list[str], monkeypatch: pytest.MonkeyPatch, *, known: bool
) -> None:
    """The long way waits until there is room for the answer; here they would pile up."""
    if known:
        assert (await app.post(EVENT)).status == 200
    made = FastLane.connection_made

    def full(self: FastLane, transport: asyncio.Transport) -> None:
        made(self, transport)
        self.flow.write_paused = True

    monkeypatch.setattr(FastLane, "connection_made", full)
    assert (await app.post(EVENT)).status == 200
    assert asked == ["POST"]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the parser was given."""
    given: list[bytes] = []
    feed = FastLane._feed

    def noted(self: FastLane, data: bytes) -> None:
        given.append(data)
        feed(self, data)

    monkeypatch.setattr(FastLane, "_feed", noted)
    return given


def numbered(*numbers: int) -> list[bytes]:
    """Return the requests of some events, whose heads look alike."""
    return [request(event(number)) for number in numbers]


async def answered(app: Served, *requests: bytes) -> list[int]:
    """Return the statuses of requests that are sent one after the other on one connection."""
    statuses = []
    async with connect(app.port) as connection:
        for raw in requests:
            await connection.send(raw)
            statuses.append((await connection.reply()).status)
    return statuses


async def test_what_looks_like_an_accepted_event_is_not_parsed_again(
    app: Served, parsed: list[bytes]
) -> None:
    first, *others = numbered(1, 2, 3)
    assert await answered(app, first, *others) == [200, 200, 200]
    assert await answered(app, *others) == [200, 200], "another connection"
    assert parsed == [first]
    assert isinstance(app.sink, FakeSink)
    ids = [orjson.loads(record.value)["id"] for record in app.sink.stored]
    assert ids == ["e-1", "e-2", "e-3", "e-2", "e-3"]


async def test_who_cannot_sign_teaches_nothing(app: Served, parsed: list[bytes]) -> None:
    strange = request(EVENT, {"x-seismic-signature": sign(EVENT, SECRET + "2"), "x": "y"})
    assert await answered(app, strange) == [401]
    assert await answered(app, strange) == [401]
    assert parsed == [strange, strange]


async def test_a_wrong_signature_is_one_however_it_looks(app: Served, parsed: list[bytes]) -> None:
    forged = request(EVENT, {"x-seismic-signature": sign(EVENT, SECRET + "2")})
    assert await answered(app, *numbered(1, 2), forged) == [200, 200, 401]
    assert len(parsed) == 1


async def test_who_looks_another_way_every_time_is_not_learned_from_for_long(
    app: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[bytes] = []
    of = Shape.of

    def noted(head: bytes, longest: int) -> Shape | None:
        learned.append(head)
        return of(head, longest)

    monkeypatch.setattr(Shape, "of", noted)
    strange = [request(EVENT, signed(EVENT, **{f"x-{number}": "y"})) for number in range(9)]
    assert await answered(app, *strange) == [200] * 9
    assert len(learned) == LESSONS


async def test_an_accepted_event_vouches_for_no_other_request(app: Served) -> None:
    other = request(EVENT, path="/other")
    async with connect(app.port) as connection:
        await connection.send(request(EVENT)[:30])
        await asyncio.sleep(0.05)
        await connection.send(request(EVENT)[30:])
        assert (await connection.reply()).status == 200
        await connection.send(other)
        assert (await connection.reply()).status == 404
    assert await answered(app, other) == [404]


async def test_a_body_that_looks_like_a_request_is_a_body(app: Served) -> None:
    first, inner = numbered(1, 2)
    outer = (
        b"POST /webhook HTTP/1.1\r\nhost: t\r\nx-seismic-signature: %b\r\n" % sign(inner).encode()
    )
    async with connect(app.port) as connection:
        await connection.send(first)
        await connection.reply()
        await connection.send(outer + b"content-length: %d\r\n\r\n" % len(inner))
        await asyncio.sleep(0.1)
        await connection.send(inner)
        assert (await connection.reply()).status == 200
    assert isinstance(app.sink, FakeSink)
    assert [record.value for record in app.sink.stored] == [event(1), inner]


async def test_a_head_that_ends_like_a_request_is_one_head(app: Served) -> None:
    first, second = numbered(1, 2)
    async with connect(app.port) as connection:
        await connection.send(first)
        await connection.reply()
        await connection.send(b"POST /webhook HTTP/1.1\r\nhost: t\r\nx: ")
        await asyncio.sleep(0.05)
        await connection.send(second)
        assert (await connection.reply()).status == 400
    assert isinstance(app.sink, FakeSink)
    assert len(app.sink.stored) == 1


async def test_a_larger_body_is_refused_however_it_looks(app: Served) -> None:
    large = request(b"x" * (LIMIT + 1))
    assert await answered(app, *numbered(1, 2), large) == [200, 200, 413]


async def test_what_looks_alike_waits_behind_what_is_unanswered(
    asked: list[str], parsed: list[bytes]
) -> None:
    sink = FakeSink()
    async with served(sink, settings(fast_lane=True)) as app, connect(app.port) as connection:
        first, second, third = numbered(1, 2, 3)
        await connection.send(first)
        await connection.reply()
        sink.open.clear()
        await connection.send(second)
        await asyncio.sleep(0.05)
        await connection.send(third)
        await asyncio.sleep(0.05)
        assert (len(parsed), sink.asked) == (2, 2)
        sink.open.set()
        assert (await connection.reply()).status == 200
        assert (await connection.reply()).status == 200
    assert asked


@pytest.mark.parametrize("known", [False, True], ids=["a new head", "a known head"])
async def test_one_that_comes_while_the_process_drains_does(
    app: Served, asked: list[str], *, known: bool
) -> None:
    async with connect(app.port) as connection:
        if known:
            await connection.send(request(EVENT))
            assert (await connection.reply()).status == 200
        app.state.draining = True
        await connection.send(request(EVENT))
        assert (await connection.reply()).headers["connection"] == "close"
    assert asked == ["POST"]


async def test_line_ends_between_requests_do_not_add_up() -> None:
    """Some callers send one behind each body; so many of them at once are a head without end."""
    chosen = settings(max_header_bytes=1024, fast_lane=True)
    async with served(FakeSink(), chosen) as app, connect(app.port) as connection:
        for raw in numbered(*range(20)):
            await connection.send(raw)
            assert (await connection.reply()).status == 200
            await connection.send(b"\r\n" * 50)
            await asyncio.sleep(0.01)  # so that they come by themselves


async def test_an_answer_may_take_its_time_after_a_long_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate, "STUCK_SECONDS", 1.0)
    monkeypatch.setattr(ingress_rig, "SWEEP_SECONDS", 0.02)
    sink = FakeSink()
    async with served(sink, settings(fast_lane=True)) as app, connect(app.port) as connection:
        first, second = numbered(1, 2)
        await connection.send(first)
        await connection.reply()
        await asyncio.sleep(1.2)
        sink.open.clear()
        await connection.send(second)
        await asyncio.sleep(0.2)
        sink.open.set()
        assert (await connection.reply()).status == 200


OPEN_ENDED = st.sampled_from([
    *ORDINARY,
    request(event(2, padding="x" * 3000)),
    request(EVENT, signed(EVENT, traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")),
    request(EVENT, {"X-Seismic-Signature-Old": sign(EVENT)}),
    request(EVENT, signed(EVENT, **{"content-encoding": "identity"})),
    chunked(EVENT),
    request(EVENT, path="/webhook?a=1"),
])  # fmt: skip
LAST = st.sampled_from([
    request(EVENT, signed(EVENT, **CLOSE)),
    request(EVENT, {"x-seismic-signature": sign(EVENT, SECRET + "2")}),
    request(EVENT, {}),
    request(EVENT).replace(b"HTTP/1.1", b"HTTP/1.0"),
    *(raw for name, raw in NOT_ORDINARY.items() if name not in ("a query", "chunked", "expects")),
])  # fmt: skip


@how(max_examples=20, deadline=None)
@given(st.lists(OPEN_ENDED, max_size=5), LAST, st.lists(st.floats(0, 1), max_size=4))
def test_both_ways_give_the_same_bytes(
    requests: list[bytes], last: bytes, cuts: list[float]
) -> None:
    raw = b"".join([*requests, last])
    places = sorted({int(cut * len(raw)) for cut in cuts} - {0, len(raw)})
    pieces = [raw[a:b] for a, b in zip([0, *places], [*places, len(raw)], strict=True)]
    fast, long = asyncio.run(_both(pieces))
    assert fast == long
    assert fast.startswith(b"HTTP/1.1 ")


async def _both(pieces: Sequence[bytes]) -> tuple[bytes, bytes]:
    return (await _answered(pieces, fast_lane=True), await _answered(pieces, fast_lane=False))


async def _answered(pieces: Sequence[bytes], *, fast_lane: bool) -> bytes:
    chosen = settings(max_body_bytes=LIMIT, fast_lane=fast_lane)
    async with served(FakeSink(), chosen) as app, connect(app.port) as connection:
        for piece in pieces:
            await connection.send(piece)
            await asyncio.sleep(0.002)
        answered = await asyncio.wait_for(connection.reader.read(), 10)
    return re.sub(rb"date: [^\r]*", b"date: now", answered)
