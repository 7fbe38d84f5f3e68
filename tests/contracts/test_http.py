"""The HTTP contract, row by row, over real sockets; see the table in ingress/answers.py."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from ingress import answers
from ingress.doorway import MAX_PIPELINED
from ingress.metrics import Metrics
from ingress.sink import Cause, Unavailable
from tests.ingress_rig import (
    DEFAULTS,
    SECRET,
    VERIFICATION,
    FakeSink,
    Served,
    ask,
    connect,
    event,
    request,
    served,
    settings,
    sign,
    until,
)

CALLBACK = b'{"appId":"a","tenantId":"t","requestId":"r","type":"Install","version":"0.1.4"}'
NEW = b'{"id":"x","version":"WebhookChallengeV1","tenantId":"t","data":{"challenge":"g-1"}}'
LIMIT = 4096
CHUNKED = b"POST /webhook HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n"


def in_flight(app: Served) -> float | None:
    return app.metrics.registry.get_sample_value("geophone_ingress_in_flight")


@pytest.fixture(autouse=True, params=[True, False], ids=["fast lane", "application"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEFAULTS, "fast_lane", request.param)


@pytest.fixture
async def sink() -> FakeSink:
    return FakeSink()


@pytest.fixture
async def app(sink: FakeSink) -> AsyncIterator[Served]:
    chosen = settings(max_body_bytes=LIMIT, deadline_seconds=1.0, retry_after_seconds=7)
    async with served(sink, chosen) as app:
        yield app


def assert_problem(reply_body: bytes, headers: Mapping[str, str], status: int) -> None:
    assert headers["content-type"] == "application/problem+json"
    assert headers["cache-control"] == "no-store"
    assert b'"status":%d' % status in reply_body
    assert len(reply_body) < 120, "an error tells a stranger nothing"


async def test_a_signed_event_is_answered_200_with_nothing_once_it_is_stored(
    app: Served, sink: FakeSink
) -> None:
    body = event()
    sink.open.clear()
    waiting = asyncio.create_task(app.post(body))
    await until(lambda: sink.asked == 1)
    assert not waiting.done(), "answered before the record was safe"
    sink.open.set()
    reply = await waiting
    assert (reply.status, reply.body) == (200, b"")
    assert [record.value for record in sink.stored] == [body]


@pytest.mark.parametrize("name", ["x-seismic-signature", "X-Seismic-Signature-Old"])
@pytest.mark.parametrize("spell", [str.lower, str.upper])
async def test_either_signature_header_will_do_in_either_case(
    app: Served, name: str, spell: type[str]
) -> None:
    assert (await app.post(event(), {name: spell(sign(event()))})).status == 200


async def test_during_rotation_a_good_old_signature_outweighs_a_strange_new_one(
    app: Served,
) -> None:
    both = {"x-seismic-signature": "0" * 64, "x-seismic-signature-old": sign(event())}
    assert (await app.post(event(), both)).status == 200


@pytest.mark.parametrize("headers", [{}, {"x-seismic-signature": "0" * 64}])
async def test_a_missing_or_wrong_signature_is_answered_401_and_nothing_is_stored(
    app: Served, sink: FakeSink, headers: dict[str, str]
) -> None:
    reply = await app.post(event(), headers)
    assert reply.status == 401
    assert reply.headers["www-authenticate"]
    assert reply.closed
    assert_problem(reply.body, reply.headers, 401)
    assert not sink.asked


async def test_one_altered_byte_is_no_longer_signed(app: Served) -> None:
    altered = event().replace(b"e-1", b"e-2")
    assert (await app.post(altered, {"x-seismic-signature": sign(event())})).status == 401


@pytest.mark.parametrize("signature", [{}, {"x-seismic-signature": sign(VERIFICATION)}])
async def test_the_old_verification_is_echoed_as_text(
    app: Served, sink: FakeSink, signature: dict[str, str]
) -> None:
    reply = await app.post(VERIFICATION, signature)
    assert (reply.status, reply.body) == (200, b"abc")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"
    assert not sink.asked


async def test_the_new_verification_is_echoed_as_json(app: Served, sink: FakeSink) -> None:
    reply = await app.post(NEW, {})
    assert (reply.status, reply.body) == (200, b'{"challenge":"g-1"}')
    assert reply.headers["content-type"] == "application/json"
    assert not sink.asked


async def test_a_verification_with_a_wrong_signature_is_refused(app: Served) -> None:
    assert (await app.post(VERIFICATION, {"x-seismic-signature": "0" * 64})).status == 401


async def test_a_lifecycle_callback_is_answered_202_once_it_is_stored(
    app: Served, sink: FakeSink
) -> None:
    reply = await app.post(CALLBACK)
    assert (reply.status, reply.body) == (202, b"")
    assert [record.topic for record in sink.stored] == ["seismic.lifecycle"]


@pytest.mark.parametrize("body", [b"", b"no json", b"[1]", b'{"id":"x"}'])
async def test_a_signed_body_that_is_no_event_is_answered_200_and_set_aside(
    app: Served, sink: FakeSink, body: bytes
) -> None:
    reply = await app.post(body)
    assert (reply.status, reply.body) == (200, b"")
    [record] = sink.stored
    assert (record.topic, record.value) == ("seismic.quarantine", body)


@pytest.mark.parametrize("cause", list(Cause))
@pytest.mark.parametrize("body", [event(), CALLBACK, b"no json"])
async def test_what_was_not_stored_is_answered_503_and_told_when_to_come_again(
    app: Served, sink: FakeSink, cause: Cause, body: bytes
) -> None:
    sink.unavailable = Unavailable(cause)
    reply = await app.post(body)
    assert reply.status == 503
    assert reply.headers["retry-after"] == "7"
    assert_problem(reply.body, reply.headers, 503)


async def test_a_body_of_exactly_the_limit_is_taken(app: Served) -> None:
    body = event(padding="")
    body = event(padding="x" * (LIMIT - len(body)))
    assert len(body) == LIMIT
    assert (await app.post(body)).status == 200


async def test_an_announced_body_over_the_limit_is_answered_413_before_it_comes(
    app: Served, sink: FakeSink
) -> None:
    whole = request(b"x" * (LIMIT + 1))
    async with connect(app.port) as connection:
        await connection.send(whole[: -LIMIT - 1])
        reply = await connection.reply()
        assert reply.status == 413
        assert_problem(reply.body, reply.headers, 413)
        await connection.send(whole[-LIMIT - 1 :])
        assert await connection.hung_up()
    assert not sink.asked


async def test_a_streamed_body_is_refused_as_soon_as_it_passes_the_limit(app: Served) -> None:
    async with connect(app.port) as connection:
        await connection.send(CHUNKED)
        chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
        for _ in range(LIMIT // 1024 + 1):
            await connection.send(chunk)
        reply = await asyncio.wait_for(connection.reply(), 3)
        assert reply.status == 413
        assert reply.headers["connection"] == "close"
        assert await connection.hung_up()


async def test_the_refusal_arrives_although_the_caller_is_still_sending(app: Served) -> None:
    body = b"x" * (4 * 1024 * 1024)
    async with connect(app.port) as connection:
        sending = asyncio.create_task(connection.send(request(body)))
        assert (await asyncio.wait_for(connection.reply(), 3)).status == 413
        await asyncio.wait({sending}, timeout=3)
        assert sending.done()
        assert sending.exception() is None, "it was cut off, and might not have read the answer"


async def test_a_streamed_body_is_stored_like_any_other(app: Served, sink: FakeSink) -> None:
    body = event()
    head = (
        "POST /webhook HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n"
        f"x-seismic-signature: {sign(body)}\r\n\r\n"
    )
    pieces = [b"%x\r\n%c\r\n" % (1, byte) for byte in body]
    async with connect(app.port) as connection:
        await connection.send(head.encode(), *pieces, b"0\r\n\r\n")
        assert (await connection.reply()).status == 200
    assert [record.value for record in sink.stored] == [body]


async def test_a_body_that_does_not_arrive_is_answered_408_within_the_deadline(
    app: Served, sink: FakeSink
) -> None:
    async with connect(app.port) as connection:
        await connection.send(request(event())[:-1])
        reply = await asyncio.wait_for(connection.reply(), 2)
        assert reply.status == 408
        assert reply.headers["connection"] == "close"
    assert not sink.asked


async def test_a_caller_that_hangs_up_is_not_stored(app: Served, sink: FakeSink) -> None:
    async with connect(app.port) as connection:
        await connection.send(request(event())[:-1])

    async def counted() -> bool:
        reply = await app.admin("/metrics")
        return b"geophone_ingress_abandoned_total 1.0" in reply.body

    await until(counted)
    assert not sink.asked


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate, gzip"])
async def test_an_encoded_body_is_answered_415_and_never_inflated(
    app: Served, sink: FakeSink, encoding: str
) -> None:
    signed = {"x-seismic-signature": sign(event()), "content-encoding": encoding}
    reply = await app.post(event(), signed)
    assert reply.status == 415
    assert reply.headers["accept-encoding"] == "identity"
    assert_problem(reply.body, reply.headers, 415)
    assert not sink.asked


async def test_the_identity_encoding_is_no_encoding(app: Served) -> None:
    signed = {"x-seismic-signature": sign(event()), "content-encoding": "Identity"}
    assert (await app.post(event(), signed)).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_another_method_is_answered_405_with_the_allowed_one(
    app: Served, method: str
) -> None:
    reply = await ask(app.port, event(), method=method)
    assert reply.status == 405
    assert reply.headers["allow"] == "POST"
    assert_problem(reply.body, reply.headers, 405)


@pytest.mark.parametrize(
    "path", ["/", "/webhook/", "/webhook/x", "/WEBHOOK", "/livez", "/metrics", "//webhook", "/%00"]
)
async def test_another_path_is_answered_404_whatever_it_is(
    app: Served, sink: FakeSink, path: str
) -> None:
    reply = await ask(app.port, event(), path=path)
    assert reply.status == 404
    assert_problem(reply.body, reply.headers, 404)
    assert not sink.asked


async def test_a_query_string_changes_nothing(app: Served) -> None:
    assert (await ask(app.port, event(), path="/webhook?source=seismic")).status == 200


async def test_the_path_is_a_setting(sink: FakeSink) -> None:
    async with served(sink, settings(webhook_path="/in/seismic")) as app:
        assert (await ask(app.port, event(), path="/in/seismic")).status == 200
        assert (await ask(app.port, event())).status == 404


async def test_a_connection_serves_one_request_after_the_other_in_order(
    app: Served, sink: FakeSink
) -> None:
    bodies = [event(number) for number in range(MAX_PIPELINED)]
    async with connect(app.port) as connection:
        await connection.send(b"".join(map(request, bodies)))
        assert {(await connection.reply()).status for _ in bodies} == {200}
    assert [record.value for record in sink.stored] == bodies


async def test_while_draining_every_answer_asks_the_caller_to_move_on(app: Served) -> None:
    app.state.draining = True
    for body in (event(), VERIFICATION):
        reply = await app.post(body)
        assert (reply.status, reply.headers["connection"]) == (200, "close")
        assert reply.closed


async def test_bodies_that_are_still_arriving_are_limited_too(sink: FakeSink) -> None:
    """By what they announce; one that announces nothing may become as long as the limit."""
    chosen = settings(max_body_bytes=LIMIT, max_in_flight_bytes=LIMIT, deadline_seconds=2.9)
    small = event(padding="x" * (LIMIT // 4))
    async with served(sink, chosen) as app, connect(app.port) as slow, connect(app.port) as other:
        await slow.send(request(small)[:-1])
        await other.send(request(small)[:-1])
        async with connect(app.port) as third:
            await until(lambda: in_flight(app) == 2)
            await third.send(CHUNKED + b"1\r\nx\r\n")
            assert (await asyncio.wait_for(third.reply(), 1)).status == 503
        assert (await app.post(VERIFICATION, {})).status == 200
        for connection in (slow, other):
            await connection.send(request(small)[-1:])
            assert (await connection.reply()).status == 200


async def test_a_bug_is_answered_500_and_the_next_request_is_served(
    app: Served, sink: FakeSink
) -> None:
    sink.bug = RuntimeError("a bug")
    reply = await app.post(event())
    assert reply.status == 500
    assert_problem(reply.body, reply.headers, 500)
    sink.bug = None
    assert (await app.post(event())).status == 200


async def test_alive_never_asks_the_sink_and_ready_always_does(app: Served, sink: FakeSink) -> None:
    assert (await app.admin("/livez")).status == 200
    assert (await app.admin("/readyz")).json() == {"ready": True, "why": None}
    sink.unavailable = Unavailable(Cause.LATE)
    assert (await app.admin("/livez")).status == 200
    reply = await app.admin("/readyz")
    assert reply.status == 503
    assert reply.json() == {"ready": False, "why": "told to refuse"}


async def test_a_draining_process_is_alive_but_not_ready(app: Served) -> None:
    app.state.draining = True
    assert (await app.admin("/readyz")).status == 503
    assert (await app.admin("/livez")).status == 200


async def test_every_answer_is_counted_under_its_own_name(app: Served, sink: FakeSink) -> None:
    await app.post(event())
    await app.post(CALLBACK)
    await app.post(b"no json")
    await app.post(VERIFICATION, {})
    await app.post(event(), {})
    await ask(app.port, path="/elsewhere")
    sink.unavailable = Unavailable(Cause.LATE)
    await app.post(event())
    text = (await app.admin("/metrics")).body.decode()
    once = ("stored", "lifecycle", "quarantined", "verification", "unsigned", "not_found")
    for name in (*once, "not_acknowledged"):
        assert f'geophone_ingress_requests_total{{answer="{name}"}} 1.0' in text
    assert 'geophone_ingress_quarantined_total{reason="not-json"} 1.0' in text
    assert "geophone_ingress_request_seconds_count 7.0" in text
    assert "geophone_ingress_in_flight 0.0" in text
    assert "geophone_ingress_ready 0.0" in text
    assert "geophone_ingress_secrets" in text


async def test_requests_in_flight_can_be_seen(sink: FakeSink) -> None:
    metrics = Metrics()
    sink.open.clear()
    async with served(sink, metrics=metrics) as app:
        waiting = [asyncio.create_task(app.post(event(number))) for number in range(3)]
        await until(lambda: sink.asked == 3)
        assert metrics.registry.get_sample_value("geophone_ingress_in_flight") == 3
        sink.open.set()
        await asyncio.gather(*waiting)


def test_every_answer_has_a_name_of_its_own() -> None:
    names = [each.name for each in answers.every()]
    assert len(names) == len(set(names))


def test_the_secret_is_not_in_the_settings_text() -> None:
    assert SECRET not in repr(settings())
