"""Livesend*V1 and livesend-summary-v2: what happened to a LiveSend link, and one viewing of it.

Source: developer.seismic.com/seismicsoftware/docs, pages livesendupdatedv1, livesendexpiredv1,
livesendcontentupdatedv1 (early access: ids and an action, no people) and livesend-summary-v2
(deprecated; the session summary replaces it).
"""

from typing import Any

from pydantic import Field

from schemas.events import email
from schemas.events.payload import Payload, Time


class Livesend(Payload):
    """Data of LivesendUpdatedV1 (`action` e.g. "Renamed") and LivesendExpiredV1 ("Expired")."""

    livesend_id: str | None = None
    livesend_version_id: str | None = None
    action: str | None = None


class ReferencingLivesend(Payload):
    """A LiveSend that contains the changed content."""

    livesend_id: str | None = None
    livesend_version_id: str | None = None


class LivesendContentUpdated(Payload):
    """Data of LivesendContentUpdatedV1; `action` is "VersionChanged"."""

    content_id: str | None = None
    universal_content_id: str | None = None
    action: str | None = None
    referencing_livesends: tuple[ReferencingLivesend, ...] = ()


class ViewerDetails(email.ClientDetails):
    """The viewer's device and whereabouts: personal data, kept out of `repr`."""

    session_id: str | None = None
    ip_address: str | None = Field(default=None, repr=False)
    city: str | None = Field(default=None, repr=False)
    country: str | None = Field(default=None, repr=False)


class Viewing(Payload):
    """One viewing session; `sent_by` and the integrator's context are not described further."""

    sent_by: Any = None
    livesend_link_id: str | None = None
    delivery_integrator_context: Any = None
    link_members: tuple[Any, ...] = ()
    livesend_viewing_session_id: str | None = None
    session_started_at: Time | None = None
    session_ended_at: Time | None = None
    total_content: int | None = None


class LivesendSummary(Payload):
    """Data of livesend-summary-v2."""

    client_details: ViewerDetails | None = None
    livesend_summary: Viewing | None = None
