"""Salesforce for the suite of all vendors' connectors."""

from pathlib import Path

from streams.crm.limits import Limits
from streams.crm.salesforce import Options, connect
from streams.crm.salesforce.connector import Salesforce
from streams.crm.secret import InFile
from tests.crm_fakes import salesforce
from tests.crm_fakes.driver import Driver
from tests.crm_fakes.faults import Fault


def connector(url: str, folder: Path, limits: Limits) -> Salesforce:
    secret = folder / "client-secret"
    secret.write_text(salesforce.CLIENT_SECRET + "\n")
    options = Options(client_id=salesforce.CLIENT_ID, client_secret=InFile(file=secret))
    return connect(url, options, limits)


def failed(status: int, code: str) -> tuple[Fault, str]:
    return Fault("status", status=status, body=[{"errorCode": code, "message": "canary"}]), code


def failed_item(code: str) -> tuple[Fault, str]:
    error = {"statusCode": code, "message": "canary", "fields": []}
    body = [{"success": False, "errors": [error]}]
    return Fault("status", status=200, body=body), code


def bar(fake: salesforce.Salesforce, user: str) -> None:
    fake.retired.add(user)


DRIVER = Driver(
    bar=bar,
    fake=salesforce.Salesforce,
    connect=connector,
    ids={
        "user": "005000000000002AAA",
        "other user": "005000000000003AAA",
        "contact": "003000000000001AAA",
        "lead": "00Q000000000001EAA",
        "record": "006000000000001AAA",
    },
    retryable=[
        failed(403, "REQUEST_LIMIT_EXCEEDED"),
        failed(503, "SERVER_UNAVAILABLE"),
        failed(500, "UNKNOWN_EXCEPTION"),
        failed(400, "INVALID_FIELD"),
        failed(400, "JSON_PARSER_ERROR"),
        failed_item("UNABLE_TO_LOCK_ROW"),
        failed_item("INVALID_TYPE_ON_FIELD_IN_RECORD"),
        (Fault("status", status=429), "HTTP 429"),
        (Fault("status", status=502), "HTTP 502"),
    ],
    terminal=(
        {
            "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "message": "no pat@customer.example, please",
            "fields": ["Subject"],
        },
        "FIELD_CUSTOM_VALIDATION_EXCEPTION: Subject",
    ),
    gaps={
        "credentials": "invalid_client_id: check the credentials",
        "api": "API_DISABLED_FOR_ORG.*API Enabled",
        "version": "api_version",
        "task": r"Edit Tasks \(and Create on Task\)",
        "field": r"create it on the object Activity: Text\(255\)",
        "unique": "tick Unique",
        "length": r"36 characters: make the field Text\(255\)",
        "type": r"36 characters: make the field Text\(255\)",
        "status": "choose others in options: Status Not Started",
        "required": "set these in options: fields: Source__c",
        "field access": "Edit on the field",
        "OwnerId access": "give Edit on these fields: OwnerId",
        "WhoId access": "give Edit on these fields: WhoId",
        "WhatId access": "give Edit on these fields: WhatId",
        "users": "INVALID_TYPE.*View All Users",
        "contacts": "INVALID_TYPE.*Read on Contact",
        "leads": "INVALID_TYPE.*Read on Lead",
        "other users": "1 of 2 seen: .*View All Users",
        "contact sharing": "0 of 1 seen: .*see contacts",
        "lead sharing": "0 of 1 seen: .*see leads",
        "requests": "the last 5% are left to others",
    },
    secrets=[salesforce.CLIENT_SECRET],
)
