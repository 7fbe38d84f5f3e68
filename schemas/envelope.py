"""What an event's bytes say: whose it is, which one it is, of what type.

Four wire forms are in use by one sender (developer.seismic.com, pages events and
legacy-webhooks-1), so keys are matched without case and little is demanded:

- full:     {"id", "version", "occurredAt", "tenantId", "tenantName", "data", "application", …}
- Pascal:   the same with "Id", "Version", … (the sample of ReadinessArchivalEventV1)
- wrapper:  "application" and "data" alone (the samples of the legacy pages)
- bare:     the legacy data object alone ("missing the webhook parent object")

The last two carry neither id nor tenant: see `schemas.legacy`. Nothing of `data` is ever lifted
to the envelope: data.id and data.version mean other things there.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from schemas import catalogue, legacy, names
from schemas.catalogue import EventType
from schemas.reasons import Malformed, Reason

MAX_NAME = names.MAX_NAME

MAX_DEPTH = 64
"""Deepest nesting of an event. orjson reads 1,024 levels but writes only 254, so whatever is
re-encoded later has to stay well below; no documented payload is deeper than 10."""

MAX_CONTAINERS = 100_000
"""Most objects and lists of an event, brackets within its texts included. A mebibyte of them takes
0.1 s and 50 MB to read; the longest documented payload has a few dozen."""

_RFC3339 = re.compile(
    r"(?!0001-01-01)\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d{1,9})?"
    r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
"""0001-01-01 is .NET's zero, and means that the time is not known."""
_READABLE_DEPTH = 1024
_ORJSON_TOO_DEEP = "depth limit exceeded"
_VERIFICATION = "verification"
_DOCUMENTED = frozenset(
    {
        "id",
        "version",
        "type",
        "occurredAt",
        "tenantId",
        "tenantName",
        "data",
        "application",
        "productArea",
    }
)
_CAMEL_CASE = {name.lower(): name for name in _DOCUMENTED}


class Envelope(NamedTuple):
    """One event's identity; `type_name` and `occurred` as sent, `event_type` its catalogue row."""

    tenant_id: str
    event_id: str
    type_name: str
    event_type: EventType | None
    occurred: object
    data: Mapping[str, Any]

    @property
    def spelling(self) -> str:
        """The documented spelling of the type, or `Other`."""
        return self.event_type.name if self.event_type else catalogue.OTHER

    @property
    def occurred_at(self) -> str | None:
        """When it happened, if that is told in RFC 3339 and is not the .NET zero for "unknown"."""
        return _rfc3339(self.occurred)


def read(body: bytes, *, legacy_tenant: str) -> Envelope:
    """Read one event; `legacy_tenant` is whose a legacy body is that names no tenant.

    Raises:
        Malformed: the bytes are no event; carries the reason for the quarantine.
    """
    return interpret(parse(body), body, legacy_tenant=legacy_tenant)


def parse(body: bytes) -> dict[str, Any]:
    """Parse `body` as one JSON object no deeper than `MAX_DEPTH`.

    Raises:
        Malformed: not JSON, not an object, too deep, or of too many parts.
    """
    # Counting costs next to nothing, and only a body with many brackets can be slow, or deep.
    containers = body.count(b"{") + body.count(b"[")
    if containers > MAX_CONTAINERS:
        raise Malformed(Reason.WRONG_SHAPE, f"more than {MAX_CONTAINERS} objects and lists")
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        reason = Reason.TOO_DEEP if error.msg == _ORJSON_TOO_DEEP else Reason.NOT_JSON
        raise Malformed(reason, error.msg) from error
    if not isinstance(parsed, dict):
        raise Malformed(Reason.WRONG_SHAPE, "JSON, but not an object")
    if containers > MAX_DEPTH and _deeper_than(MAX_DEPTH, parsed):
        raise Malformed(Reason.TOO_DEEP, f"nested deeper than {MAX_DEPTH} levels")
    return parsed


def interpret(parsed: dict[str, Any], body: bytes, *, legacy_tenant: str) -> Envelope:
    """Read the envelope of an already parsed object; `body` is what it was parsed from.

    Raises:
        Malformed: no id, no tenant, or a member of the wrong type or length.
    """
    members = parsed if parsed.keys() <= _DOCUMENTED else _camel_case(parsed)
    event_id, tenant_id = _name(members, "id"), _name(members, "tenantId")
    type_name = _type_name(members)
    if event_id and tenant_id and type_name:
        return _envelope(tenant_id, event_id, type_name, members, members.get("data"))
    if old := legacy.recognise(parsed, members, type_name):
        return _envelope(
            tenant_id or legacy_tenant,
            event_id or old.synthetic_id(body),
            type_name or old.type_name,
            members,
            old.data,
        )
    if event_id and tenant_id:
        return _envelope(tenant_id, event_id, catalogue.OTHER, members, members.get("data"))
    raise _incomplete(event_id)


def _envelope(
    tenant_id: str, event_id: str, type_name: str, members: Mapping[str, Any], data: object
) -> Envelope:
    event_type, occurred = catalogue.lookup(type_name), members.get("occurredAt")
    data = data if isinstance(data, dict) else {}
    return Envelope(tenant_id, event_id, type_name, event_type, occurred, data)


def _incomplete(event_id: str | None) -> Malformed:
    if event_id:
        return Malformed(Reason.NO_TENANT, "an id, but no tenantId")
    return Malformed(Reason.NO_ID, "no id, and no legacy payload either")


def _camel_case(parsed: Mapping[str, Any]) -> dict[str, Any]:
    """Spell the envelope's keys as documented; an exact spelling wins over another case."""
    renamed = {
        _CAMEL_CASE[key.lower()]: parsed[key] for key in parsed if key.lower() in _CAMEL_CASE
    }
    exact = {name: parsed[name] for name in _CAMEL_CASE.values() if name in parsed}
    return renamed | exact


def _name(members: Mapping[str, Any], member: str) -> str | None:
    value = members.get(member)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Malformed(Reason.WRONG_SHAPE, f"{member} is not a string")
    if flaw := names.flaw(value):
        raise Malformed(Reason.WRONG_SHAPE, f"{member} is a string {flaw}")
    return value or None


def _type_name(members: Mapping[str, Any]) -> str | None:
    """`type` was the name until 2025, `version` carries it today; live events may have either."""
    old = _name(members, "type")
    return old if old and old.lower() != _VERIFICATION else _name(members, "version")


def _rfc3339(value: object) -> str | None:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        return None
    try:
        datetime.fromisoformat(value)
    except ValueError:  # not on the calendar
        return None
    return value


def _deeper_than(levels: int, value: object) -> bool:
    """Say whether `value`, as orjson read it, is nested deeper than so many levels.

    orjson is asked to write it within as many lists as leave room for just these: a walk in Python
    takes 0.7 s for a mebibyte of brackets, this 3 ms.
    """
    for _ in range(_WRITABLE_DEPTH - levels):
        value = [value]
    return not _writable(value)


def _writable(value: object) -> bool:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True


def _writable_depth() -> int:
    """Return how deep a value may be for orjson to write it."""
    value: list[Any] = []
    depth = 0
    while depth < _READABLE_DEPTH and _writable(value):
        value, depth = [value], depth + 1
    return depth


_WRITABLE_DEPTH = _writable_depth()
