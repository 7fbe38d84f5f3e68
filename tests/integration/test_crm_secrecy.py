"""Canaries in events, credentials and a CRM's answers: none sings where operators look."""

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiokafka import ConsumerRecord

from ops.child import Child
from tests.admin_probe import Probe
from tests.chaos.crms import OWNER, RECIPIENT, VENDORS, running
from tests.crm_fakes.faults import Fault
from tests.kafka_fixture import RunningKafka
from tests.streams_rig import Rig, event, eventually, header, rig

REFUSED = f"Follow up: LiveSend to {RECIPIENT.title()}"
OTHERS = 5
CANARIES = ("canary", "pat@customer", "sam@vendor", "203.0.113.", "2001:db8:", "whsec_")
QUOTES = f"no {RECIPIENT}, no {OWNER}"


def email(number: int, recipient: Any = RECIPIENT, **data: Any) -> bytes:
    return event(
        "tenant-a",
        f"e{number}",
        "email-v3",
        interactionId=f"i{number}",
        interactionOccurredAt="2026-04-07T12:00:00Z",
        userId="canary-user",
        userEmail=OWNER,
        subject="canary-subject",
        recipients=[{"id": "canary-recipient", "email": recipient, "recipientType": "to"}],
        ipAddress="203.0.113.7",
        viewer={
            "ip": "2001:db8::7",
            "location": {"city": "canary-city", "lat": 59.437, "lon": 24.7},
        },
        accessToken="canary-access",
        **data,
    )


SAMPLES = Path(__file__).parents[1] / "data" / "seismic" / "events"
FIRST_VIEWS = "version: 1\nevents: {livesend-session-summary-v3: {enabled: true}}"
VIEWER = "vera@customer.example"
WHEREABOUTS = ("203.0.113.", "2001:db8:", "canary-city", "canary-state", "59.437", "24.753")
"""Of viewers: these leave the event topics for the quarantine alone."""


def view() -> bytes:
    """Return the documented event of a view, with canaries where it tells of network and place."""
    sample = json.loads((SAMPLES / "livesend-session-summary-v3.json").read_bytes())
    sample["tenantId"] = "tenant-a"
    sample["data"]["Participants"] = [{"Email": VIEWER}]
    sample["data"]["ClientDetails"] |= {
        "IpAddress": "203.0.113.8",
        "City": "canary-city",
        "State": "canary-state",
        "GeolocationLatitude": 59.437,
        "GeolocationLongitude": 24.753,
    }
    return json.dumps(sample).encode()


POISON = (
    email(100, {"canary": RECIPIENT}),
    email(101, context="canary-context")[:-1],
    email(102).replace(b'"recipients":[', b'"recipients":"203.0.113.7","canary":['),
)


async def disturb(name: str, url: str) -> None:
    """Have the CRM quote people in what it answers, and refuse one of them for good."""
    if name == "sandbox":
        faults: list[dict[str, Any]] = [
            {"kind": "refuse", "match": {"recipient": RECIPIENT}, "times": 1},
            {"kind": "status", "status": 503, "title": QUOTES, "times": 2},
            {"kind": "status", "status": 401, "title": QUOTES, "times": 1},
            {"kind": "hang", "seconds": 2, "times": 1},
        ]
        where = f"{url}/faults"
    else:
        answers = [Fault("status", status=503, body=body(QUOTES)), Fault("expire")]
        answers += [
            Fault("hang", seconds=2),
            *(each for each, _ in VENDORS[name].driver.retryable[:3]),
        ]
        faults, where = [asdict(each) for each in answers], f"{url}/_fake/faults"
    async with aiohttp.request("PUT", where, json=faults) as answer:
        assert answer.status == 200, await answer.text()


def body(text: str) -> Any:
    return [{"message": text, "errorCode": text, "code": text, "title": text}]


@pytest.mark.parametrize("name", ["sandbox", *VENDORS])
async def test_nothing_personal_is_told(kafka: RunningKafka, tmp_path: Path, name: str) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        with running(name, tmp_path / "crm", REFUSED) as crm:
            await disturb(name, crm.settings["crm_url"])
            bodies = [
                email(0, RECIPIENT.title()),
                *map(email, range(1, OTHERS + 1)),
                view(),
                *POISON,
            ]
            await r.produce([("tenant-a", each) for each in bodies])
            rules = tmp_path / "rules.yaml"
            rules.write_text(FIRST_VIEWS)
            settings = {**crm.settings, "crm_timeout_seconds": "1", "task_rules_file": str(rules)}
            worker = r.worker("w1", "dedup,followup,crm", log_level="DEBUG", **settings)
            await eventually(partial(refused_one, r), "the dead letter")
            await eventually(lambda: has_all(crm.created), "the others' tasks")
            said = [worker.log.read_text(), await metrics(worker)]
            assert "crm_unavailable" in said[0]
            assert "task_dead" in said[0]
            assert 'geophone_crm_tasks_total{outcome="dead"' in said[1]
            for each in said:
                assert [canary for canary in CANARIES if canary in each.lower()] == []
            aside = await r.read(r.topics.quarantine.name)
            assert aside, "nothing was poison"
            tasks = await r.read(r.topics.task.name, r.topics.task_dead.name)
            for record in [*tasks, *aside]:
                assert [canary for canary in CANARIES if canary in told(record)] == []
            viewed = [one for one in tasks if VIEWER.encode() in one.value]
            assert [header(one, "ce_type") for one in viewed] == ["com.seismic.task.FirstView"]
            commands = [one.value.decode().lower() for one in tasks]
            for text in (*commands, await everything_in(name, crm.settings["crm_url"]), *said):
                assert [canary for canary in WHEREABOUTS if canary in text.lower()] == []
            assert any(WHEREABOUTS[0] in one.value.decode() for one in aside), "as documented"
            assert worker.exits == []


async def refused_one(r: Rig) -> bool:
    letters = await r.read(r.topics.task_dead.name)
    return [header(one, "geophone-reason") for one in letters] == ["refused-by-crm"]


async def has_all(created: Any) -> bool:
    return bool(await created() >= OTHERS + 1)


async def everything_in(name: str, url: str) -> str:
    """Return what the CRM has of all tasks, as text."""
    path = "/tasks?limit=100" if name == "sandbox" else "/_fake/tasks"
    async with aiohttp.request("GET", url + path) as answer:
        text = await answer.text()
    assert VIEWER in text
    return text


async def metrics(worker: Child) -> str:
    return str((await Probe(worker)._get("/metrics"))[1])


def told(record: ConsumerRecord) -> str:
    """Return the record's headers as text: what anybody sees who lists a topic."""
    return str(record.headers).lower()
