"""An event from a file: as Seismic sends it, or its data alone."""

from schemas import catalogue, envelope
from schemas.catalogue import CATALOGUE, EventType
from schemas.envelope import Envelope
from schemas.reasons import Malformed


class NoEvent(ValueError):
    """The file holds no event; the message says what is missing and which option gives it."""


def read(body: bytes, type_name: str | None, tenant: str | None, legacy_tenant: str) -> Envelope:
    """Read one event; a type and a tenant that are given win over the event's own.

    Raises:
        NoEvent: it is none, or the catalogue has no such type.
    """
    event_type = _known(type_name) if type_name else None
    event = _event(body, event_type, tenant or legacy_tenant)
    if event_type:
        event = event._replace(type_name=event_type.name, event_type=event_type)
    return event._replace(tenant_id=tenant) if tenant else event


def _known(name: str) -> EventType:
    if row := catalogue.lookup(name):
        return row
    known = ", ".join(row.name for row in CATALOGUE if row.carries_recipients)
    raise NoEvent(f"no event type {name!r}; people are named in: {known}")


def _event(body: bytes, event_type: EventType | None, tenant: str) -> Envelope:
    try:
        return envelope.read(body, legacy_tenant=tenant)
    except Malformed as malformed:
        if event_type is None:
            raise NoEvent(f"{malformed}; if it is an event's data alone, say --type") from malformed
    try:
        data = envelope.parse(body)
    except Malformed as malformed:
        raise NoEvent(str(malformed)) from malformed
    whole = {"id": "preview", "version": event_type.name, "tenantId": tenant, "data": data}
    return envelope.interpret(whole, body, legacy_tenant=tenant)
