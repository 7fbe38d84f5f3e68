"""A time of the day, as an operator writes it in a YAML file."""

from datetime import time
from typing import Annotated, Any

from pydantic import BeforeValidator


def _quoted(moment: Any) -> Any:
    # YAML reads 12:00 without quotes as the number 720: twelve minutes past midnight.
    if isinstance(moment, int | float):
        raise ValueError('put it in quotes, like "12:00"')  # noqa: TRY004 - pydantic's way to refuse
    return moment


ClockTime = Annotated[time, BeforeValidator(_quoted)]
"""Refuses a number, which a time without quotes is to YAML."""
