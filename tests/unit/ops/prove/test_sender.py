"""The sender: what it does with each kind of answer, and that the ledger says so."""

import asyncio
import hashlib
import hmac
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ops.ports import free_ports
from ops.prove.history import SENDER_LIMIT_SECONDS, Attempt, Outcome
from ops.prove.ledger import Truncated, read, read_closing
from ops.prove.load import Workload
from ops.prove.sender import client
from ops.prove.sender.client import Client, Exhausted
from ops.prove.sender.plan import Plan

SECRET = "shaken-not-stirred"
WITHIN_SECONDS = 60
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
_LATER = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"

Answer = Callable[[bytes, int], bytes | None]
"""From a body and how often it has come to the answer's bytes: b"" resets, None never answers."""


class Server:
    """Real sockets; remembers every whole body, and how many it got only in part."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.bodies: list[bytes] = []
        self.connections = 0
        self.halves = 0
        self.unsigned = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        try:
            body = await reader.readexactly(int(headers["content-length"]))
        except asyncio.IncompleteReadError as error:
            self.halves += 0 < len(error.partial) < int(headers["content-length"])
            raise
        expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        self.unsigned += headers["x-seismic-signature"] != expected
        self.bodies.append(body)
        answer = self._answer(body, self.bodies.count(body))
        if answer is None:
            await reader.read()
        elif not answer:
            writer.transport.abort()
        else:
            writer.write(answer)
            await writer.drain()
        return bool(answer)


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[tuple[Server, str]]:
    server = Server(answer)
    listener = await asyncio.start_server(server, "127.0.0.1", 0)
    async with listener:
        yield server, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/webhook"


def plan(folder: Path, *urls: str, **more: Any) -> Path:
    (folder / "secret").write_text(f"{SECRET}\nolder\n")
    said = {
        "seed": 1,
        "name": "t",
        "events": 20,
        "rate": 200,
        "routes": {f"ingress-{number}": url for number, url in enumerate(urls, 1)},
        "secret_file": str(folder / "secret"),
        "ledger": str(folder / "ledger"),
        "aborts": 0,
        **more,
    }
    path = folder / "plan.json"
    path.write_text(json.dumps(said))
    return path


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "ops.prove.sender", str(path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def sent(path: Path) -> tuple[list[Attempt], list[dict[str, Any]]]:
    """Run the plan to its end; return the ledger, and what was said meanwhile."""
    async with running(path) as process, asyncio.timeout(WITHIN_SECONDS):
        out, error = await process.communicate()
        assert process.returncode == 0, error.decode()
    return read(path.parent / "ledger"), [json.loads(line) for line in out.splitlines()]


def of_event(attempts: list[Attempt], number: int) -> list[Attempt]:
    return sorted((a for a in attempts if a.event == number), key=lambda a: a.started)


def later(times: int, first: bytes | None, then: bytes = _OK) -> Answer:
    return lambda _, count: first if count <= times else then


async def test_a_refusal_is_retried_until_it_is_accepted(tmp_path: Path) -> None:
    async with serving(later(2, _LATER)) as (server, url):
        attempts, lines = await sent(plan(tmp_path, url))
    load = Workload(1, 20, "t")
    deliveries = list(load.deliveries())
    assert len(deliveries) > 20
    assert server.unsigned == 0
    assert sorted(server.bodies) == sorted(load.body(attempt.event) for attempt in attempts)
    for number in range(20):
        mine = of_event(attempts, number)
        assert sum(attempt.outcome is Outcome.FAIL for attempt in mine) == 2
        assert sum(attempt.outcome is Outcome.OK for attempt in mine) == deliveries.count(number)
        assert {attempt.status for attempt in mine} == {503, 200}
    last = lines[-1]
    assert (last["sent"], last["ok"], last["fail"]) == (len(attempts), len(deliveries), 40)
    assert (last["unknown"], last["waiting"], last["given_up"]) == (0, 0, 0)


async def test_retries_climb_the_ladder(tmp_path: Path) -> None:
    async with serving(later(3, _LATER)) as (_, url):
        attempts, _ = await sent(plan(tmp_path, url, events=1, seed=2))
    assert [a.status for a in attempts] == [503, 503, 503, 200]
    pauses = [after.started - before.ended for before, after in pairwise(attempts)]
    assert all(pause >= least for pause, least in zip(pauses, (0.19, 0.39, 0.79), strict=True))


async def test_a_server_that_hangs_is_unknown_after_the_senders_own_time(tmp_path: Path) -> None:
    async with serving(later(1, None)) as (_, url):
        attempts, _ = await sent(plan(tmp_path, url, events=1, seed=2, answer_seconds=0.3))
    first, second = attempts
    assert (first.outcome, first.status, second.status) == (Outcome.UNKNOWN, None, 200)
    assert first.ended - first.started > 0.29  # the loop counts in milliseconds
    assert second.started > first.ended


def test_an_answer_later_than_seismics_limit_is_still_seen() -> None:
    assert Plan.model_fields["answer_seconds"].default > SENDER_LIMIT_SECONDS + 1


async def test_a_reset_is_unknown(tmp_path: Path) -> None:
    async with serving(later(1, b"")) as (_, url):
        # Known at once, not when its time is up.
        path = plan(tmp_path, url, events=1, seed=2, answer_seconds=2 * WITHIN_SECONDS)
        attempts, _ = await sent(path)
    assert [attempt.status for attempt in attempts] == [None, 200]


async def test_routes_take_turns_whether_they_are_up_or_not(tmp_path: Path) -> None:
    [closed] = free_ports(1)
    async with serving(later(0, b"")) as (_, url):
        attempts, _ = await sent(
            plan(tmp_path, f"http://127.0.0.1:{closed}/webhook", url, events=9)
        )
    dead = [attempt for attempt in attempts if attempt.route == "ingress-1"]
    assert {attempt.status for attempt in dead} == {None}
    assert {a.status for a in attempts if a.route == "ingress-2"} == {200}
    assert abs(len(attempts) - 2 * len(dead)) <= 1
    assert {a.event for a in attempts if a.outcome is Outcome.OK} == set(range(9))


async def test_a_route_that_hangs_holds_up_nothing_that_goes_elsewhere(tmp_path: Path) -> None:
    async with serving(later(9, None)) as (_, hung), serving(later(0, b"")) as (_, good):
        path = plan(
            tmp_path, hung, good, events=6, most_in_flight=1, answer_seconds=1, patience_seconds=0
        )
        attempts, lines = await sent(path)
    first_unanswered = min(a.ended for a in attempts if a.route == "ingress-1")
    answered = [attempt for attempt in attempts if attempt.route == "ingress-2"]
    assert len(answered) >= 3
    assert max(attempt.ended for attempt in answered) < first_unanswered
    assert lines[-1]["given_up"] == len(attempts) - len(answered)


async def test_clients_that_abort_leave_half_a_body_and_come_again(tmp_path: Path) -> None:
    async with serving(later(0, b"")) as (server, url):
        attempts, _ = await sent(plan(tmp_path, url, aborts=1))
        deliveries = list(Workload(1, 20, "t").deliveries())
        assert server.halves == len(deliveries)
    assert len(server.bodies) == len(deliveries)
    assert len(attempts) == 2 * len(deliveries)
    assert sum(attempt.outcome is Outcome.UNKNOWN for attempt in attempts) == len(deliveries)
    assert of_event(attempts, 0)[0].status is None


async def test_patience_ends(tmp_path: Path) -> None:
    async with serving(later(99, _LATER)) as (_, url):
        attempts, lines = await sent(plan(tmp_path, url, events=3, patience_seconds=0.5))
    assert {attempt.outcome for attempt in attempts} == {Outcome.FAIL}
    assert lines[-1]["given_up"] == len(list(Workload(1, 3, "t").deliveries()))


async def test_sigterm_ends_the_pace_and_not_the_retries(tmp_path: Path) -> None:
    enough = asyncio.Event()

    def answer(_: bytes, count: int) -> bytes:
        if len(server.bodies) > 20:
            enough.set()
        return _LATER if count == 1 else _OK

    async with (
        serving(answer) as (server, url),
        running(plan(tmp_path, url, events=1_000_000)) as process,
        asyncio.timeout(WITHIN_SECONDS),
    ):
        await enough.wait()
        process.send_signal(signal.SIGTERM)
        _, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    attempts = read(tmp_path / "ledger")
    begun = {attempt.event for attempt in attempts}
    assert {a.event for a in attempts if a.outcome is Outcome.OK} == begun
    assert begun == set(range(len(begun)))
    assert len(attempts) == len(server.bodies)


async def test_a_line_a_second_says_how_it_goes(tmp_path: Path) -> None:
    async with serving(later(0, b"")) as (_, url):
        attempts, lines = await sent(plan(tmp_path, url, events=300))
    assert len(lines) >= 2
    for line in lines:
        assert line["sent"] == line["ok"] + line["fail"] + line["unknown"]
        if line["max"] is not None:
            assert 0 < line["p50"] <= line["p99"] <= line["max"]
        assert line["at"] > 0
    assert lines[-1]["sent"] == len(attempts)
    closing = read_closing(tmp_path / "ledger")
    assert [lag * 1000 for _, lag in closing.lags] == pytest.approx([x["lag"] for x in lines])


async def test_a_sender_that_fails_leaves_no_ledger_that_can_be_read(tmp_path: Path) -> None:
    """Here it cannot open another socket: nothing that a server did."""
    async with serving(later(999, None)) as (_, url):
        path = plan(tmp_path, url, events=1_000, rate=1_000)
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", 'ulimit -n 40; exec "$@"', "sh"),
            *(sys.executable, "-m", "ops.prove.sender", str(path)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(WITHIN_SECONDS):
            _, error = await process.communicate()
    assert process.returncode == 1
    assert b"Exhausted" in error
    with pytest.raises(Truncated):
        read(tmp_path / "ledger")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", 302),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + _OK, 200),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 200),
        (_OK + _LATER, 200),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", None),
        (b"SSH-2.0-OpenSSH_9.7\r\n", None),
    ],
)
async def test_only_a_whole_answer_is_one(answer: bytes, status: int | None) -> None:
    async with serving(lambda *_: answer) as (_, url):
        one = Client(url, SECRET, 0.3)
        assert await one.post(b"{}") == status
        one.close()


@pytest.mark.parametrize(("idle_seconds", "connections"), [(60.0, 1), (0.0, 3)])
async def test_a_connection_is_used_again_unless_it_was_idle_for_long(
    monkeypatch: pytest.MonkeyPatch, idle_seconds: float, connections: int
) -> None:
    monkeypatch.setattr(client, "IDLE_SECONDS", idle_seconds)
    async with serving(later(0, b"")) as (server, url):
        one = Client(url, SECRET, WITHIN_SECONDS)
        assert [await one.post(b"{}") for _ in range(3)] == [200, 200, 200]
        one.close()
    assert server.connections == connections


async def test_a_connection_that_the_server_closes_is_not_used_again() -> None:
    closing = b"HTTP/1.1 503 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    async with serving(later(1, closing)) as (server, url):
        one = Client(url, SECRET, WITHIN_SECONDS)
        assert [await one.post(b"{}") for _ in range(2)] == [503, 200]
        one.close()
    assert server.connections == 2


async def test_a_machine_without_sockets_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(*_: object) -> None:
        raise OSError(24, os.strerror(24))

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", connect)
    with pytest.raises(Exhausted):
        await Client("http://127.0.0.1:1/webhook", SECRET, 1).post(b"{}")
    with pytest.raises(Exhausted):
        await Client("http://127.0.0.1:1/webhook", SECRET, 1).abort(b"{}")


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 0},
        {"routes": {}},
        {"routes": {"ingress-1": "https://127.0.0.1:1/webhook"}},
        {"routes": {"ingress-1": "http://127.0.0.1/webhook"}},
        {"aborts": 1.1},
        {"misspelt": 1},
        {"secret_file": "/no/such/file"},
    ],
)
def test_a_wrong_plan_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    url = "http://127.0.0.1:1/webhook"
    Plan.model_validate_json(plan(tmp_path, url).read_bytes())
    with pytest.raises(ValidationError):
        Plan.model_validate_json(plan(tmp_path, url, **wrong).read_bytes())
