"""A time of the day, as an operator writes it in a YAML file, and the moment it is on a day."""

from datetime import UTC, date, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

from streams.crm import Refused


def _quoted(moment: Any) -> Any:
    # YAML reads 12:00 without quotes as the number 720: twelve minutes past midnight.
    if isinstance(moment, int | float):
        raise ValueError('put it in quotes, like "12:00"')  # noqa: TRY004 - pydantic's way to refuse
    return moment


ClockTime = Annotated[time, BeforeValidator(_quoted)]
"""Refuses a number, which a time without quotes is to YAML."""


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the moment at which it is so late there on that day, in UTC.

    Raises:
        Refused: there is none: in UTC it is before the first year or after the last.
    """
    try:
        return datetime.combine(day, at, zone).astimezone(UTC)
    except OverflowError as error:
        raise Refused("the due day is at the end of the calendar") from error
