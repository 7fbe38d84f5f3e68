"""Whatever an event contains, its headers are valid CloudEvents in Kafka's binary mode."""

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import envelope, headers
from schemas.headers import Headers
from schemas.lifecycle import Callback
from schemas.reasons import Malformed, Reason

NAMES = st.text(min_size=1, max_size=30)
PRINTABLE = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)
TIMES = st.text() | st.from_regex(
    r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,12})?(Z|[+-][0-9]{2}:[0-9]{2}|)\Z"
)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
# The attributes' forms: github.com/cloudevents/spec, spec.md, and RFC 3986 and 3339.
FORMS = {
    "ce_specversion": r"1\.0",
    "ce_id": r".+",
    "ce_source": r"/seismic(/tenants/[A-Za-z0-9_.~%-]+)?",
    "ce_type": r"com\.seismic\..+",
    "ce_tenantid": r".+",
    "ce_time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "content-type": r"application/json",
    "geophone-received": r"\d+",
    "traceparent": r"[0-9a-f-]{55}",
    "geophone-reason": r"[a-z-]+",
    "geophone-detail": r".{0,200}",
    "geophone-attempt": r"\d+",
}


def texts(written: Headers) -> dict[str, str]:
    """Decode headers, and check that each is there once and has its form."""
    decoded = {name: value.decode() for name, value in written}
    assert len(decoded) == len(written)
    for name, value in decoded.items():
        assert re.fullmatch(FORMS[name], value, re.ASCII), (name, value)
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", value), (name, value)
    assert {"ce_specversion", "ce_id", "ce_source", "ce_type"} <= decoded.keys()
    return decoded


def event_of(**members: Any) -> envelope.Envelope | None:
    try:
        return envelope.read(json.dumps(members).encode(), legacy_tenant="legacy")
    except Malformed:
        return None


@given(NAMES, NAMES, NAMES, TIMES, st.none() | NAMES | st.just(TRACE))
def test_the_headers_of_any_event_are_valid(
    event_id: str, tenant: str, version: str, time: str, trace: str | None
) -> None:
    event = event_of(id=event_id, tenantId=tenant, version=version, occurredAt=time)
    if event is None:
        assert re.search(r"[\x00-\x1f\x7f-\x9f]", event_id + tenant + version)
        return
    written = texts(headers.of_event(event, 1719762300000, trace))
    assert (written["ce_id"], written["ce_tenantid"]) == (event_id, tenant)
    assert ("traceparent" in written) == (trace == TRACE)


@given(TIMES)
def test_a_time_is_written_only_if_rfc_3339_and_not_dotnet_s_zero(time: str) -> None:
    event = event_of(id="1", tenantId="t", version="v", occurredAt=time)
    assert event is not None
    written = texts(headers.of_event(event, 1))
    if "ce_time" in written:
        assert datetime.fromisoformat(written["ce_time"]).tzinfo is not None
        assert datetime.fromisoformat(written["ce_time"]).year >= 1
        assert not time.startswith("0001-01-01")


@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00Z",
        "2024-04-30T09:28:17.537",
        "2024-04-30",
        "2024-02-30T09:28:17Z",
        "2024-04-30T24:00:00Z",
        "2024-04-30T09:28:17+00:99",
        "2024-04-30T09:28:1\u0665Z",
        "2024-04-30T09:28:17.\u0665Z",
        1688123456789,
        None,
    ],
)
def test_what_is_no_rfc_3339_time_is_not_written(time: object) -> None:
    event = event_of(id="1", tenantId="t", version="v", occurredAt=time)
    assert event is not None
    assert "ce_time" not in texts(headers.of_event(event, 1))


def test_the_headers_of_a_documented_event() -> None:
    event = event_of(
        id="a1", version="livesendUPDATEDv1", occurredAt="2025-06-30T15:45:00Z", tenantId="b4/d8 é"
    )
    assert event is not None
    assert texts(headers.of_event(event, 1751298300000, TRACE)) == {
        "ce_specversion": "1.0",
        "ce_id": "a1",
        "ce_source": "/seismic/tenants/b4%2Fd8%20%C3%A9",
        "ce_type": "com.seismic.LivesendUpdatedV1",
        "ce_tenantid": "b4/d8 é",
        "ce_time": "2025-06-30T15:45:00Z",
        "content-type": "application/json",
        "geophone-received": "1751298300000",
        "traceparent": TRACE,
    }


@given(PRINTABLE)
def test_the_source_is_percent_encoded_and_leads_back_to_the_tenant(tenant: str) -> None:
    event = event_of(id="1", tenantId=tenant, version="v")
    assert event is not None
    source = texts(headers.of_event(event, 1))["ce_source"]
    assert unquote(source.removeprefix("/seismic/tenants/")) == tenant


@given(st.text())
def test_an_unknown_type_keeps_its_name(version: str) -> None:
    event = event_of(id="1", tenantId="t", version=version)
    if event is not None and event.event_type is None and version:
        assert texts(headers.of_event(event, 1))["ce_type"] == f"com.seismic.{version}"


@given(st.binary())
def test_bytes_that_are_no_event_are_identified_by_their_digest(body: bytes) -> None:
    written = texts(headers.of_malformed(body, 1))
    assert re.fullmatch(r"[0-9a-f]{64}", written["ce_id"])
    assert "ce_tenantid" not in written


@given(st.text(), st.integers(min_value=1))
def test_a_detail_is_one_line_and_short_whatever_it_says(detail: str, attempt: int) -> None:
    what = headers.of_malformed(b"", 1)
    written = texts(what + headers.reason(Reason.NOT_JSON, detail, attempt))
    assert written["geophone-reason"] == "not-json"
    assert written["geophone-attempt"] == str(attempt)


def test_a_long_detail_keeps_its_beginning() -> None:
    written = dict(headers.reason(Reason.REFUSED_BY_CRM, "a\nb\x00c" + "x" * 1000))
    assert written["geophone-detail"] == b"a b c" + b"x" * 195


def test_a_callback_and_a_task_are_cloudevents_too() -> None:
    callback = Callback("t", "r", "install", None)
    assert texts(headers.of_callback(callback, 1))["ce_type"] == "com.seismic.app.install"
    assert texts(headers.of_task("t", "k", 1))["ce_type"] == "com.seismic.task.FollowUp"
    view = headers.of_task("t", "k", 1, "first-view")
    assert texts(view)["ce_type"] == "com.seismic.task.FirstView"


def test_a_set_aside_record_says_where_it_came_from() -> None:
    assert dict(headers.source("seismic.raw", 3, 41)) == {
        "geophone-source-topic": b"seismic.raw",
        "geophone-source-partition": b"3",
        "geophone-source-offset": b"41",
    }


@pytest.mark.parametrize("trace", ["", "00", TRACE.upper(), TRACE + "\n", "xx" + TRACE[2:]])
def test_a_malformed_traceparent_is_left_out(trace: str) -> None:
    assert "traceparent" not in dict(headers.of_malformed(b"", 1, trace))
