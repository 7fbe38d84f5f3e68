"""What a rules file may say. The descriptions are what an editor shows and an error repeats."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

import holidays as library
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    model_validator,
)

from streams.rules.template import PATTERN, checked
from streams.rules.zone import known_zone

EventName = Literal[
    "email-v3",
    "email-enriched-v3",
    "livesend-session-summary-v3",
    "livesend-session-summary-enriched-v3",
]
"""The event types that a task can follow from, in their documented spelling."""

MAX_BUSINESS_DAYS = 365
DEFAULT_BUSINESS_DAYS = 2

_DAY = r"^\d{4}-\d{2}-\d{2}$"

Address = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
Owner = Annotated[str, Field(pattern=r"^(sender|[^@\s]+@[^@\s]+)$")]
Domain = Annotated[str, Field(pattern=r"^[^@*\s.]+(\.[^@*\s.]+)*$"), AfterValidator(str.lower)]
Template = Annotated[
    str, AfterValidator(checked), Field(json_schema_extra={"pattern": PATTERN}, max_length=32_000)
]


def _written_out(day: Any) -> Any:
    """Refuse what pydantic takes for a date as well: seconds since 1970, and midnights."""
    if isinstance(day, date) or (isinstance(day, str) and re.fullmatch(_DAY, day, re.ASCII)):
        return day
    raise ValueError("Input should be a valid date in the format YYYY-MM-DD")


def _no_boolean(version: Any) -> Any:
    """To Python True is 1; to an editor it is not."""
    if isinstance(version, bool):
        raise ValueError("Input should be 1")  # noqa: TRY004 - pydantic wants this one
    return version


def known_as(sender: str) -> str:
    """Return what tells senders apart, of an address or id."""
    return sender.strip().lower()


def _no_sender_twice(owners: Any) -> Any:
    """Refuse what reading would merge, and with it one of two owners."""
    names = [known_as(name) for name in owners if isinstance(name, str)] if owners else []
    if len(names) > len(set(names)):
        raise ValueError("two of its senders differ by case or by spaces around them alone")
    return owners


Flag = Annotated[bool, Strict()]
Days = Annotated[int, Strict(), Field(ge=0, le=MAX_BUSINESS_DAYS)]
Day = Annotated[date, BeforeValidator(_written_out), Field(json_schema_extra={"pattern": _DAY})]
Version = Annotated[Literal[1], BeforeValidator(_no_boolean)]
Sender = Annotated[str, AfterValidator(known_as)]
Owners = Annotated[Mapping[Sender, Address], BeforeValidator(_no_sender_twice)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Holidays(_Part):
    """The days off between Monday and Friday, and where the weekend is another one."""

    country: str | None = None
    """ISO 3166 code, such as DE, GB or US. Its weekend and its moved working days count, too."""

    subdivision: str | None = None
    """Part of the country, such as BY in DE or CA in US."""

    also: tuple[Day, ...] = ()
    """Further days off, such as 2026-12-24."""

    @model_validator(mode="after")
    def _on_a_calendar(self) -> Self:
        if self.country is None:
            if self.subdivision:
                raise ValueError("a subdivision needs its country")
            return self
        known = library.list_supported_countries()
        if self.country not in known:
            raise ValueError(f"there is no calendar of country {self.country!r}, try DE, GB, US")
        if self.subdivision and self.subdivision not in known[self.country]:
            parts = ", ".join(known[self.country]) or "none"
            raise ValueError(f"{self.country} has no {self.subdivision!r}; there are: {parts}")
        return self


class Rule(_Part):
    """How tasks are made. What a rule leaves out is taken from the next less specific one."""

    enabled: Flag = True
    """Whether tasks are made at all. Views of a LiveSend are off unless their own rule, in events,
    says true; a true in defaults is not meant for them."""

    recipients: tuple[Literal["to", "cc", "bcc"], ...] = Field(("to",), min_length=1)
    """Which recipients of an email lead to a task: any of to, cc, bcc."""

    include_domains: tuple[Domain, ...] = ()
    """Only people at these domains, or below them, such as example.com. Empty: at any."""

    exclude_domains: tuple[Domain, ...] = ()
    """Nobody at these domains, or below them; wins over include_domains."""

    subject: Template | None = None
    """The task's subject, cut to 255 characters, with placeholders such as {recipient}; null for
    geophone's own."""

    body: Template | None = None
    """The task's text, cut to 32,000 characters, with the same placeholders; null for none."""

    due_business_days: Days = DEFAULT_BUSINESS_DAYS
    """Business days from the send, or the view, to the due date: 0 to 365."""

    time_zone: Annotated[str, AfterValidator(known_zone)] = "UTC"
    """IANA name, such as Europe/Berlin: on which day something happened depends on it."""

    holidays: Holidays | None = None
    """Days that are no business days; null for Saturdays and Sundays alone."""

    priority: Literal["low", "normal", "high"] = "normal"
    """low, normal or high."""

    owner: Owner = "sender"
    """Whose task it is: sender, or the e-mail address of a user of the CRM."""

    owner_by_sender: Owners = Field(default_factory=dict)
    """Sender's e-mail address (or Seismic user id) to the owner's address; wins over owner."""

    fallback_owner: Address | None = None
    """E-mail address of the user who gets the task when the CRM does not know the owner."""


class Scope(_Part):
    """Rules for all event types, and for single ones."""

    defaults: Rule = Field(default_factory=Rule)
    """For every event type."""

    events: Mapping[EventName, Rule] = Field(default_factory=dict)
    """By event type, such as email-v3; wins over defaults."""


class RulesFile(Scope):
    """Which tasks geophone makes of events, see docs/task-rules.md."""

    version: Version
    """Of this format: 1."""

    tenants: Mapping[str, Scope] = Field(default_factory=dict)
    """By tenantId; what is said for a tenant wins over all that is said for everybody."""
