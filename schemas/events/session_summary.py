"""livesend-session-summary-v3 and its enriched form: one person's viewing of a LiveSend.

Source: developer.seismic.com/seismicsoftware/docs, pages livesend-session-summary-v3 and
livesend-session-summary-enriched-v3. The data is PascalCase throughout, `InteractionOccurredAt` is
.NET's zero in the sample, and nearly everything may be null.
"""

from typing import Any

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_pascal

from schemas.events import email, livesend
from schemas.events.payload import PascalPayload, Time


class ViewerDetails(livesend.ViewerDetails):
    """The viewer's device and whereabouts: personal data, kept out of `repr`."""

    model_config = ConfigDict(alias_generator=to_pascal)

    state: str | None = Field(default=None, repr=False)
    geolocation_latitude: float | None = Field(default=None, repr=False)
    geolocation_longitude: float | None = Field(default=None, repr=False)


class Recipient(email.Recipient):
    """Who it had been sent to, where the sender says so; null in the page's sample."""

    model_config = ConfigDict(alias_generator=to_pascal)


class InteractionGroup(email.InteractionGroup):
    """What groups several interactions."""

    model_config = ConfigDict(alias_generator=to_pascal)


class LibraryContent(PascalPayload):
    """A piece of content's place in the library."""

    id: str | None = None
    teamsite_id: str | None = None
    version_id: str | None = None


class Content(PascalPayload):
    """A piece of content behind the link."""

    id: str | None = None
    name: str | None = None
    repository: str | None = None
    total_pages: int | None = None
    type: str | None = None
    library_content: LibraryContent | None = None
    content_profile_id: str | None = None
    content_profile_path: tuple[str, ...] = ()


class Link(PascalPayload):
    """The link that was viewed."""

    id: str | None = None
    allow_download: bool | None = None
    download_formats_setting: tuple[str, ...] = ()
    content: tuple[Content, ...] = ()
    is_landing_page_customized: bool | None = None
    is_livesend_experience: bool | None = None
    created_at: Time | None = None
    created_by: str | None = None
    expires_at: Time | None = None
    has_password: bool | None = None


class Participant(PascalPayload):
    """Somebody who viewed it; the page names the list, its fields are as for recipients."""

    id: str | None = None
    email: str | None = None


class Session(PascalPayload):
    """The viewing; the page lists these fields without saying on which of two levels they are."""

    content_sessions: tuple[Any, ...] = ()
    participants: tuple[Participant, ...] = ()
    details_url: str | None = None
    session_id: str | None = None
    session_started_at: Time | None = None
    session_ended_at: Time | None = None
    total_content: int | None = None


class LivesendSessionSummary(Session):
    """What was viewed."""

    link: Link | None = None


class SessionSummary(Session):
    """Data of both session summaries; `user_id` and `email` are the sender's, not the viewer's."""

    interaction_id: str | None = None
    interaction_id_global: str | None = None
    interaction_occurred_at: Time | None = None
    interaction_group: InteractionGroup | None = None
    delivery_option_id: str | None = None
    delivery_option_id_global: str | None = None
    delivery_option_name: str | None = None
    user_id: str | None = None
    user_id_global: str | None = None
    action: str | None = None
    action_type: str | None = None
    status: str | None = None
    client_details: ViewerDetails | None = None
    recipients: tuple[Recipient, ...] = ()
    links: tuple[Any, ...] = ()
    email: Any = None
    livesend_session_summary: LivesendSessionSummary | None = None
