"""Which CRM gets which tenant's commands; what is wrong is named by its variable or member."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from streams.crm import CRM
from streams.crm.limits import Limits
from streams.crm.registry import CONNECTORS, Connector
from streams.crm.target import Target
from streams.crm.webhook import Options, Webhook
from streams.crm_targets import targets
from streams.settings import Settings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GEOPHONE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GEOPHONE_CRM_URL", "https://crm.example.com/tasks")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The targets file, still to be written."""
    path = tmp_path / "targets.yaml"
    monkeypatch.setenv("GEOPHONE_CRM_TARGETS_FILE", str(path))
    return path


def made() -> dict[str, Target]:
    return {one.name: one for one in targets(Settings())}


def complaint() -> str:
    with pytest.raises(ValueError) as caught:
        targets(Settings())
    return str(caught.value)


def endpoint(crm: CRM) -> tuple[str, str | None, float]:
    assert isinstance(crm, Webhook)
    one = crm._endpoint
    return one.url, one.secret, one.timeout


def limits(crm: CRM) -> Limits:
    assert isinstance(crm, Webhook)
    return crm._limits


def test_without_a_file_one_target_serves_everybody() -> None:
    (one,) = targets(Settings())
    assert (one.name, one.serves("anybody"), one.serves(None)) == ("default", True, True)
    assert endpoint(one.crm) == ("https://crm.example.com/tasks", None, 10.0)


EMEA = """
emea:
  crm: sandbox
  url: https://emea.example.com
  credentials_file: emea.yaml
  requests_per_second: 2.5
  concurrency: 3
  timeout_seconds: 4
  tenants: [one, two]
apac:
  crm: webhook
  url: https://apac.example.com/
  tenants: ["3"]
"""


def test_each_tenant_has_one_target_and_the_default_one_has_the_rest(file: Path) -> None:
    file.write_text(EMEA)
    (file.parent / "emea.yaml").write_text(f"secret: {SECRET}")
    found = made()
    tenants = ["one", "two", "3", "four", None]
    served = {name: [t for t in tenants if one.serves(t)] for name, one in found.items()}
    assert served == {"default": ["four", None], "emea": ["one", "two"], "apac": ["3"]}
    assert endpoint(found["emea"].crm) == ("https://emea.example.com/tasks", SECRET, 4.0)
    assert endpoint(found["apac"].crm) == ("https://apac.example.com/", None, 10.0)
    asked = limits(found["emea"].crm)
    assert (asked.per_second, asked.burst, asked.concurrency) == (2.5, 2, 3)


def test_targets_do_not_share_what_they_know_of_refusals(file: Path) -> None:
    file.write_text(EMEA.replace("  credentials_file: emea.yaml\n", ""))
    assert len({id(one.breaker) for one in targets(Settings())}) == 3


TARGET: Mapping[str, str] = {
    "crm": "webhook",
    "url": "https://x.example.com",
    "tenants": "[a]",
}


