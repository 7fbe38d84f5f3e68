"""Reading is total: any bytes are an event, or are refused with a reason."""

import json
import random
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas import envelope
from schemas.envelope import MAX_NAME, Envelope
from schemas.reasons import Malformed, Reason
from schemas.topics import Topics

DATA = Path(__file__).parents[1] / "data" / "seismic"
SAMPLES = [file.read_bytes() for file in sorted(DATA.glob("*/*.json"))]
FULL = [json.loads(file.read_bytes()) for file in sorted(DATA.glob("events/*.json"))]
EVENT_TOPICS = Topics().events

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
MEMBERS = [
    "id",
    "Id",
    "version",
    "Version",
    "type",
    "Type",
    "occurredAt",
    "OccurredAt",
    "tenantId",
    "TenantId",
    "data",
    "Data",
    "application",
    "interactionId",
    "InteractionId",
    "SessionId",
    "recipients",
    "Recipients",
    "livesendSummary",
    "context",
    "LivesendSessionSummary",
    "livesendViewingSessionId",
]
NEAR_EVENTS = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(["email-v3", "verification"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=8)
    ),
    max_leaves=20,
)


def outcome(body: bytes) -> Envelope | tuple[Reason, str]:
    try:
        return envelope.read(body, legacy_tenant="legacy")
    except Malformed as malformed:
        return malformed.reason, malformed.detail


def check(body: bytes) -> None:
    """Reading ends in an event fit to be stored or in a reason, the same one every time."""
    first = outcome(body)
    assert outcome(body) == first
    if isinstance(first, Envelope):
        assert fit(first.tenant_id)
        assert fit(first.event_id)
        assert fit(first.type_name)
        assert first.spelling in EVENT_TOPICS
    else:
        assert isinstance(first[0], Reason)


def fit(name: str) -> bool:
    # A made-up id is prefixed with its type, hence a little longer than what it is made from.
    return 0 < len(name) <= MAX_NAME + 64 and not re.search(r"[\x00-\x1f\x7f-\x9f]", name)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@given(st.binary())
def test_any_bytes_are_an_event_or_are_refused(body: bytes) -> None:
    check(body)


@given(JSON)
def test_any_json_is_an_event_or_is_refused(value: Any) -> None:
    check(encoded(value))


@given(NEAR_EVENTS)
def test_anything_made_of_an_event_s_members_is_one_or_is_refused(value: Any) -> None:
    check(encoded(value))


@given(st.sampled_from(SAMPLES), st.data())
def test_a_sample_with_bytes_replaced_is_an_event_or_is_refused(
    body: bytes, data: st.DataObject
) -> None:
    start = data.draw(st.integers(min_value=0, max_value=len(body)))
    end = data.draw(st.integers(min_value=start, max_value=min(len(body), start + 8)))
    check(body[:start] + data.draw(st.binary(max_size=8)) + body[end:])


@given(st.sampled_from(SAMPLES), st.sampled_from(MEMBERS), JSON)
def test_a_sample_with_a_member_replaced_is_an_event_or_is_refused(
    body: bytes, member: str, value: Any
) -> None:
    check(encoded(json.loads(body) | {member: value}))


def cases(key: str) -> list[str]:
    return [key, key.lower(), key.upper(), key[0].upper() + key[1:], key[0].lower() + key[1:]]


@given(st.sampled_from(FULL), st.data())
def test_the_case_of_the_envelope_s_keys_is_irrelevant(
    event: dict[str, Any], data: st.DataObject
) -> None:
    recased = {data.draw(st.sampled_from(cases(key))): value for key, value in event.items()}
    assert outcome(encoded(recased)) == outcome(encoded(event))


@given(st.sampled_from(FULL), st.randoms())
def test_the_order_of_keys_is_irrelevant(event: dict[str, Any], random: random.Random) -> None:
    items = list(event.items())
    random.shuffle(items)
    assert outcome(encoded(dict(items))) == outcome(encoded(event))


@given(st.sampled_from(FULL), st.dictionaries(st.text(), JSON))
def test_the_order_of_keys_within_data_is_irrelevant(
    event: dict[str, Any], more: dict[str, Any]
) -> None:
    name = "data" if "data" in event else "Data"
    one, other = event | {name: {**event[name], **more}}, event | {name: {**more, **event[name]}}
    first, second = outcome(encoded(one)), outcome(encoded(other))
    assert isinstance(first, Envelope)
    assert isinstance(second, Envelope)
    assert (first.event_id, first.spelling) == (second.event_id, second.spelling)


@given(
    st.datetimes(),
    st.sampled_from(["", ".5", ".123", ".123456789"]),
    st.sampled_from(["Z", "+02:00"]),
)
def test_a_time_is_kept_as_sent(moment: datetime, fraction: str, zone: str) -> None:
    sent = moment.isoformat(timespec="seconds") + fraction + zone
    event = outcome(encoded({"id": "1", "tenantId": "t", "version": "v", "occurredAt": sent}))
    assert isinstance(event, Envelope)
    zero = sent.startswith("0001-01-01")
    assert event.occurred_at == (None if zero else sent)
