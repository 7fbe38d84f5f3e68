from datetime import time
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from streams.crm.dynamics import Options

REQUIRED = {"tenant_id": "contoso.example", "client_id": "app", "client_secret": "s3cret"}


def options(**changes: Any) -> Options:
    return Options.model_validate(REQUIRED | changes)


def test_tokens_come_from_the_tenants_address() -> None:
    expected = "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token"
    assert options().token_url == expected


def test_a_national_cloud_has_its_own_authority() -> None:
    found = options(authority="https://login.microsoftonline.us/")
    assert found.token_url == "https://login.microsoftonline.us/contoso.example/oauth2/v2.0/token"


def test_a_due_time_is_written_as_on_a_clock() -> None:
    found = options(due_time="17:30", time_zone="Europe/Berlin")
    assert found.due.at == time(17, 30)
    assert str(found.due.zone) == "Europe/Berlin"


@pytest.mark.parametrize("written", ["17:00", "10:30", "17:00:00"])
def test_a_due_time_without_quotes_is_a_number_to_yaml(written: str) -> None:
    with pytest.raises(ValidationError, match="put it in quotes"):
        options(**yaml.safe_load(f"due_time: {written}"))
    assert options(**yaml.safe_load(f'due_time: "{written}"')).due.at == time.fromisoformat(written)


@pytest.mark.parametrize(
    "change",
    [
        {"tenant_id": "a/b"},
        {"client_id": ""},
        {"authority": "http://login.example"},
        {"time_zone": "Mars/Olympus"},
        {"due_time": "late"},
        {"tenantid": "x"},
    ],
)
def test_what_cannot_be_meant_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        options(**change)


def test_the_secret_is_not_shown() -> None:
    assert "s3cret" not in repr(options())
