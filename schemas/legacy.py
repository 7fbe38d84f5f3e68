"""Legacy payloads: recognised by their shape, given the id they lack.

Legacy webhooks are the only ones with recipients or viewers, and "are all missing the webhook
parent object" (developer.seismic.com/seismicsoftware/docs/legacy-webhooks-1), although the pages of
October 2024 show one. A redelivery repeats the bytes, so any id made from them is stable.

The id begins with the type, because one interaction appears in an email event and again in every
session summary of it. A session summary is identified by its session, never by its interaction,
and by the digest of its bytes where it names no session: a wrong merge would lose an event.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas import catalogue, names
from schemas.catalogue import EventType


@dataclass(frozen=True, slots=True)
class Legacy:
    """A payload of the old kind: what it is, its data, and what identifies it if anything does."""

    type_name: str
    data: Mapping[str, Any]
    identity: str | None

    def synthetic_id(self, body: bytes) -> str:
        """Return the deterministic id of a body that carries none."""
        return f"{self.type_name}:{self.identity or hashlib.sha256(body).hexdigest()}"


def recognise(
    parsed: Mapping[str, Any], members: Mapping[str, Any], type_name: str | None
) -> Legacy | None:
    """Tell a legacy payload by its name if it has one, else by its shape; None if it is neither.

    `parsed` is the whole object, `members` its envelope members in documented spelling.
    """
    wrapped = isinstance(members.get("data"), dict)
    data = members["data"] if wrapped else parsed
    event_type = _by_name(type_name) if type_name else _by_shape(data)
    if event_type:
        return Legacy(event_type.name, data, _identity(event_type, data))
    if wrapped and type_name is None and "application" in members:
        return Legacy(catalogue.OTHER, data, None)
    return None


def _by_name(type_name: str) -> EventType | None:
    event_type = catalogue.lookup(type_name)
    return event_type if event_type and event_type.group == "Legacy" else None


def _by_shape(data: Mapping[str, Any]) -> EventType | None:
    if "livesendSummary" in data:
        return catalogue.LIVESEND_SUMMARY
    if "LivesendSessionSummary" in data or "InteractionId" in data:
        enriched = _has_context(data.get("Recipients"))
        return catalogue.SESSION_SUMMARY_ENRICHED if enriched else catalogue.SESSION_SUMMARY
    if "interactionId" in data:
        enriched = _has_context(data.get("recipients"))
        return catalogue.EMAIL_ENRICHED if enriched else catalogue.EMAIL
    return None


def _has_context(recipients: object) -> bool:
    """An enriched event has CRM context on a recipient; pages write both `context`, `Context`."""
    if not isinstance(recipients, list):
        return False
    return any(
        recipient.get("context") or recipient.get("Context")
        for recipient in recipients
        if isinstance(recipient, dict)
    )


def _identity(event_type: EventType, data: Mapping[str, Any]) -> str | None:
    if event_type in (catalogue.EMAIL, catalogue.EMAIL_ENRICHED):
        identity = data.get("interactionId")
    elif event_type is catalogue.LIVESEND_SUMMARY:
        identity = _within(data, "livesendSummary").get("livesendViewingSessionId")
    else:
        # The page lists SessionId without saying on which of the two levels it is.
        nested = _within(data, "LivesendSessionSummary").get("SessionId")
        identity = data.get("SessionId") or nested
    usable = isinstance(identity, str) and identity and names.flaw(identity) is None
    return identity if usable else None


def _within(data: Mapping[str, Any], member: str) -> Mapping[str, Any]:
    value = data.get(member)
    return value if isinstance(value, dict) else {}
