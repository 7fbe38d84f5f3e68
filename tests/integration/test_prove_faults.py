"""Faults on a real stack of three brokers: each has its effect while it lasts, and none after."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil
import pytest
import pytest_asyncio
from aiohttp import ClientSession

from ops import samples
from ops.prove.faults import FAULTS, NotHere, Site, processes
from ops.prove.faults.site import until
from ops.prove.history import Strike
from ops.prove.pipe import Way
from ops.prove.schedule import Planned, carry_out
from ops.sender import post, signed
from ops.stack import Choice, Stack
from schemas import catalogue

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900), pytest.mark.kafka]

EVERY_SECONDS = 0.1
DICE = Random(7)  # noqa: S311 - to be repeated


@dataclass
class Bench:
    """A stack, a sender that never rests, and what it was answered."""

    site: Site
    session: ClientSession
    answers: list[int | None] = field(default_factory=list)

    async def post(self, recipient: str = "") -> int | None:
        recipients = [recipient] if recipient else []
        body = samples.event(catalogue.EMAIL, "tenant-1", recipients)
        stack = self.site.stack
        headers = signed(body, stack.state.secret)
        return (await post(self.session, stack.webhook_urls[0], body, headers)).status

    async def strike(self, fault: str) -> tuple[Strike, Counter[int | None]]:
        """Let a fault strike; return what the sender was answered meanwhile."""
        answers: list[asyncio.Task[int | None]] = []

        async def send() -> None:
            while True:
                answers.append(asyncio.create_task(self.post()))
                await asyncio.sleep(EVERY_SECONDS)

        sending = asyncio.create_task(send())
        try:
            strike = await FAULTS[fault].strike(self.site, DICE)
        finally:
            sending.cancel()
        return strike, Counter(await asyncio.gather(*answers))

    async def accepts(self) -> None:
        async def accepted() -> bool:
            return await self.post() == 200

        await until(accepted, "an event to be accepted")

    async def has_task(self, recipient: str) -> bool:
        url = f"{self.site.stack.crm_url}/tasks?limit=10000"
        async with self.session.get(url) as answer:
            return recipient in await answer.text()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Bench]:
    if request.config.getoption("--kafka") != "embedded":
        pytest.skip("breaks brokers: only with --kafka=embedded")
    folder: Path = tmp_path_factory.mktemp("stack")
    choice = Choice(folder, 0, brokers=3, ingresses=1, workers=1, proxied=True, revive=False)
    stack = Stack(choice, lambda _: None)
    await stack.start()
    try:
        async with ClientSession() as session:
            yield Bench(Site(stack), session)
    finally:
        await stack.stop()


async def test_a_killed_ingress_is_gone_and_another_one_comes(bench: Bench) -> None:
    before = bench.site.stack.child("ingress-1").pid
    strike, _ = await bench.strike("kill ingress")
    assert strike.fault == "kill ingress"
    assert strike.target == "ingress-1"
    assert strike.healed
    assert strike.at < strike.healed
    assert bench.site.stack.child("ingress-1").exits[-1] == -signal.SIGKILL
    assert not psutil.pid_exists(before)
    await bench.accepts()


async def test_a_killed_leader_comes_back_with_every_replica_in_sync(bench: Bench) -> None:
    leader, kills = await bench.site.leader(), bench.site.kills["kafka"]
    pid = bench.site.kafka.pid(leader)
    strike, answers = await bench.strike("kill leaders' broker")
    assert strike.target == f"kafka-{leader}"
    assert bench.site.kafka.pid(leader) != pid
    assert bench.site.kills["kafka"] == kills + 1
    assert answers[200]
    await bench.accepts()


async def test_the_controller_that_is_paused_is_another_one_after(bench: Bench) -> None:
    before = await bench.site.controller()
    strike, _ = await bench.strike("pause controller")
    assert strike.target == f"kafka-{before}"
    assert await bench.site.controller() != before


@pytest.mark.parametrize("fault", ["cut ingress-kafka", "cut kafka to ingress"])
async def test_an_ingress_that_is_cut_off_answers_503_and_then_200_again(
    bench: Bench, fault: str
) -> None:
    _, answers = await bench.strike(fault)
    assert answers[503]
    assert not answers[None]
    await bench.accepts()


async def test_without_enough_replicas_nothing_is_accepted(bench: Bench) -> None:
    strike, answers = await bench.strike("min.insync.replicas lost")
    assert len(strike.target.split(", ")) == 2
    assert answers[503]
    await bench.accepts()


@pytest.mark.parametrize("fault", ["cut streams-kafka", "crm down", "crm 500"])
async def test_a_task_waits_while_its_way_is_broken(bench: Bench, fault: str) -> None:
    recipient = f"{fault.replace(' ', '-')}@example.com"
    striking = asyncio.create_task(bench.strike(fault))
    await until(lambda: _in_force(bench, fault), f"{fault} to begin")
    assert await bench.post(recipient) == 200
    looks = 0
    while await _in_force(bench, fault):
        early = await bench.has_task(recipient)
        assert not (early and await _in_force(bench, fault))
        looks += 1
    assert looks
    await striking
    await until(lambda: bench.has_task(recipient), "the task")


async def _in_force(bench: Bench, fault: str) -> bool:
    links = bench.site.stack.links
    if fault == "cut streams-kafka":
        return all(link.lines[Way.UP].quality.cut for link in links.of("streams-kafka"))
    if fault == "crm down":
        return not links["streams-crm"].accepting
    async with bench.session.get(f"{bench.site.stack.crm_url}/faults") as answer:
        return bool(await answer.json())


async def test_workers_that_are_away_come_back_and_find_what_waited(bench: Bench) -> None:
    inflict = processes.away("streams", 3)
    striking = asyncio.ensure_future(inflict(bench.site, DICE))
    workers = [bench.site.stack.child(name) for name in bench.site.names("streams")]
    await until(lambda: not any(worker.running for worker in workers), "the workers to be away")
    assert await bench.post("waited@example.com") == 200
    strike = await striking
    assert strike.target == ", ".join(bench.site.names("streams"))
    await until(lambda: bench.has_task("waited@example.com"), "what waited to become a task")


async def test_a_broker_whose_disk_is_full_ends_and_comes_back(bench: Bench) -> None:
    try:
        strike, answers = await bench.strike("disk of a broker full")
    except NotHere as error:
        pytest.skip(str(error))
    assert "ended itself" in strike.note
    assert answers[200]
    await bench.accepts()


async def test_a_plan_is_carried_out(bench: Bench) -> None:
    bench.site.kills.clear()
    planned = [Planned(0, "kill worker", 1), Planned(0, "kill ingress", 2)]
    strikes = await carry_out(planned, bench.site, lambda _: None)
    assert {strike.fault for strike in strikes} == {"kill worker", "kill ingress"}
    assert bench.site.kills == {"streams": 1, "ingress": 1}
