"""The followup stage as a process on a real broker: from events to task commands, once."""

import asyncio
import signal
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from ops.child import Child
from schemas.partitioner import partition_for
from schemas.task import TaskCommand
from tests.admin_probe import Probe
from tests.kafka_fixture import RunningKafka
from tests.streams_rig import Rig, event, eventually, header, rig

LEGACY = Path(__file__).parents[1] / "data" / "seismic" / "legacy"


def email(tenant: str, number: int, *addresses: str, **data: Any) -> bytes:
    recipients = [{"email": address, "recipientType": "to"} for address in addresses]
    return event(
        tenant,
        f"e{number}",
        "email-v3",
        interactionId=f"i{number}",
        interactionOccurredAt="2026-04-07T12:00:00Z",
        userId="seller-1",
        recipients=recipients,
        **data,
    )


async def send(r: Rig, topic: str, *bodies: bytes, tenant: str = "tenant-a") -> None:
    """Write event records past the dedup stage."""
    key = tenant.encode()
    async with r.producer() as producer:
        for body in bodies:
            await producer.send_and_wait(
                topic, body, key=key, partition=partition_for(key, r.partitions)
            )


async def commands(r: Rig) -> list[TaskCommand]:
    return [TaskCommand.decode(record.value) for record in await r.read(r.topics.task.name)]


async def until_commands(r: Rig, count: int) -> list[TaskCommand]:
    async def enough() -> bool:
        return len(await r.read(r.topics.task.name)) >= count

    await eventually(enough, f"{count} commands")
    return await commands(r)


