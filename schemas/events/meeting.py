"""MeetingDataChangedV1: a meeting was created or changed.

Source: developer.seismic.com/seismicsoftware/docs/meetingdatachangedv1 (early access).
"""

from typing import Any

from schemas.events.payload import Payload


class MeetingDataChanged(Payload):
    """Data of MeetingDataChangedV1, e.g. `meeting_action` "DraftMeetingCreated"."""

    event_type: str | None = None
    meeting_action: str | None = None
    meeting_id: str | None = None
    meeting_version_id: str | None = None
    meeting_version_number: str | None = None
    meeting_status: str | None = None
    meeting_type: str | None = None
    meeting_creation_type: str | None = None
    meeting_creator: Any = None
    properties: tuple[Any, ...] = ()
