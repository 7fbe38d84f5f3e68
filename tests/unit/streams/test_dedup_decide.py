"""Every raw record becomes exactly one of event, duplicate, quarantined record."""

import pytest

from schemas.reasons import Reason
from schemas.topics import Topics
from streams.dedup import Decision, decide
from streams.marks import mark_key
from tests.records import NOON_MS, record, records
from tests.streams_rig import event

TOPICS = Topics()
UPDATED = TOPICS.events["LivesendUpdatedV1"].name
OTHER = TOPICS.events["Other"].name
QUARANTINE = TOPICS.quarantine.name
BARE_EMAIL = b'{"interactionId": "i1", "recipients": []}'


def decided(*values: bytes | None, known: frozenset[bytes] = frozenset()) -> Decision:
    return decide(records(values), known, TOPICS, "legacy")


def test_a_new_event_goes_to_its_types_topic_with_key_bytes_and_time_kept() -> None:
    body = event("tenant-a", "1")
    (output,) = decided(body).outputs
    assert (output.topic, output.key, output.value) == (UPDATED, b"tenant-a", body)
    assert output.timestamp_ms == NOON_MS


def test_a_mark_names_the_event_and_the_offset_it_came_from() -> None:
    decision = decided(b"{", event("tenant-a", "1"))
    assert decision.marks == {mark_key("tenant-a", "1"): 1}


def test_the_second_of_two_in_one_batch_is_a_duplicate() -> None:
    first, again = event("tenant-a", "1", n=1), event("tenant-a", "1", n=2)
    decision = decided(first, again)
    assert [output.value for output in decision.outputs] == [first]
    assert (decision.duplicates, list(decision.marks.values())) == (1, [0])


def test_an_event_with_a_known_mark_is_a_duplicate_and_gets_no_new_mark() -> None:
    decision = decided(event("tenant-a", "1"), known=frozenset({mark_key("tenant-a", "1")}))
    assert (decision.outputs, decision.duplicates, decision.marks) == ([], 1, {})


def test_the_same_id_of_another_tenant_is_another_event() -> None:
    decision = decided(event("tenant-a", "1"), event("tenant-b", "1"))
    assert (len(decision.outputs), decision.duplicates, len(decision.marks)) == (2, 0, 2)


def test_tenant_and_id_do_not_run_into_each_other() -> None:
    assert mark_key("tenant-1", "1") != mark_key("tenant-", "11")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{not json", Reason.NOT_JSON),
        (b"", Reason.NOT_JSON),
        (None, Reason.NOT_JSON),
        (b"[]", Reason.WRONG_SHAPE),
        (b"{}", Reason.NO_ID),
        (b'{"id": "1", "version": "UserCreatedV1"}', Reason.NO_TENANT),
        (b'{"id": 1, "tenantId": "t"}', Reason.WRONG_SHAPE),
        (b"[" * 100 + b"]" * 100, Reason.WRONG_SHAPE),
        (b'{"id":"1","tenantId":"t","data":' + b"[" * 100 + b"]" * 100 + b"}", Reason.TOO_DEEP),
        (b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}", Reason.TOO_DEEP),
    ],
)
def test_what_is_no_event_is_quarantined_with_its_reason(
    value: bytes | None, reason: Reason
) -> None:
    decision = decided(value)
    (output,) = decision.outputs
    sent = dict(output.headers)
    assert (output.topic, output.value) == (QUARANTINE, value or b"")
    assert sent["geophone-reason"] == reason.value.encode()
    assert (decision.quarantined, decision.marks) == ({reason: 1}, {})


def test_a_quarantined_record_says_where_it_came_from() -> None:
    (output,) = decide([record(b"{", 7, headers=[("x", b"y")])], (), TOPICS, "legacy").outputs
    sent = dict(output.headers)
    assert sent["x"] == b"y", "what the ingress wrote is kept"
    assert [sent[f"geophone-source-{part}"] for part in ("topic", "partition", "offset")] == [
        b"seismic.raw",
        b"3",
        b"7",
    ]


def test_a_record_without_value_becomes_empty_bytes_not_a_tombstone() -> None:
    assert decided(None).outputs[0].value == b""


def test_poison_is_no_duplicate_of_equal_poison() -> None:
    assert decided(b"{", b"{").quarantined == {Reason.NOT_JSON: 2}


def test_a_record_without_headers_gets_the_cloudevents_headers() -> None:
    (output,) = decided(event("tenant-a", "1")).outputs
    sent = dict(output.headers)
    assert sent["ce_id"] == b"1"
    assert sent["ce_type"] == b"com.seismic.LivesendUpdatedV1"
    assert sent["ce_tenantid"] == b"tenant-a"
    assert sent["geophone-received"] == b"%d" % NOON_MS


def test_headers_of_the_ingress_are_kept_as_they_are() -> None:
    own = [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("traceparent", b"00-x")]
    (output,) = decide([record(event("t", "1"), headers=own)], (), TOPICS, "legacy").outputs
    assert output.headers == own


def test_a_record_with_foreign_headers_only_gets_what_it_lacks() -> None:
    raw = record(event("tenant-a", "1"), headers=[("x-mirror", b"m")])
    (output,) = decide([raw], (), TOPICS, "legacy").outputs
    sent = dict(output.headers)
    assert (sent["x-mirror"], sent["ce_id"]) == (b"m", b"1")


def test_a_record_without_key_is_keyed_by_the_tenant_it_names() -> None:
    raw = record(event("tenant-b", "1"), key=None)
    assert decide([raw], (), TOPICS, "legacy").outputs[0].key == b"tenant-b"


def test_a_legacy_body_belongs_to_the_tenant_of_its_key() -> None:
    decision = decide([record(BARE_EMAIL, key=b"tenant-k")], (), TOPICS, "legacy")
    assert dict(decision.outputs[0].headers)["ce_tenantid"] == b"tenant-k"
    assert decision.outputs[0].topic == TOPICS.events["email-v3"].name
    assert mark_key("tenant-k", "email-v3:i1") in decision.marks


def test_a_legacy_body_without_key_belongs_to_the_configured_tenant() -> None:
    decision = decide([record(BARE_EMAIL, key=None)], (), TOPICS, "our-tenant")
    assert decision.outputs[0].key == b"our-tenant"


@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        ("LIVESENDUPDATEDV1", "LivesendUpdatedV1"),
        ("contentProfileAddToProfileV1", "ContentProfileAddToProfileV1"),
        ("Email (Legacy)", "email-v3"),
        ("email_enriched", "email-enriched-v3"),
        ("interaction_session_summary", "livesend-session-summary-v3"),
        ("NeverHeardOfV9", "Other"),
    ],
)
def test_any_case_and_alias_lands_in_the_documented_topic(kind: str, topic: str) -> None:
    (output,) = decided(event("tenant-a", "1", kind)).outputs
    assert output.topic == TOPICS.events[topic].name


def test_an_unknown_type_keeps_its_name_in_the_header() -> None:
    (output,) = decided(event("tenant-a", "1", "NeverHeardOfV9")).outputs
    assert output.topic == OTHER
    assert dict(output.headers)["ce_type"] == b"com.seismic.NeverHeardOfV9"


def test_a_key_that_is_no_text_does_not_stop_the_partition() -> None:
    decision = decide([record(BARE_EMAIL, key=b"\xff\x00")], (), TOPICS, "legacy")
    assert len(decision.outputs) == 1
    assert decision.outputs[0].key == b"\xff\x00"