async def test_an_email_leads_to_one_command_per_distinct_recipient(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        r.worker("w1", "dedup,followup")
        sent = email("tenant-a", 1, "Ada@example.com", "ada@example.com", "bob@example.com")
        await r.produce([("tenant-a", sent), ("tenant-a", sent)])
        ada, bob = await until_commands(r, 2)
        assert (ada.recipient.email, bob.recipient.email) == ("Ada@example.com", "bob@example.com")
        assert (ada.tenant_id, ada.event_id, ada.interaction_id) == ("tenant-a", "e1", "i1")
        assert (ada.owner.id, ada.due.isoformat()) == ("seller-1", "2026-04-09")
        records = await r.read(r.topics.task.name)
        assert [record.key for record in records] == [b"tenant-a"] * 2
        assert header(records[0], "ce_id") == str(ada.key)
        assert header(records[0], "ce_type") == "com.seismic.task.FollowUp"
        assert orjson.loads(records[0].value)["version"] == 1


async def test_a_bare_legacy_body_leads_to_a_command_of_its_keys_tenant(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        r.worker("w1", "dedup,followup")
        await r.produce([("tenant-k", (LEGACY / "email-bare.json").read_bytes())])
        (command,) = await until_commands(r, 1)
        assert (command.tenant_id, command.event_type) == ("tenant-k", "email-v3")
        assert command.recipient.email == "recipient@example.com"


def view(tenant: str, number: int, viewer: str) -> bytes:
    return event(
        tenant,
        f"v{number}",
        "livesend-session-summary-v3",
        InteractionId="i1",
        SessionId=f"s{number}",
        ClientDetails={"IpAddress": "192.0.2.7", "City": "Charlotte"},
        Participants=[{"Email": viewer}],
    )


async def test_rules_choose_the_words_and_turn_views_on_for_one_tenant(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        """
        version: 1
        defaults: {priority: high, subject: "Call {recipient}"}
        tenants:
          tenant-a: {events: {livesend-session-summary-v3: {enabled: true}}}
        """
    )
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        r.worker("w1", "dedup,followup", task_rules_file=str(rules))
        bodies = [
            ("tenant-b", view("tenant-b", 1, "off@x")),
            ("tenant-a", view("tenant-a", 2, "ada@x")),
            ("tenant-a", view("tenant-a", 3, "Ada@x")),
            ("tenant-b", email("tenant-b", 4, "bob@x")),
        ]
        await r.produce(bodies)
        made = await until_commands(r, 3)
        first, again = (command for command in made if command.kind == "first-view")
        assert (first.key, first.tenant_id, first.subject) == (again.key, "tenant-a", "Call ada@x")
        assert {command.priority for command in made} == {"high"}
        records = await r.read(r.topics.task.name)
        assert Counter(header(record, "ce_type") for record in records) == {
            "com.seismic.task.FirstView": 2,
            "com.seismic.task.FollowUp": 1,
        }
        assert not any(b"192.0.2.7" in r.value or b"Charlotte" in r.value for r in records)


async def test_what_cannot_be_handled_is_set_aside_and_the_worker_goes_on(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        worker = r.worker("w1", "followup")
        stray = event("tenant-a", "x", "UserCreatedV1")
        endless = email("tenant-a", 2, "a@x").replace(b"2026-04-07T12", b"9999-12-31T12")
        good = email("tenant-a", 3, "b@x")
        topic = r.topics.events["email-v3"].name
        await send(r, topic, b"{not json", stray, b"", endless, good)
        assert len(await until_commands(r, 2)) == 2
        quarantine = await r.read(r.topics.quarantine.name)
        assert [record.value for record in quarantine] == [b"{not json", stray, b""]
        assert [header(record, "geophone-reason") for record in quarantine] == [
            "not-json",
            "wrong-shape",
            "not-json",
        ]
        assert {header(record, "geophone-source-topic") for record in quarantine} == {topic}
        assert worker.exits == []


async def test_kills_under_load_give_each_command_once(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        worker = r.worker("w1", "followup")
        topic = r.topics.events["email-v3"].name
        expected: Counter[str] = Counter()
        async with r.producer() as producer:
            for kill in range(5):
                for number in range(kill * 400, kill * 400 + 400):
                    tenant = f"tenant-{number % 7}"
                    body = email(tenant, number, f"{number}@x", f"second-{number}@x")
                    expected.update({f"{number}@x": 1, f"second-{number}@x": 1})
                    partition = partition_for(tenant.encode(), r.partitions)
                    await producer.send(topic, body, key=tenant.encode(), partition=partition)
                await producer.flush()
                await eventually(lambda: worker.running, "the worker to run", pause=0.02)
                progress = len(await r.read(r.topics.task.name))

                async def moved(since: int = progress) -> bool:
                    return len(await r.read(r.topics.task.name)) > since

                await eventually(moved, "commands since the last kill", pause=0.02)
                worker.send(signal.SIGKILL)
                await eventually(partial(died, worker, kill), "its death", pause=0.02)
        made = await until_commands(r, len(expected))
        assert Counter(command.recipient.email for command in made) == expected
        assert set(worker.exits) == {-signal.SIGKILL}


def died(worker: Child, before: int) -> bool:
    return len(worker.exits) > before


async def test_a_large_event_with_thousands_of_recipients_is_one_transaction(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        worker = r.worker("w1", "dedup,followup")
        body = email("tenant-a", 1, *(f"recipient-{n}@example.com" for n in range(12_000)))
        assert len(body) > 700_000
        await r.produce([("tenant-a", body)])
        made = await until_commands(r, 12_000)
        assert len({command.key for command in made}) == len(made) == 12_000
        assert worker.exits == []


async def test_an_idle_worker_stays_alive_and_has_no_lag(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    """A transaction's marker takes an offset that is never handed out: it is no work left."""
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        worker = r.worker("w1", "dedup,followup", stalled_seconds="1")
        await r.produce([("tenant-a", email("tenant-a", 1, "a@x"))])
        await until_commands(r, 1)
        probe = Probe(worker)

        async def no_lag() -> bool:
            return await probe.metric("geophone_streams_lag_records") == 0

        await eventually(no_lag, "the lag to be gone", 10)
        await asyncio.sleep(2.5)
        assert await probe.livez() == 200, await probe.json("/livez")


async def test_records_deleted_before_they_were_handled_are_told_of(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        topic = r.topics.events["email-v3"].name
        worker = r.worker("w1", "followup", session_timeout_seconds="6")
        await send(r, topic, email("tenant-a", 1, "a@x"))
        await until_commands(r, 1)
        worker.send(signal.SIGSTOP)
        await send(r, topic, *(email("tenant-a", n, f"{n}@x") for n in range(2, 7)))
        await delete_before(r, TopicPartition(topic, 0), 5)
        worker.send(signal.SIGCONT)

        async def last_handled() -> bool:
            return (await commands(r))[-1].event_id == "e6"

        await eventually(last_handled, "what was not deleted to be handled")
        lost = await Probe(worker).metric(
            "geophone_streams_expired_records_total", stage="followup"
        )
        assert lost == 6 - len(await commands(r)) > 0


async def delete_before(r: Rig, partition: TopicPartition, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=r.bootstrap)
    await admin.start()
    await admin.delete_records({partition: RecordsToDelete(before_offset=offset)})
    await admin.close()
