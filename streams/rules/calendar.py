"""Due dates in business days. Pure: what day it is comes from the event."""

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from holidays import HolidayBase, country_holidays

from streams.rules.model import Holidays, Rule


def local_day(moment: datetime, rule: Rule) -> date:
    """Return the day on which `moment` (aware) falls in the rule's time zone."""
    return moment.astimezone(ZoneInfo(rule.time_zone)).date()


def due(day: date, rule: Rule) -> date:
    """Return the rule's number of business days after `day`; with 0, `day` or the next such."""
    return _due(day, rule.due_business_days, rule.holidays)


def is_business_day(day: date, holidays: Holidays | None) -> bool:
    """Return whether a task may be due on `day`."""
    return _calendar(holidays).is_working_day(day)


@lru_cache(maxsize=1024)
def _due(day: date, business_days: int, holidays: Holidays | None) -> date:
    return _calendar(holidays).get_nth_working_day(day, business_days)


@lru_cache(maxsize=256)
def _calendar(chosen: Holidays | None) -> HolidayBase:
    if chosen is None or chosen.country is None:
        calendar = HolidayBase()
    else:
        calendar = country_holidays(chosen.country, subdiv=chosen.subdivision)
    for day in chosen.also if chosen else ():
        calendar[day] = "also"  # first: it has the library work out the year, and its moved days
        calendar.weekend_workdays.discard(day)
    return calendar
