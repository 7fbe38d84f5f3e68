"""Dataverse for the suite of all vendors' connectors."""

from pathlib import Path
from typing import Any

from streams.crm.dynamics import Options, batch, connect
from streams.crm.dynamics.connector import Dynamics
from streams.crm.dynamics.mapping import SUBJECT_LIMIT
from streams.crm.limits import Limits
from streams.crm.secret import InFile
from tests.crm_fakes import dynamics
from tests.crm_fakes.driver import Driver
from tests.crm_fakes.dynamics_store import NO_APPLICATION_USER
from tests.crm_fakes.faults import Fault


def connector(url: str, folder: Path, limits: Limits) -> Dynamics:
    secret = folder / "client-secret"
    secret.write_text(dynamics.CLIENT_SECRET + "\n")
    options = Options(
        tenant_id=dynamics.TENANT_ID,
        client_id=dynamics.CLIENT_ID,
        client_secret=InFile(file=secret),
        authority=url,
    )
    return connect(url, options, limits)


def failed(status: int, code: str) -> tuple[Fault, str]:
    body: Any = dynamics.error(code, "canary pat@customer.example")
    return Fault("status", status=status, body=body), code


def bar(fake: dynamics.Dynamics, user: str) -> None:
    fake.environment.roleless.add(user)


DRIVER = Driver(
    bar=bar,
    fake=dynamics.Dynamics,
    connect=connector,
    ids={
        "user": "0a5c1d00-0000-4000-8000-000000000001",
        "other user": "0a5c1d00-0000-4000-8000-000000000002",
        "contact": "c0a7ac70-0000-4000-8000-000000000001",
        "lead": "1ead0000-0000-4000-8000-000000000001",
        "record": "0bb0a700-0000-4000-8000-000000000001",
    },
    retryable=[
        failed(429, "0x80072322"),
        failed(429, "0x80072321"),
        failed(429, "0x80072326"),
        failed(500, "0x80044150"),
        failed(400, "0x80044151"),
        failed(400, "0x80040255"),
        failed(403, "0x80072560"),
        failed(404, "0x8006088a"),
        (Fault("status", status=503), "HTTP 503"),
        (Fault("status", status=502), "HTTP 502"),
    ],
    terminal=(
        dynamics.refused(
            400,
            "0x80044331",
            "A validation error occurred.  The length of the 'subject' attribute of the 'task' "
            "entity exceeded the maximum allowed length of '200': no pat@customer.example, please",
        ),
        "0x80044331: subject: a value is too long",
    ),
    gaps={
        "credentials": "no token: invalid_client: check the credentials",
        NO_APPLICATION_USER: "0x80072560: add the application user to the environment",
        "prvCreateActivity": "give its security role Create on Activity",
        "prvAssignActivity": "give its security role Assign on Activity",
        "prvReadUser": "give its security role Read on User",
        "prvAppendToLead": "give its security role Append To on Lead",
        "Global prvReadContact": "Read on Contact in the whole organization",
        "users": "no user .* give its security role Read on User in the whole organization",
    },
    secrets=[dynamics.CLIENT_SECRET],
    subject_limit=SUBJECT_LIMIT,
    batch=batch.MOST,
    one_link=True,
)
