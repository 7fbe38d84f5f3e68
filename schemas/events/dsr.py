"""DSR*V1: what happened to a digital sales room.

Source: developer.seismic.com/seismicsoftware/docs, pages dsrexpiredv1 and dsrcontentupdatedv1
(early access). `id` is the room's, never the event's; `name` is an internal event name such as
"DsrExpiredSharedEvent".
"""

from schemas.events.payload import Payload, Time


class DsrExpired(Payload):
    """Data of DSRExpiredV1; `expired_at` is epoch milliseconds."""

    id: str | None = None
    version_id: str | None = None
    action: str | None = None
    expired_at: Time | None = None
    name: str | None = None


class DsrContentUpdated(Payload):
    """Data of DSRContentUpdatedV1; `action` is "VersionChanged"."""

    id: str | None = None
    version_id: str | None = None
    universal_content_id: str | None = None
    action: str | None = None
    name: str | None = None
