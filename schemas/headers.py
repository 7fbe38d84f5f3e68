"""Record headers: CloudEvents 1.0 in Kafka's binary mode, plus a few of geophone's own.

Source: github.com/cloudevents/spec, bindings/kafka-protocol-binding.md. A record's value is always
the original bytes; all that geophone knows about them is here. No import path and no class name
ever goes on the wire.
"""

import hashlib
import re
from functools import lru_cache
from urllib.parse import quote

from schemas.envelope import Envelope
from schemas.lifecycle import Callback
from schemas.names import CONTROL_CHARACTER
from schemas.reasons import Reason

CE_ID = "ce_id"
CE_SOURCE = "ce_source"
CE_TENANT = "ce_tenantid"
CE_TIME = "ce_time"
CE_TYPE = "ce_type"
CE_SPECVERSION = "ce_specversion"
CONTENT_TYPE = "content-type"
TRACEPARENT = "traceparent"
RECEIVED = "geophone-received"
REASON = "geophone-reason"
DETAIL = "geophone-detail"
SOURCE_TOPIC = "geophone-source-topic"
SOURCE_PARTITION = "geophone-source-partition"
SOURCE_OFFSET = "geophone-source-offset"
ATTEMPT = "geophone-attempt"


Headers = list[tuple[str, bytes]]

MAX_DETAIL = 200
"""Longest `geophone-detail` in characters: enough for a parser's complaint, never for a body."""

_SPECVERSION = (CE_SPECVERSION, b"1.0")
_JSON = (CONTENT_TYPE, b"application/json")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def of_event(envelope: Envelope, received_ms: int, traceparent: str | None = None) -> Headers:
    """Return the headers of an accepted event; `received_ms` is epoch milliseconds."""
    name = envelope.event_type.name if envelope.event_type else envelope.type_name
    headers = _cloudevent(envelope.event_id, envelope.tenant_id, name, received_ms)
    if occurred_at := envelope.occurred_at:
        headers.append((CE_TIME, occurred_at.encode()))
    return headers + _trace(traceparent)


def of_callback(callback: Callback, received_ms: int, traceparent: str | None = None) -> Headers:
    """Return the headers of a lifecycle callback."""
    name = f"app.{callback.kind}"
    headers = _cloudevent(callback.request_id, callback.tenant_id, name, received_ms)
    return headers + _trace(traceparent)


def of_malformed(body: bytes, received_ms: int, traceparent: str | None = None) -> Headers:
    """Return the headers of bytes that say neither whose nor what they are."""
    digest = hashlib.sha256(body).hexdigest()
    return _cloudevent(digest, None, "Malformed", received_ms) + _trace(traceparent)


def of_task(tenant_id: str, key: str, received_ms: int, kind: str = "follow-up") -> Headers:
    """Return the headers of a task command; its kind "follow-up" is the type task.FollowUp."""
    return _cloudevent(key, tenant_id, f"task.{kind.title().replace('-', '')}", received_ms)


def reason(why: Reason, detail: str, attempt: int = 1) -> Headers:
    """Return the headers that say why a record was set aside, at which attempt."""
    one_line = CONTROL_CHARACTER.sub(" ", detail[:MAX_DETAIL])
    return [
        (REASON, why.value.encode()),
        (DETAIL, one_line.encode(errors="replace")),
        (ATTEMPT, b"%d" % attempt),
    ]


def source(topic: str, partition: int, offset: int) -> Headers:
    """Return the headers that say where a set-aside record came from."""
    return [
        (SOURCE_TOPIC, topic.encode()),
        (SOURCE_PARTITION, b"%d" % partition),
        (SOURCE_OFFSET, b"%d" % offset),
    ]


def _cloudevent(event_id: str, tenant_id: str | None, name: str, received_ms: int) -> Headers:
    return [
        _SPECVERSION,
        (CE_ID, event_id.encode()),
        *_of_tenant(tenant_id),
        _of_type(name),
        _JSON,
        (RECEIVED, b"%d" % received_ms),
    ]


@lru_cache(maxsize=1024)
def _of_tenant(tenant_id: str | None) -> tuple[tuple[str, bytes], ...]:
    if not tenant_id:
        return ((CE_SOURCE, b"/seismic"),)
    source = f"/seismic/tenants/{quote(tenant_id, safe='')}".encode()
    return (CE_SOURCE, source), (CE_TENANT, tenant_id.encode())


@lru_cache(maxsize=1024)
def _of_type(name: str) -> tuple[str, bytes]:
    return CE_TYPE, f"com.seismic.{name}".encode()


def _trace(traceparent: str | None) -> Headers:
    if traceparent and _TRACEPARENT.fullmatch(traceparent):
        return [(TRACEPARENT, traceparent.encode())]
    return []
