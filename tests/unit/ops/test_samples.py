"""What the simulator makes up is what geophone itself can read."""

import pytest

from ingress import verification
from ops import samples
from schemas import catalogue, envelope, lifecycle
from schemas.catalogue import CATALOGUE, EventType


def read(body: bytes) -> envelope.Envelope:
    return envelope.read(body, legacy_tenant="legacy")


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row.name)
def test_an_event_of_every_type_is_read_as_that_type(row: EventType) -> None:
    event = read(samples.event(row, "tenant-9"))
    assert (event.event_type, event.tenant_id) == (row, "tenant-9")


def test_no_two_events_have_the_same_id() -> None:
    made = {read(samples.event(catalogue.EMAIL, "t")).event_id for _ in range(50)}
    assert len(made) == 50


def test_the_pascal_case_envelope_is_an_event_of_its_tenant() -> None:
    event = read(samples.pascal_envelope("tenant-9"))
    assert (event.tenant_id, event.type_name) == ("tenant-9", "ReadinessArchivalEventV1")


def test_a_lifecycle_callback_is_one() -> None:
    callback = lifecycle.recognise(envelope.parse(samples.lifecycle("tenant-9", "uninstall")))
    assert callback is not None
    assert (callback.tenant_id, callback.kind) == ("tenant-9", "uninstall")


@pytest.mark.parametrize(
    "body", [samples.old_verification("abc"), samples.new_verification("abc", "tenant-9")]
)
def test_both_verifications_are_recognised(body: bytes) -> None:
    answer = verification.recognise(envelope.parse(body))
    assert answer is not None
    assert b"abc" in answer.body


@pytest.mark.parametrize("row", [catalogue.EMAIL, catalogue.EMAIL_ENRICHED])
def test_an_email_names_the_recipients_it_was_given(row: EventType) -> None:
    event = read(samples.event(row, "t", ["a@example.com", "b@example.com"]))
    addresses = [one["email"] for one in event.data["recipients"]]
    assert addresses == ["a@example.com", "b@example.com"]
    assert any(one["context"] for one in event.data["recipients"]) == (
        row is catalogue.EMAIL_ENRICHED
    )