def target(**changes: str) -> str:
    members = {**TARGET, **changes}
    return "emea: {" + ", ".join(f"{k}: {v}" for k, v in members.items() if v) + "}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (target(crm="sugar"), "emea.crm: CRM 'sugar' is unknown: choose one of"),
        (target(crm=""), "emea.crm: Field required"),
        (target(url=""), "emea.url: set it to where the CRM takes tasks"),
        (target(url="x.example.com"), "emea.url: the CRM's URL must be like https://"),
        (target(tenants=""), "emea.tenants: Field required"),
        (target(tenants="[]"), "emea.tenants: Frozenset should have at least 1 item"),
        (target(tenants="[5]"), "emea.tenants.0: Input should be a valid string"),
        (target(concurrency="0"), "emea.concurrency: Input should be greater than or equal to 1"),
        (target(requests_per_second="0"), "emea.requests_per_second: Input should be greater"),
        (target(requests_per_second=".inf"), "emea.requests_per_second: Input should be a finite"),
        (target(timeout_seconds="-1"), "emea.timeout_seconds: Input should be greater than 0"),
        (target(tenant="b"), "emea.tenant: Extra inputs are not permitted"),
        (target().replace("emea", "EMEA"), "EMEA.[key]: String should match pattern"),
        (target().replace("emea", "default"), "default: is the target that GEOPHONE_CRM describes"),
        (target() + "\napac: {crm: webhook, url: x, tenants: [b, a]}", "apac.tenants: 'a' is in"),
        ("- emea", "Input should be a valid dictionary"),
        (f"{target()}\n{target()}", "line 1, column 1: a member is there twice"),
        ("emea: {", "line 1, column 8: is no YAML"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_with_its_place(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    assert complaint().startswith(f"{file}: {said}")


def test_a_tenant_in_two_targets_is_named_with_both(file: Path) -> None:
    file.write_text(target() + "\n" + target().replace("emea", "apac"))
    assert complaint() == f"{file}: apac.tenants: 'a' is in emea.tenants, too; take it out of one"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("secret: whsec_hunter2", "emea.secret: the CRM's secret must"),
        ("sercet: whsec_hunter2", "emea.credentials_file: {}: sercet: Extra inputs are not"),
        ("secret: @hunter2", "emea.credentials_file: {}: line 1, column 9: is no YAML"),
        ("secret: {file: /nowhere}", "emea.credentials_file: secret: there is no file /nowhere"),
        (None, "emea.credentials_file: {}: cannot be read: FileNotFoundError"),
    ],
)
def test_what_is_wrong_in_a_credentials_file_is_said_without_showing_it(
    file: Path, text: str | None, said: str
) -> None:
    file.write_text(target(credentials_file="secrets.yaml"))
    beside = file.parent / "secrets.yaml"
    if text is not None:
        beside.write_text(text)
    told = complaint()
    assert told.startswith(f"{file}: {said.format(beside)}")
    assert "hunter2" not in told


@pytest.mark.parametrize("text", ["secret: whsec_hunter2", "sercet: hunter2", "secret: @hunter2"])
def test_the_default_targets_credentials_are_named_by_their_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    credentials = tmp_path / "credentials.yaml"
    credentials.write_text(text)
    monkeypatch.setenv("GEOPHONE_CRM_CREDENTIALS_FILE", str(credentials))
    told = complaint()
    assert told.startswith("GEOPHONE_CRM_CREDENTIALS_FILE: ")
    assert "hunter2" not in told


def test_two_places_for_one_secret_are_one_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = tmp_path / "credentials.yaml"
    credentials.write_text(f"secret: {SECRET}")
    monkeypatch.setenv("GEOPHONE_CRM_CREDENTIALS_FILE", str(credentials))
    assert endpoint(targets(Settings())[0].crm)[1] == SECRET
    monkeypatch.setenv("GEOPHONE_CRM_SECRET", SECRET)
    assert (
        complaint()
        == "GEOPHONE_CRM_SECRET: goes into GEOPHONE_CRM_CREDENTIALS_FILE, too; unset one"
    )


class VendorOptions(Options):
    client_id: str
    client_key: str


def test_a_connector_that_needs_credentials_says_which(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: Any) -> CRM:
        raise AssertionError("without credentials")

    monkeypatch.setitem(
        CONNECTORS,
        "vendor",
        Connector(VendorOptions, connect, Limits()),
    )
    monkeypatch.setenv("GEOPHONE_CRM", "vendor")
    needs = "set it to a YAML file: it needs client_id, client_key"
    file.write_text("{}")
    assert complaint() == f"GEOPHONE_CRM_CREDENTIALS_FILE: {needs}"
    monkeypatch.setenv("GEOPHONE_CRM", "webhook")
    file.write_text(target(crm="vendor"))
    assert complaint() == f"{file}: emea.credentials_file: {needs}"
