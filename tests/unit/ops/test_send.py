"""`geophone send` against a server that notes what arrives."""

import io
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from rich.console import Console

from ops import send
from ops.ports import free_ports
from ops.send import Plan
from ops.sender import signature
from ops.target import Target
from schemas import envelope

SECRET = "seismic-demo-secret"


@dataclass
class Receiver:
    """Answers with the given statuses, then 200 for ever; `bodies` is what came, in order."""

    statuses: list[int] = field(default_factory=list)
    answer: str = ""
    bodies: list[bytes] = field(default_factory=list)
    signed: bool = True
    url: str = ""

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.bodies.append(body)
        self.signed &= request.headers["x-seismic-signature"] == signature(body, SECRET)
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200, text=self.answer)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Receiver"]:
        app = web.Application()
        app.router.add_post("/webhook", self.receive)
        runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
        try:
            yield self
        finally:
            await runner.cleanup()


@dataclass
class Said:
    accepted: bool
    text: str


def plan(
    event_type: str = "email-v3",
    *,
    times: int = 1,
    count: int = 1,
    pauses: tuple[float, ...] = (),
    body: Path | None = None,
) -> Plan:
    made = Plan.of(event_type, "tenant-7", times, count, 1000.0, 0, body)
    return Plan(made.bodies, made.rate, pauses)


async def run(chosen: Plan, url: str) -> Said:
    printed = io.StringIO()
    console = Console(file=printed, width=120)
    accepted = await send.run(chosen, Target(url, SECRET, ""), console)
    return Said(accepted, printed.getvalue())


async def test_one_event_three_times_is_the_same_bytes_three_times() -> None:
    async with Receiver().serving() as receiver:
        said = await run(plan(times=3), receiver.url)
    assert said.accepted
    assert receiver.signed
    assert list(Counter(receiver.bodies).values()) == [3]
    assert "3 requests: 3 x 200" in said.text


async def test_a_count_is_as_many_different_events_of_the_tenant_and_type() -> None:
    async with Receiver().serving() as receiver:
        await run(plan("usercreatedv1", count=4, times=2), receiver.url)
    events = [envelope.read(body, legacy_tenant="-") for body in receiver.bodies]
    assert sorted(Counter(each.event_id for each in events).values()) == [2, 2, 2, 2]
    assert {(each.tenant_id, each.type_name) for each in events} == {("tenant-7", "UserCreatedV1")}


async def test_a_file_is_sent_byte_for_byte(tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(b'{"my":  "own"}\r\n')
    async with Receiver().serving() as receiver:
        await run(plan(body=file, times=2), receiver.url)
    assert receiver.bodies == [b'{"my":  "own"}\r\n'] * 2


async def test_the_rate_spreads_the_starts_however_long_answers_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moments: list[float] = []

    async def note(moment: float) -> None:
        moments.append(moment)

    monkeypatch.setattr(send, "_until", note)
    async with Receiver().serving() as receiver:
        made = Plan.of("email-v3", "t", 1, 5, 20.0, 0, None)
        await run(made, receiver.url)
    assert [round(each - moments[0], 6) for each in moments] == [0, 0.05, 0.1, 0.15, 0.2]
    assert len(receiver.bodies) == 5


async def test_deliveries_arrive_in_the_order_of_the_plan() -> None:
    async with Receiver().serving() as receiver:
        chosen = Plan(plan(count=5).bodies, 50.0, ())
        await run(chosen, receiver.url)
    assert receiver.bodies == chosen.bodies


@pytest.mark.parametrize("status", [503, 401, 302, 500])
async def test_a_refused_delivery_is_made_again_after_the_pause(status: int) -> None:
    async with Receiver([status, status]).serving() as receiver:
        said = await run(plan(pauses=(0.01, 0.02)), receiver.url)
    assert said.accepted
    assert list(Counter(receiver.bodies).values()) == [3]
    assert "again in 0.01 s" in said.text
    assert "again in 0.02 s" in said.text
    assert f"2 x {status}" in said.text


async def test_what_is_refused_to_the_end_is_counted_and_explained() -> None:
    async with Receiver([503, 200, 503]).serving() as receiver:
        chosen = Plan(plan(count=2).bodies, 20.0, ())
        said = await run(chosen, receiver.url)
        again = await run(chosen, receiver.url)
    assert not said.accepted
    assert "1 of 2 deliveries were not accepted" in said.text
    assert "could not store" in said.text
    assert not again.accepted


async def test_a_wrong_secret_is_named_as_the_likely_cause() -> None:
    async with Receiver([401]).serving() as receiver:
        said = await run(plan(), receiver.url)
    assert "--secret-file" in said.text


async def test_nobody_there_is_no_answer_and_not_accepted() -> None:
    [port] = free_ports(1)
    said = await run(plan(pauses=(0.01,)), f"http://127.0.0.1:{port}/webhook")
    assert not said.accepted
    assert "2 x no answer" in said.text
    assert "is the ingress running?" in said.text


async def test_only_the_first_are_shown_but_all_are_counted() -> None:
    async with Receiver().serving() as receiver:
        said = await run(plan(count=30), receiver.url)
    assert "30 x 200" in said.text
    assert "the others are counted only" in said.text
    assert len(said.text.splitlines()) == 22


async def test_an_answer_cannot_play_tricks_on_the_terminal() -> None:
    async with Receiver([500], answer="\x1b[2J[/bold] bad").serving() as receiver:
        said = await run(plan(), receiver.url)
    assert "\x1b" not in said.text
    assert r"\x1b[2J[/bold] bad" in said.text


def test_the_pauses_are_the_documented_ones_as_many_as_asked_for() -> None:
    pauses = [Plan.of("email-v3", "t", 1, 1, 1.0, retries, None).pauses for retries in range(4)]
    assert pauses == [(), (5.0,), (5.0, 25.0), (5.0, 25.0, 150.0)]


def test_an_unknown_type_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no event type 'mail'") as caught:
        plan("mail")
    assert "email-v3" in str(caught.value)
    assert "LivesendUpdatedV1" in str(caught.value)


def test_several_events_from_one_file_are_a_contradiction(tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(b"{}")
    with pytest.raises(ValueError, match="--times"):
        plan(body=file, count=2)
