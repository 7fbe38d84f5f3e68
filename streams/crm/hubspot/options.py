"""What an operator tells about one HubSpot account."""

from datetime import time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from streams.crm.clock import ClockTime
from streams.crm.secret import Secret


def _known(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:  # a folder of zones is a file
        raise ValueError("no such time zone: give one like Europe/Berlin") from error
    return zone


class Options(BaseModel):
    """Credential and choices of the connector.

    `access_token`: a service key or an app's static token, `pat-…`. `key_property`: the property
    of tasks that holds the command's key. `guard`: what keeps a second task with the same key
    away, see `streams.crm.hubspot`. `due_time` in `time_zone` is the instant on the due day that
    HubSpot is given: noon in UTC is the same day from UTC-12 to UTC+11. `related`: which kinds of
    record a task may be shown on beside the recipient's contact.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    access_token: Secret
    key_property: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,99}$")] = "geophone_key"
    guard: Literal["unique", "search"] = "unique"
    task_type: Literal["CALL", "EMAIL", "TODO"] = "TODO"
    due_time: ClockTime = time(12)
    time_zone: Annotated[str, AfterValidator(_known)] = "UTC"
    related: frozenset[Literal["companies", "contacts", "deals"]] = frozenset(
        {"companies", "contacts", "deals"}
    )
