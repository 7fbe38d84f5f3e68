"""`geophone crm` as a process: what would be sent, and whether the CRM is set up for it."""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson
import pytest
import yaml

from ops.crm import event as events
from ops.crm import page
from ops.crm.preview import plan, why_nothing
from schemas.task import TaskCommand
from streams.crm import OWNER_ID, RECIPIENT_ID, Request
from streams.crm.limits import Limits
from streams.crm.salesforce import Options, connect
from streams.rules.book import RuleBook
from streams.rules.loader import parse
from tests.crm_fakes import (
    dynamics,
    dynamics_driver,
    hubspot_driver,
    salesforce,
    salesforce_driver,
)
from tests.crm_fakes.driver import Driver
from tests.crm_fakes.server import State
from tests.sandbox_fixture import running_sandbox

ROOT = Path(__file__).parents[3]
EVENTS = ROOT / "tests" / "data" / "seismic" / "events"
EMAIL, VIEW = (
    EVENTS / "email-enriched-v3.json",
    EVENTS / "livesend-session-summary-enriched-v3.json",
)
EXAMPLE = ROOT / "deploy" / "task-rules.example.yaml"
WHSEC = "whsec_Y2hhbmdlLW1lLWNoYW5nZS1tZS1jaGFuZ2UtbWU="
OWNER, CONTACT = "005000000000002AAA", "003000000000001AAA"


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.out)


async def crm(
    *arguments: object, variables: Mapping[str, object] = MappingProxyType({}), stdin: bytes = b""
) -> Ended:
    """Run the command with these GEOPHONE_ variables and no other."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GEOPHONE_")}
    environ |= {f"GEOPHONE_{name.upper()}": str(value) for name, value in variables.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ops.cli", "crm", *map(str, arguments)),
        cwd=ROOT,
        env=environ,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin)
    return Ended(process.returncode or 0, out.decode(), err.decode())


Credentials = Callable[[str, Path], dict[str, object]]
VENDORS: Mapping[str, tuple[Driver, Credentials]] = {
    "salesforce": (
        salesforce_driver.DRIVER,
        lambda _, file: {"client_id": salesforce.CLIENT_ID, "client_secret": {"file": str(file)}},
    ),
    "hubspot": (hubspot_driver.DRIVER, lambda _, file: {"access_token": {"file": str(file)}}),
    "dynamics": (
        dynamics_driver.DRIVER,
        lambda url, file: {
            "tenant_id": dynamics.TENANT_ID,
            "client_id": dynamics.CLIENT_ID,
            "client_secret": {"file": str(file)},
            "authority": url,
        },
    ),
}


def account(vendor: str, folder: Path, url: str) -> dict[str, object]:
    """Return the variables of this vendor's CRM at this URL."""
    driver, credentials = VENDORS[vendor]
    secret, file = folder / "secret", folder / "credentials.yaml"
    secret.write_text(driver.secrets[0])
    file.write_text(yaml.safe_dump(credentials(url, secret)))
    return {"crm": vendor, "crm_url": url, "crm_credentials_file": file}


def people(driver: Driver) -> State:
    return State(
        users={"seller@example.com": driver.ids["user"]},
        contacts={"recipient@example.com": driver.ids["contact"]},
        leads={"lead@example.com": driver.ids["lead"]},
    )


@pytest.mark.parametrize("vendor", VENDORS)
async def test_every_vendors_requests_are_shown_and_its_check_is_run(
    vendor: str, tmp_path: Path
) -> None:
    driver, _ = VENDORS[vendor]
    fake = driver.fake(people(driver))
    async with fake.serving() as url:
        variables = account(vendor, tmp_path, url)
        shown = await crm("preview", EMAIL, variables=variables)
        assert fake.sent == []
        checked = await crm("check", variables=variables)
    assert (shown.code, shown.err) == (0, "")
    assert "Follow up: LiveSend to recipient@example.com" in shown.out.partition("to default")[2]
    assert not any(secret in shown.out + checked.out for secret in driver.secrets)
    assert (checked.code, checked.err) == (0, ""), checked.out
    assert checked.out.count("  ok    ") >= 2
    assert {one.method for one in fake.sent} <= {"GET", "POST"}
    assert fake.outcomes["created"] == 0


async def test_a_preview_is_what_is_sent_and_sends_nothing(tmp_path: Path) -> None:
    state = State(
        users={"seller@example.com": OWNER},
        contacts={"recipient@example.com": CONTACT},
        records={"00646000009eMGL": "Opportunity"},
    )
    fake = salesforce.Salesforce(state)
    async with fake.serving() as url:
        shown = await crm(
            "preview", EMAIL, "--json", variables=account("salesforce", tmp_path, url)
        )
        assert fake.sent == []
        (planned,) = shown.json["tasks"]
        options = Options(client_id=salesforce.CLIENT_ID, client_secret=salesforce.CLIENT_SECRET)
        connector = connect(url, options, Limits())
        await connector.create(TaskCommand.decode(orjson.dumps(planned["command"])))
        await connector.close()
    assert [resolved(one) for one in planned["requests"]] == [
        (one.method, one.path, (one.body or b"").decode()) for one in fake.sent
    ]
    assert planned["target"] == "default"
    assert salesforce.CLIENT_SECRET not in shown.out


