"""The nine irregularities of Seismic's own pages: a strict parser breaks on each of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas import envelope
from schemas.envelope import Envelope
from schemas.events import MODELS
from schemas.events.content import Content
from schemas.events.document import LdxJobStatus
from schemas.events.dsr import DsrExpired
from schemas.events.email import Email
from schemas.events.session_summary import SessionSummary

DATA = Path(__file__).parents[2] / "data" / "seismic"


def sample(name: str) -> bytes:
    return (DATA / f"{name}.json").read_bytes()


def read(name: str) -> Envelope:
    return envelope.read(sample(name), legacy_tenant="legacy")


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_1_a_pascal_case_envelope_reads_like_a_camel_case_one() -> None:
    pascal = json.loads(sample("events/ReadinessArchivalEventV1"))
    camel = {key[0].lower() + key[1:]: value for key, value in pascal.items()}
    assert "Id" in pascal
    assert read("events/ReadinessArchivalEventV1") == envelope.read(
        encoded(camel), legacy_tenant="legacy"
    )


def test_1_an_envelope_in_mixed_case_loses_no_member() -> None:
    mixed = {"id": "1", "tenantId": "t", "Version": "UserCreatedV1", "Data": {"id": "u"}}
    event = envelope.read(encoded(mixed), legacy_tenant="legacy")
    assert (event.spelling, event.data) == ("UserCreatedV1", {"id": "u"})


def test_2_a_type_in_another_case_goes_to_the_catalogue_s_topic_and_keeps_its_spelling() -> None:
    event = read("events/ContentProfileAddToProfileV1")
    assert event.type_name == "contentProfileAddToProfileV1"
    assert event.spelling == "ContentProfileAddToProfileV1"


@pytest.mark.parametrize("name", ["UserGroupUpdatedV1", "TestWebhookEventV1"])
def test_3_data_that_does_not_fit_the_name_is_readable_all_the_same(name: str) -> None:
    event = read(f"events/{name}")
    assert event.spelling != name
    assert MODELS[name].model_validate(event.data).model_dump(exclude_defaults=True)
    for model in MODELS.values():
        model.model_validate(event.data)


def test_4_an_identity_after_the_data_is_found() -> None:
    assert next(iter(json.loads(sample("events/livesend-summary-v2")))) == "application"
    assert read("events/livesend-summary-v2").spelling == "livesend-summary-v2"


def test_5_dotnet_s_zero_is_no_time_of_an_event() -> None:
    zero = {"id": "1", "version": "v", "tenantId": "t", "occurredAt": "0001-01-01T00:00:00Z"}
    assert envelope.read(encoded(zero), legacy_tenant="legacy").occurred_at is None


def test_5_times_in_data_are_kept_as_sent() -> None:
    session = SessionSummary.model_validate(read("events/livesend-session-summary-v3").data)
    assert session.interaction_occurred_at == "0001-01-01T00:00:00"
    assert DsrExpired.model_validate(read("events/DSRExpiredV1").data).expired_at == 1688123456789
    job = LdxJobStatus.model_validate(read("events/LDXJobStatusV1").data)
    assert job.duration == "00:00:59.387791"


def test_6_names_in_data_never_become_the_envelope_s() -> None:
    event = read("events/DSRExpiredV1")
    room = DsrExpired.model_validate(event.data)
    assert room.id == "c3d4e5f6-a7b8-4012-9cde-f23456789012" != event.event_id
    assert room.name == "DsrExpiredSharedEvent" != event.type_name


def test_6_a_recipient_s_context_is_found_in_either_case() -> None:
    email = Email.model_validate(read("events/email-enriched-v3").data)
    assert [recipient.context[0].context_id for recipient in email.recipients] == [
        "00646000009eMGL",
        "0034600000AbCdE",
    ]


def test_7_a_team_site_is_a_number_or_a_guid_and_a_content_type_an_integer() -> None:
    deleted = Content.model_validate(read("events/ContentManagerDeleteFileV1").data)
    copied = Content.model_validate(read("events/ContentManagerCopyFileV1").data)
    assert (deleted.team_site_id, deleted.content_type) == ("1", 3)
    assert (copied.team_site_id, copied.content_type) == (
        "b9c95f7d-5e2a-4d4f-9b6c-7d8e9f0a1b62",
        1,
    )


def test_8_an_email_is_an_email_with_an_envelope_a_wrapper_or_neither() -> None:
    events = [read("events/email-v3"), read("legacy/email-wrapper"), read("legacy/email-bare")]
    assert {event.spelling for event in events} == {"email-v3"}
    assert {Email.model_validate(event.data).interaction_id for event in events} == {
        "7642a8ca-ced5-465a-ba49-1a5191ef9996"
    }


def test_8_an_envelope_that_names_no_type_is_told_by_the_shape_of_its_data() -> None:
    nameless = json.loads(sample("events/email-enriched-v3"))
    del nameless["version"]
    event = envelope.read(encoded(nameless), legacy_tenant="legacy")
    assert (event.spelling, event.event_id) == ("email-enriched-v3", nameless["id"])
    assert event.tenant_id == nameless["tenantId"]


def test_9_fields_nobody_has_heard_of_change_nothing() -> None:
    old, new = read("events/LivesendUpdatedV1"), read("events/LivesendUpdatedV1-with-new-fields")
    model = MODELS["LivesendUpdatedV1"]
    assert old.spelling == new.spelling
    assert model.model_validate(old.data) == model.model_validate(new.data)
