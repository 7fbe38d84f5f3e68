"""Several CRMs and one worker: who gets what, and what one CRM's trouble means to the others."""

import socket
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import yaml

from ops.child import Child
from tests.admin_probe import Probe
from tests.crm_rig import SECRET, Sandbox, command, dead_letters, keys, order, send, worker
from tests.kafka_fixture import RunningKafka
from tests.sandbox_fixture import running_sandbox
from tests.streams_rig import Rig, eventually, header, kill, rig

EMEA = ("tenant-0", "tenant-1")


def of_emea(numbers: Iterable[int]) -> list[int]:
    return [number for number in numbers if command(number).tenant_id in EMEA]


def of_others(numbers: Iterable[int]) -> list[int]:
    return [number for number in numbers if command(number).tenant_id not in EMEA]


@contextmanager
def sandbox(folder: Path, port: int = 0) -> Iterator[str]:
    folder.mkdir(exist_ok=True)
    with running_sandbox(folder, "--port", str(port), secret=SECRET) as url:
        yield url


def with_emea(r: Rig, folder: Path, url: str, emea: str, **more: str) -> Child:
    """Start a worker with a target of its own for two of the five tenants."""
    (folder / "secret.yaml").write_text(f"secret: {SECRET}")
    described = {
        "crm": "sandbox",
        "url": emea,
        "credentials_file": "secret.yaml",
        "timeout_seconds": 1,
        "tenants": list(EMEA),
    }
    file = folder / "targets.yaml"
    file.write_text(yaml.safe_dump({"emea": described}))
    return worker(r, url, crm_targets_file=str(file), **more)


async def handled(r: Rig, child: Child) -> None:
    await eventually(lambda: ready(child), "the worker")
    for stage in ("crm", "crm-emea"):
        await r.until_idle(stage, r.topics.task.name)


async def ready(child: Child) -> bool:
    return await Probe(child).readyz() == 200


async def test_each_tenants_commands_go_to_its_crm_whatever_becomes_of_the_others(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as reserved:
        port = reserved.getsockname()[1]
    emea = f"http://127.0.0.1:{port}"
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        with sandbox(tmp_path / "others") as url:
            await order(r, range(250))
            await send(r, [("tenant-0", b"{broken")])
            child = with_emea(r, tmp_path, url, emea, stalled_seconds="5")
            probe = Probe(child)
            await eventually(partial(Sandbox(url).has, 150), "the others' tasks")
            await r.until_idle("crm", r.topics.task.name)
            assert await Sandbox(url).tasks() == keys(of_others(range(250)))
            assert await probe.metric("geophone_crm_retries_total", target="emea") > 0
            assert await probe.metric("geophone_crm_retries_total", target="default") == 0
            assert await probe.livez() == 200
            with sandbox(tmp_path / "emea", port):
                await handled(r, child)
                assert await Sandbox(emea).tasks() == keys(of_emea(range(250)))
            (letter,) = await dead_letters(r)
            assert header(letter, "geophone-reason") == "unreadable-task"
            assert child.exits == []


async def test_a_new_target_begins_where_the_default_one_stands(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        with sandbox(tmp_path / "others") as url, sandbox(tmp_path / "emea") as emea:
            await order(r, range(50))
            before = worker(r, url)
            await eventually(partial(Sandbox(url).has, 50), "the default target's tasks")
            await r.until_idle("crm", r.topics.task.name)
            await before.stop(20)
            await order(r, range(50, 100))
            await handled(r, with_emea(r, tmp_path, url, emea))
            assert await Sandbox(url).tasks() == keys([*range(50), *of_others(range(50, 100))])
            assert await Sandbox(emea).tasks() == keys(of_emea(range(50, 100)))


async def test_a_crm_that_refuses_everything_has_its_commands_kept_back(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    """Through a restart, too; the other one's are delivered meanwhile, and then all of its own."""
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        with sandbox(tmp_path / "others") as url, sandbox(tmp_path / "emea") as emea:
            await Sandbox(emea).faults({"kind": "refuse"})
            await order(r, range(250))
            child = with_emea(r, tmp_path, url, emea, stalled_seconds="5")
            for _ in range(2):
                await eventually(partial(is_held, child), "deliveries to be held")
                await r.until_idle("crm", r.topics.task.name)
                asked = await times_asked(child)
                await eventually(partial(asked_oftener, child, asked + 3), "another try")
                assert await Probe(child).livez() == 200
                assert await Probe(child).metric("geophone_crm_held", target="default") == 0
                assert await dead_letters(r) == []
                await kill(child)
            await Sandbox(emea).faults()
            await handled(r, child)
            assert await Sandbox(emea).tasks() == keys(of_emea(range(250)))
            assert await Sandbox(url).tasks() == keys(of_others(range(250)))
            assert await dead_letters(r) == []
            assert await Probe(child).metric("geophone_crm_held") == 0
            said = child.log.read_text()
            assert "GEOPHONE_CRM_MAX_REFUSED_SHARE" in said
            assert "@example.com" not in said


async def is_held(child: Child) -> bool:
    return await Probe(child).metric("geophone_crm_held", target="emea") == 1


async def times_asked(child: Child) -> float:
    return await Probe(child).metric("geophone_crm_request_seconds_count", target="emea")


async def asked_oftener(child: Child, times: float) -> bool:
    return await times_asked(child) > times


async def test_few_refused_commands_a_day_do_not_add_up_to_a_hold(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    """One in five, one by one, through restarts: more of them than a hold needs."""
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        with sandbox(tmp_path / "others") as url:
            await Sandbox(url).faults({"kind": "refuse", "match": {"tenant": "tenant-3"}})
            child = worker(r, url)
            for round_ in range(4):
                await order(r, range(round_ * 50, round_ * 50 + 50))
                await r.until_idle("crm", r.topics.task.name)
                await kill(child)
            await eventually(partial(Sandbox(url).has, 160), "all others")
            assert len(await dead_letters(r)) == 40
