"""Splitting changes where bytes are, never the bytes."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.headers import Headers
from schemas.topics import Topics
from streams.dedup import decide
from tests.records import record
from tests.streams_rig import event

TOPICS = Topics()
OUTPUT_TOPICS = {TOPICS.quarantine.name, *(topic.name for topic in TOPICS.events.values())}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
SPACES = st.sampled_from([b"", b" ", b"\n", b"\r\n\t"])
BODIES = st.one_of(
    st.builds(lambda body, pad: pad + body + pad, st.just(event("t", "1")), SPACES),
    st.binary(max_size=200),
    st.builds(event, st.text(), st.text(), st.text(), deep=JSON),
    st.text().map(lambda text: event("t", "1").replace(b'"1"', b'"1", ' + text.encode())),
)
KEYS = st.none() | st.binary(max_size=40) | st.text().map(str.encode)
HEADERS = st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=20)), max_size=3)


@given(BODIES, KEYS, HEADERS, st.integers(-1, 2**62))
def test_any_record_becomes_one_output_with_its_bytes(
    body: bytes, key: bytes | None, headers: Headers, timestamp: int
) -> None:
    one = record(body, 5, key, headers, timestamp=timestamp)
    (output,) = decide([one], (), TOPICS, "legacy").outputs
    assert output.value == body
    assert output.topic in OUTPUT_TOPICS
    assert output.timestamp_ms == timestamp
    assert output.headers[: len(headers)] == headers
    assert {"ce_id", "ce_type", "ce_source"} <= {name for name, _ in output.headers}


@given(st.text(min_size=1), st.text(min_size=1), st.text())
def test_an_events_key_is_kept_and_only_made_up_where_there_is_none(
    tenant: str, event_id: str, kind: str
) -> None:
    body = event(tenant, event_id, kind)
    (keyed,) = decide([record(body, key=b"k")], (), TOPICS, "legacy").outputs
    (unkeyed,) = decide([record(body, key=None)], (), TOPICS, "legacy").outputs
    assert keyed.key == b"k"
    assert unkeyed.key == (None if unkeyed.topic == TOPICS.quarantine.name else tenant.encode())
