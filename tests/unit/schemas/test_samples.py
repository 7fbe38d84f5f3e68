"""Every documented body is read to the identity its page gives it."""

import hashlib
import hmac
import re
from pathlib import Path

import pytest

from schemas import envelope

DATA = Path(__file__).parents[2] / "data" / "seismic"

DEMO = "234b9f0d-853d-4210-b5d2-b0574e003fcc"
EXAMPLE = "b4d8bb18-dc97-4e18-8049-50a04edf453f"
NOBODY = "tenant-of-legacy-bodies"

GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
HEX = r"[0-9A-F]{64}"
PLACEHOLDER = "GUID"
DIGEST = r"livesend-session-summary-v3:[0-9a-f]{64}"
EMAIL = r"email-v3:7642a8ca-ced5-465a-ba49-1a5191ef9996"
SESSION = r"livesend-session-summary-enriched-v3:3c7327f5-a699-42fc-823e-7e4bf6eef271"
VIEWING = r"livesend-summary-v2:4d8438a6-b7aa-430d-9340-8f5c07ff0382"

NOON = "2025-06-30T15:45:00Z"
APRIL = "2024-04-02T02:52:15.902Z"
APRIL_SHORT = "2024-04-02T02:52:15.90Z"
EMAIL_SENT = "2024-04-30T09:28:18.102Z"
VIEWED = "2024-07-11T01:36:00.000Z"

