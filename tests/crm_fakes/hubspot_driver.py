"""HubSpot for the suite of all vendors' connectors."""

import json
from pathlib import Path
from typing import Any

from streams.crm.hubspot import Options, connect
from streams.crm.hubspot.connector import HubSpot
from streams.crm.limits import Limits
from streams.crm.secret import InFile
from tests.crm_fakes.driver import Driver
from tests.crm_fakes.faults import Fault
from tests.crm_fakes.hubspot import PAT, FakeHubSpot


def connector(url: str, folder: Path, limits: Limits) -> HubSpot:
    token = folder / "token"
    token.write_text(PAT + "\n")
    return connect(url, Options(access_token=InFile(file=token)), limits)


def failed(status: int, code: str, **members: Any) -> tuple[Fault, str]:
    body = {"status": "error", "message": "canary", "category": code, **members}
    return Fault("status", status=status, body=body), code


def invalid(code: str, name: str) -> str:
    listed = [{"isValid": False, "message": "no pat@c.example", "error": code, "name": name}]
    return f"Property values were not valid: {json.dumps(listed)}"


def bar(fake: FakeHubSpot, user: str) -> None:
    fake.account.barred[user] = {}


DRIVER = Driver(
    bar=bar,
    fake=FakeHubSpot,
    connect=connector,
    ids={
        "user": "64492917",
        "other user": "64492918",
        "contact": "101",
        "lead": "102",
        "record": "23125848331",
    },
    retryable=[
        failed(403, "MISSING_SCOPES"),
        failed(400, "PROPERTY_DOESNT_EXIST"),
        failed(409, "CONFLICT"),
        failed(429, "SECONDLY", policyName="SECONDLY"),
        (Fault("status", status=207, body={"results": []}), "said nothing of this task"),
        (Fault("status", status=404), "HTTP 404"),
        (Fault("status", status=423), "HTTP 423"),
        (Fault("status", status=477), "HTTP 477"),
        (Fault("status", status=502), "HTTP 502"),
        (Fault("status", status=503), "HTTP 503"),
    ],
    terminal=(
        {"category": "VALIDATION_ERROR", "message": invalid("INVALID_TEXT", "hs_task_subject")},
        "INVALID_TEXT: hs_task_subject",
    ),
    gaps={
        "credentials": "INVALID_AUTHENTICATION: give a valid access token",
        "property": "geophone_key: create a single-line text property .* unique values",
        "unique": "geophone_key: create a single-line text property .* unique values",
        "crm.objects.contacts.read": "MISSING_SCOPES: crm.objects.contacts.read: grant",
        "crm.objects.contacts.write": "MISSING_SCOPES: crm.objects.contacts.write: grant",
        "crm.objects.owners.read": "MISSING_SCOPES: crm.objects.owners.read: grant",
        "crm.objects.companies.read": "MISSING_SCOPES: crm.objects.companies.read: grant",
        "crm.objects.deals.read": "MISSING_SCOPES: crm.objects.deals.read: grant",
    },
    secrets=[PAT],
)
