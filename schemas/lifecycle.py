"""App lifecycle callbacks: install, uninstall, enable, disable, upgrade.

They share the events' signature but not their envelope: `version` is the app's version here and
`type` the callback's name. Seismic blocks the action unless it gets 202 within 3 s
(developer.seismic.com/seismicsoftware/docs/callbacks).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas import names
from schemas.reasons import Malformed, Reason

KINDS = frozenset({"install", "uninstall", "enable", "disable", "upgrade"})


@dataclass(frozen=True, slots=True)
class Callback:
    """One lifecycle callback; `kind` in lower case, `timestamp` as sent."""

    tenant_id: str
    request_id: str
    kind: str
    timestamp: str | None


def recognise(parsed: Mapping[str, Any]) -> Callback | None:
    """Return the callback if `parsed` is one: an appId, a tenant, a request and a known type.

    Raises:
        Malformed: it is one, but its tenant or request is unfit to be a key or header.
    """
    if "appId" not in parsed:
        return None
    required = [parsed.get(name) for name in ("appId", "tenantId", "requestId", "type")]
    if not all(isinstance(value, str) and value for value in required):
        return None
    _, tenant_id, request_id, kind = map(str, required)
    if kind.lower() not in KINDS:
        return None
    for name in (tenant_id, request_id):
        if flaw := names.flaw(name):
            raise Malformed(
                Reason.WRONG_SHAPE, f"a callback's tenant or request is a string {flaw}"
            )
    timestamp = parsed.get("timestamp")
    return Callback(
        tenant_id, request_id, kind.lower(), timestamp if isinstance(timestamp, str) else None
    )