# file: type in documented spelling, tenant, form of the id, occurredAt
EXPECTED: dict[str, tuple[str, str, str, str | None]] = {
    "events/ContentManagerActiveVersionChangedV1": (
        "ContentManagerActiveVersionChangedV1",
        DEMO,
        HEX,
        APRIL,
    ),
    "events/ContentManagerCopyFileV1": ("ContentManagerCopyFileV1", DEMO, HEX, APRIL),
    "events/ContentManagerCreateFileV1": ("ContentManagerCreateFileV1", DEMO, HEX, APRIL),
    "events/ContentManagerCreateFileVersionV1": (
        "ContentManagerCreateFileVersionV1",
        DEMO,
        HEX,
        APRIL,
    ),
    "events/ContentManagerDeleteFileV1": ("ContentManagerDeleteFileV1", DEMO, HEX, APRIL),
    "events/ContentManagerMoveFileV1": ("ContentManagerMoveFileV1", DEMO, HEX, APRIL),
    "events/ContentManagerUpdateContentCustomPropertyV1": (
        "ContentManagerUpdateContentCustomPropertyV1",
        DEMO,
        HEX,
        APRIL,
    ),
    "events/ContentProfileAddToProfileV1": (
        "ContentProfileAddToProfileV1",
        DEMO,
        PLACEHOLDER,
        APRIL_SHORT,
    ),
    "events/ContentProfileRemoveFromProfileV1": (
        "ContentProfileRemoveFromProfileV1",
        DEMO,
        GUID,
        APRIL_SHORT,
    ),
    "events/DSRContentUpdatedV1": ("DSRContentUpdatedV1", DEMO, GUID, NOON),
    "events/DSRExpiredV1": ("DSRExpiredV1", DEMO, GUID, NOON),
    "events/LDXJobStatusV1": ("LDXJobStatusV1", DEMO, HEX, NOON),
    "events/LiveDocCompletedV2": ("LiveDocCompletedV2", DEMO, GUID, NOON),
    "events/LivesendContentUpdatedV1": ("LivesendContentUpdatedV1", DEMO, GUID, NOON),
    "events/LivesendExpiredV1": ("LivesendExpiredV1", DEMO, GUID, NOON),
    "events/LivesendUpdatedV1": ("LivesendUpdatedV1", EXAMPLE, GUID, NOON),
    "events/LivesendUpdatedV1-with-new-fields": ("LivesendUpdatedV1", EXAMPLE, GUID, NOON),
    "events/MeetingDataChangedV1": ("MeetingDataChangedV1", DEMO, GUID, NOON),
    "events/PlannerProjectCreateV1": ("PlannerProjectCreateV1", DEMO, GUID, NOON),
    "events/PlannerTaskCreateV1": ("PlannerTaskCreateV1", DEMO, GUID, NOON),
    "events/PlannerTaskUpdateV1": ("PlannerTaskUpdateV1", DEMO, GUID, NOON),
    "events/ProgramTaskUpdateV1": ("ProgramTaskUpdateV1", DEMO, GUID, NOON),
    "events/ReadinessArchivalEventV1": ("ReadinessArchivalEventV1", DEMO, GUID, NOON),
    # These two pages show another event's name in their samples.
    "events/TestWebhookEventV1": ("PlannerProjectCreateV1", DEMO, GUID, NOON),
    "events/UserGroupUpdatedV1": ("UserGroupMemberChangeV1", DEMO, GUID, NOON),
    "events/UserCreatedV1": ("UserCreatedV1", DEMO, GUID, NOON),
    "events/WorkflowApproveStepV1": ("WorkflowApproveStepV1", DEMO, GUID, NOON),
    "events/WorkflowSubmitV1": ("WorkflowSubmitV1", DEMO, GUID, NOON),
    "events/email-enriched-v3": ("email-enriched-v3", DEMO, GUID, EMAIL_SENT),
    "events/email-v3": ("email-v3", DEMO, GUID, EMAIL_SENT),
    "events/livesend-session-summary-enriched-v3": (
        "livesend-session-summary-enriched-v3",
        DEMO,
        GUID,
        VIEWED,
    ),
    "events/livesend-session-summary-v3": ("livesend-session-summary-v3", DEMO, GUID, VIEWED),
    "events/livesend-summary-v2": ("livesend-summary-v2", DEMO, GUID, VIEWED),
    "legacy/email-bare": ("email-v3", NOBODY, EMAIL, None),
    "legacy/email-wrapper": ("email-v3", NOBODY, EMAIL, None),
    "legacy/livesend-summary-bare": ("livesend-summary-v2", NOBODY, VIEWING, None),
    "legacy/session-summary-enriched-bare": (
        "livesend-session-summary-enriched-v3",
        NOBODY,
        SESSION,
        None,
    ),
    "legacy/session-summary-wrapper": ("livesend-session-summary-v3", NOBODY, DIGEST, None),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_documented_body_is_read_to_its_identity(name: str) -> None:
    type_name, tenant_id, id_form, occurred_at = EXPECTED[name]
    event = envelope.read((DATA / f"{name}.json").read_bytes(), legacy_tenant=NOBODY)
    assert (event.spelling, event.tenant_id, event.occurred_at) == (
        type_name,
        tenant_id,
        occurred_at,
    )
    assert re.fullmatch(id_form, event.event_id)
    assert event.data


def test_no_sample_is_left_out_of_the_table() -> None:
    files = [*DATA.glob("events/*.json"), *DATA.glob("legacy/*.json")]
    assert {str(file.relative_to(DATA).with_suffix("")) for file in files} == EXPECTED.keys()


def test_every_sample_names_its_source_page() -> None:
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    named_by_group = "events/ContentManager*.json"
    unnamed = [
        str(file.relative_to(DATA))
        for file in DATA.glob("[elv]*/*.json")
        if f"`{file.relative_to(DATA)}`" not in readme and not file.match(named_by_group)
    ]
    assert unnamed == []


@pytest.mark.parametrize(("name", "size"), [("verification", 41), ("livesend-updated", 374)])
def test_a_signature_vector_is_the_hmac_of_its_body(name: str, size: int) -> None:
    body = (DATA / "signature" / f"{name}.json").read_bytes()
    expected = (DATA / "signature" / f"{name}.hex").read_text(encoding="ascii").strip()
    assert len(body) == size
    assert hmac.new(b"seismic-demo-secret", body, hashlib.sha256).hexdigest() == expected