def resolved(request: dict[str, str]) -> tuple[str, str, str]:
    body = request["body"].replace(OWNER_ID, OWNER).replace(RECIPIENT_ID, CONTACT)
    return request["method"], request["path"], body


async def test_a_person_sees_each_command_and_each_request(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(WHSEC)
    shown = await crm(
        *("preview", EMAIL, "--rules", EXAMPLE),
        variables={
            "crm_url": "http://user:hunter2@127.0.0.1:1/tasks?token=hunter3",
            "crm_secret_file": tmp_path / "secret",
        },
    )
    assert (shown.code, shown.err) == (0, "")
    for part in (
        "Task 1 of 2: follow-up",
        '"subject": "Follow up with recipient@example.com"',
        "1 request to default, log-in and signature left out:",
        "POST /tasks",
        "Content-Type: application/json",
        "2 tasks from email-enriched-v3; nothing was sent",
    ):
        assert part in shown.out
    assert shown.out.count("Idempotency-Key: ") == 2
    assert "hunter" not in shown.out
    assert WHSEC.removeprefix("whsec_") not in shown.out


async def test_rules_and_tenant_are_tried_out() -> None:
    off = await crm("preview", VIEW)
    assert off.code == 0
    assert off.out.startswith("No task: the rule for livesend-session-summary-enriched-v3 of ")
    assert "say `enabled: true`" in off.out
    on = await crm("preview", VIEW, "--rules", EXAMPLE, "--json")
    (task,) = on.json["tasks"]
    assert task["command"]["kind"] == "first-view"
    assert (task["target"], task["requests"]) == (None, [])
    nobody = await crm(
        *("preview", VIEW, "--tenant", "8c1d7f2e-1f0a-4b57-9d63-2f6f2f4b7a10"),
        variables={"task_rules_file": EXAMPLE},
    )
    assert "of tenant 8c1d7f2e-1f0a-4b57-9d63-2f6f2f4b7a10 is off" in nobody.out


async def test_a_tenants_own_crm_is_shown(tmp_path: Path) -> None:
    targets = tmp_path / "targets.yaml"
    targets.write_text("emea: {crm: sandbox, url: 'http://127.0.0.1:1/', tenants: [t-emea]}")
    variables = {"crm_url": "http://127.0.0.1:1/hook", "crm_targets_file": targets}
    ours = await crm("preview", EMAIL, "--json", variables=variables)
    theirs = await crm("preview", EMAIL, "--json", "--tenant", "t-emea", variables=variables)
    assert [(t["target"], t["requests"][0]["path"]) for t in ours.json["tasks"]] == [
        ("default", "/hook")
    ]
    assert [(t["target"], t["requests"][0]["path"]) for t in theirs.json["tasks"]] == [
        ("emea", "/tasks")
    ]


async def test_the_data_alone_will_do_if_the_type_is_told() -> None:
    data = orjson.dumps({"recipients": [{"email": "ada@example.com"}]})
    told = await crm("preview", "-", "--type", "EMAIL-v3", "--json", stdin=data)
    assert told.json["eventType"] == "email-v3"
    assert told.json["tasks"][0]["command"]["subject"] == "Follow up: LiveSend to ada@example.com"
    untold = await crm("preview", "-", stdin=data)
    assert untold.code == 1
    assert untold.err.startswith("geophone: no-id: ")
    assert "say --type" in untold.err


@pytest.mark.parametrize(
    ("arguments", "variables", "advice"),
    [
        (["preview", EMAIL, "--type", "mail"], {}, "people are named in: email-v3, "),
        (["preview", EXAMPLE], {}, "not-json"),
        (["preview", "missing.json"], {}, "No such file or directory: 'missing.json'"),
        (["preview", EMAIL, "--rules", EMAIL], {}, f"{EMAIL}, line 2: application is unknown"),
        (["preview", EMAIL], {"crm": "siebel"}, "GEOPHONE_CRM: CRM 'siebel' is unknown: choose"),
        (["preview", EMAIL], {"crm": "salesforce"}, "GEOPHONE_CRM_CREDENTIALS_FILE: "),
        (["preview", EMAIL], {"crm_url": "crm.example.com"}, "GEOPHONE_CRM_URL: "),
        (["check"], {}, "no CRM is configured: set GEOPHONE_CRM and GEOPHONE_CRM_URL"),
        (["check"], {"crm_concurrency": "none"}, "GEOPHONE_CRM_CONCURRENCY: "),
    ],
)
async def test_an_error_says_what_to_do(
    arguments: list[object], variables: dict[str, object], advice: str
) -> None:
    ended = await crm(*arguments, variables=variables)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("geophone: ")
    assert ended.err.count("\n") == 1
    assert advice in ended.err


async def test_check_says_that_all_is_well(tmp_path: Path) -> None:
    async with salesforce.Salesforce(people(salesforce_driver.DRIVER)).serving() as url:
        ended = await crm("check", variables=account("salesforce", tmp_path, url))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("default\n  ok    log-in, API and object Task\n")
    assert "wrong" not in ended.out


async def test_check_looks_up_the_owners_that_the_rules_name(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "version: 1\n"
        "defaults: {owner: Seller@example.com, fallback_owner: gone@example.com}\n"
        "tenants: {off: {defaults: {enabled: false, owner: nobody@example.com}}}\n"
    )
    async with salesforce_driver.DRIVER.fake(people(salesforce_driver.DRIVER)).serving() as url:
        variables = {**account("salesforce", tmp_path, url), "task_rules_file": rules}
        ended = await crm("check", variables=variables)
    assert ended.code == 1
    assert "ok    owner seller@example.com, whom the rules name" in ended.out
    assert "wrong owner gone@example.com, whom the rules name" in ended.out
    assert "no active user has this e-mail address: correct the rules file" in ended.out
    assert "nobody@" not in ended.out, "a rule that is off"


async def test_check_says_how_to_mend_what_is_wrong(tmp_path: Path) -> None:
    fake = salesforce.Salesforce(people(salesforce_driver.DRIVER))
    fake.state.missing.add("field")
    async with fake.serving() as url:
        ended = await crm("check", variables=account("salesforce", tmp_path, url))
    assert ended.code == 1
    assert "  wrong the key's field Geophone_Key__c\n        create it on the object" in ended.out
    assert ended.out.endswith("Mend what is wrong, then run `geophone crm check` again.\n")
    assert fake.tasks("") == []


async def test_every_target_is_checked_and_one_that_is_wrong_is_enough(tmp_path: Path) -> None:
    targets = tmp_path / "targets.yaml"
    with running_sandbox(tmp_path) as url:
        targets.write_text(f"emea: {{crm: sandbox, url: '{url}', tenants: [t]}}")
        variables = {"crm_url": "http://127.0.0.1:1/", "crm_targets_file": targets}
        ended = await crm("check", variables=variables)
    assert ended.code == 1
    default, emea = ended.out.split("emea\n")
    assert "wrong the endpoint answers" in default
    assert "check the CRM's URL" in default
    assert emea.startswith("  ok    the endpoint answers\nMend what is wrong")


def test_a_header_with_a_credential_is_hidden_whoever_put_it_there() -> None:
    rules = RuleBook()
    event = events.read(EMAIL.read_bytes(), None, None, "legacy")
    (planned,) = plan(event, rules, [])
    secret = Request("POST", "/", None, {"Authorization": "Bearer canary", "Accept": "x"})
    told = type(planned)(planned.command, "default", [secret])
    shown = page.as_json(event, [told])
    assert "canary" not in shown
    assert orjson.loads(shown)["tasks"][0]["requests"][0]["headers"]["Accept"] == "x"


def test_why_nothing_follows_is_told() -> None:
    off = RuleBook(parse("version: 1\ndefaults: {include_domains: [nowhere.example]}"))
    event = events.read(EMAIL.read_bytes(), None, None, "legacy")
    assert "`include_domains`" in why_nothing(event, off)
    assert "`recipients`" in why_nothing(event, off)
    for name in ("UserCreatedV1", "livesend-summary-v2"):
        other = events.read((EVENTS / f"{name}.json").read_bytes(), None, None, "legacy")
        assert plan(other, off, []) == []
        assert why_nothing(other, off).startswith(f"nothing follows from {name}; tasks follow")


def test_why_nothing_follows_from_a_view_is_told_in_words_of_its_own() -> None:
    event = events.read(VIEW.read_bytes(), None, None, "legacy")
    on = "version: 1\nevents: {livesend-session-summary-enriched-v3: {enabled: true}}\n"
    rules = RuleBook(parse(on + "defaults: {include_domains: [nowhere.example]}"))
    assert plan(event, rules, []) == []
    told = why_nothing(event, rules)
    assert told.startswith("the event names no viewer whom its rule wants")
    assert "`recipients`" not in told
    assert "`exclude_domains`" in told


@pytest.mark.parametrize(
    ("tenants", "prefix"),
    [
        ("{}", "the event names nobody"),
        ("{acme: {}}", "there are no rules for tenant globex, by everybody's: the event names"),
        ("{globex: {}}", "the event names nobody"),
    ],
)
def test_a_tenant_whom_the_rules_do_not_name_is_told(tenants: str, prefix: str) -> None:
    """A tenantId with a slip in it gets everybody's rules, which nobody would look at."""
    rules = RuleBook(
        parse(f"version: 1\ndefaults: {{include_domains: [n.example]}}\ntenants: {tenants}")
    )
    event = events.read(EMAIL.read_bytes(), None, "globex", "legacy")
    assert why_nothing(event, rules).startswith(prefix)
