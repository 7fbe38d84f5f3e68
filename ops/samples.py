"""Events as Seismic would send them, made up: for the simulator and the demo.

Shapes follow the documented samples; names, ids and addresses are invented (example.com).
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from schemas import catalogue
from schemas.catalogue import EventType

TENANT = "b4d8bb18-dc97-4e18-8049-50a04edf453f"
RECIPIENTS = ("ada@example.com", "grace@example.com", "edsger@example.com")


def event(event_type: EventType, tenant: str, recipients: Sequence[str] = RECIPIENTS) -> bytes:
    """Return a full envelope of this type with a new id."""
    return envelope(event_type.name, tenant, data(event_type, recipients))


def envelope(name: str, tenant: str, payload: dict[str, Any]) -> bytes:
    """Return a full envelope around `payload`, as the current pages show it."""
    return orjson.dumps(
        {
            "id": str(uuid.uuid4()),
            "version": name,
            "occurredAt": _now(),
            "tenantId": tenant,
            "tenantName": "example",
            "data": payload,
            "application": "Web",
            "productArea": "Livesend",
        }
    )


def pascal_envelope(tenant: str) -> bytes:
    """Return a PascalCase envelope, as the page of ReadinessArchivalEventV1 shows it."""
    return orjson.dumps(
        {
            "Id": str(uuid.uuid4()),
            "Version": "ReadinessArchivalEventV1",
            "OccurredAt": _now(),
            "TenantId": tenant,
            "TenantName": "example",
            "Data": {"lessonId": 7, "lessonVersion": 1, "lessonStatus": "Archived", "assets": []},
            "Application": "readiness",
            "ProductArea": "archival",
        }
    )


def data(event_type: EventType, recipients: Sequence[str] = RECIPIENTS) -> dict[str, Any]:
    """Return the `data` of an event: with recipients for an email, small and plain otherwise."""
    if event_type in (catalogue.EMAIL, catalogue.EMAIL_ENRICHED):
        return _email(recipients, enriched=event_type is catalogue.EMAIL_ENRICHED)
    if event_type in (catalogue.SESSION_SUMMARY, catalogue.SESSION_SUMMARY_ENRICHED):
        return {"InteractionId": str(uuid.uuid4()), "SessionId": str(uuid.uuid4())}
    if event_type is catalogue.LIVESEND_SUMMARY:
        return {"livesendSummary": {"livesendViewingSessionId": str(uuid.uuid4())}}
    return {"livesendId": str(uuid.uuid4()), "action": "Renamed"}


def lifecycle(tenant: str, kind: str = "install") -> bytes:
    """Return an app lifecycle callback."""
    return orjson.dumps(
        {
            "appId": str(uuid.uuid4()),
            "appName": "geophone demo",
            "tenantId": tenant,
            "tenant": "example",
            "userId": str(uuid.uuid4()),
            "userEmail": "admin@example.com",
            "requestId": str(uuid.uuid4()),
            "version": "0.1.4",
            "type": kind,
            "timestamp": _now(),
        }
    )


def old_verification(challenge: str) -> bytes:
    """Return a verification in the existing format."""
    return orjson.dumps({"type": "verification", "challenge": challenge})


def new_verification(challenge: str, tenant: str) -> bytes:
    """Return a verification in the early-access format."""
    return orjson.dumps(
        {
            "id": str(uuid.uuid4()),
            "version": "WebhookChallengeV1",
            "occurredAt": _now(),
            "tenantId": tenant,
            "tenantName": "example",
            "data": {"challenge": challenge},
            "application": "AppRegistry",
            "productArea": "Integrations",
        }
    )


def _email(recipients: Sequence[str], *, enriched: bool) -> dict[str, Any]:
    context = [{"contextId": "00646000009eMGL", "contextType": "Opportunity"}] if enriched else []
    return {
        "interactionId": str(uuid.uuid4()),
        "deliveryOptionName": "LiveSend",
        "interactionOccurredAt": _now(),
        "userId": str(uuid.uuid4()),
        "userEmail": "seller@example.com",
        "actionType": "built-in",
        "action": "Livesend",
        "recipients": [
            {
                "id": str(uuid.uuid4()),
                "email": address,
                "recipientType": "to",
                "context": context,
            }
            for address in recipients
        ],
        "links": [{"allowDownload": True, "downloadFormats": ["Original"]}],
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
