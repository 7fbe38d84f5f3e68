"""email-v3 and email-enriched-v3: somebody sent content to somebody.

Source: developer.seismic.com/seismicsoftware/docs, pages email-v3, email-legacy and email-legacy-1.
The fields of `context` are those of the sibling call generate_livesend_link: the event's own page
names the object without listing them.
"""

from typing import Annotated, Any, Self

from pydantic import StringConstraints, model_validator

from schemas.events.payload import Payload, Time

Address = Annotated[str, StringConstraints(strip_whitespace=True)]
"""White space around an address is no part of it: people copy it along."""


class CrmContext(Payload):
    """A CRM record the recipient was picked from, e.g. "Opportunity" "00646000009eMGL"."""

    context_id: str | None = None
    context_name: str | None = None
    context_type: str | None = None
    context_email: str | None = None
    source: str | None = None
    source_type: str | None = None
    system_id: str | None = None


class Recipient(Payload):
    """Who got it; an entry with neither id nor address names nobody and is left out."""

    id: str | None = None
    email: Address | None = None
    recipient_type: str | None = None
    affiliate_id: str | None = None
    context: tuple[CrmContext, ...] = ()

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not (self.id or "").strip() and not (self.email or "").strip():
            raise ValueError("a recipient with neither id nor address")
        return self


class ClientDetails(Payload):
    """Where it was done; "unknown" in most fields of the samples."""

    product_area: str | None = None
    device_type: str | None = None
    browser: str | None = None
    browser_version: str | None = None
    operating_system: str | None = None
    operating_system_version: str | None = None
    locale: str | None = None
    application: str | None = None
    application_type: str | None = None


class InteractionGroup(Payload):
    """What groups several interactions."""

    id: str | None = None


class Link(Payload):
    """What was sent; the fields of `content` are not documented beyond the page count."""

    allow_download: bool | None = None
    download_formats: tuple[str, ...] = ()
    content: tuple[dict[str, Any], ...] = ()


class Email(Payload):
    """Data of email-v3 and email-enriched-v3; `user_id` and `user_email` are the sender's."""

    interaction_id: str | None = None
    interaction_occurred_at: Time | None = None
    interaction_group: InteractionGroup | None = None
    delivery_option_id: str | None = None
    delivery_option_name: str | None = None
    user_id: str | None = None
    user_email: Address | None = None
    action: str | None = None
    action_type: str | None = None
    status: str | None = None
    client_details: ClientDetails | None = None
    recipients: tuple[Recipient, ...] = ()
    links: tuple[Link, ...] = ()
    email: dict[str, Any] | None = None
