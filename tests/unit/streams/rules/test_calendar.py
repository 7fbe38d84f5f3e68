"""Due dates: business days of a country, from a day in a time zone."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.rules import calendar
from streams.rules.model import Holidays, Rule

BAVARIA = Holidays(country="DE", subdivision="BY")
CALENDARS = [
    None,
    Holidays(also=(date(2026, 4, 8), date(2026, 4, 9))),
    BAVARIA,
    Holidays(country="US"),
    Holidays(country="IL"),
    Holidays(country="AE"),
    Holidays(country="CN"),
    Holidays(country="JP", also=(date(2026, 12, 28),)),
    Holidays(country="HU", also=(date(2026, 1, 10), date(2026, 12, 12))),
]
DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
SOME = st.integers(0, 40)


def due(day: date, business_days: int, holidays: Holidays | None = None) -> date:
    return calendar.due(day, Rule(due_business_days=business_days, holidays=holidays))


@given(DAYS, SOME)
def test_without_holidays_it_is_a_weekday_with_so_many_weekdays_between(
    start: date, days: int
) -> None:
    end = due(start, days)
    passed = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    assert end.weekday() < 5
    assert sum(day.weekday() < 5 for day in passed) == (days or int(start.weekday() >= 5))


@given(DAYS, SOME, st.sampled_from(CALENDARS))
def test_it_is_never_a_day_off(start: date, days: int, holidays: Holidays | None) -> None:
    end = due(start, days, holidays)
    assert calendar.is_business_day(end, holidays)
    assert holidays is None or end not in holidays.also


@given(DAYS, SOME, st.sampled_from(CALENDARS))
def test_later_is_never_due_earlier(start: date, days: int, holidays: Holidays | None) -> None:
    end = due(start, days, holidays)
    assert start <= end
    assert end <= due(start + timedelta(days=1), days, holidays)
    assert end < due(start, days + 1, holidays) or (days == 0 and end != start)


@pytest.mark.parametrize(
    ("start", "days", "holidays", "end"),
    [
        (date(2026, 4, 2), 1, None, date(2026, 4, 3)),
        (date(2026, 4, 2), 1, Holidays(country="DE"), date(2026, 4, 7)),  # Easter
        (date(2026, 6, 3), 1, BAVARIA, date(2026, 6, 5)),  # Corpus Christi is off there
        (date(2026, 6, 3), 1, Holidays(country="DE"), date(2026, 6, 4)),  # but not everywhere
        (date(2026, 4, 7), 1, CALENDARS[1], date(2026, 4, 10)),
        (date(2026, 7, 2), 1, Holidays(country="US"), date(2026, 7, 6)),  # the 3rd is observed
        (date(2026, 5, 7), 1, Holidays(country="IL"), date(2026, 5, 10)),  # Thursday, Sunday
        (date(2026, 5, 9), 0, None, date(2026, 5, 11)),
    ],
)
def test_holidays_and_weekends_are_those_of_the_place(
    start: date, days: int, holidays: Holidays | None, end: date
) -> None:
    assert due(start, days, holidays) == end


@pytest.mark.parametrize(
    ("country", "moved"), [("HU", date(2026, 1, 10)), ("CN", date(2026, 1, 4))]
)
def test_a_further_day_off_is_off_though_the_country_moved_work_there(
    country: str, moved: date
) -> None:
    eve = moved - timedelta(days=1)
    assert due(eve, 1, Holidays(country=country)) == moved
    assert due(eve, 1, Holidays(country=country, also=(moved,))) > moved
    again = Holidays(country=country, also=(moved, date(2027, 1, 1)))
    assert due(moved, 0, again) > moved
    assert due(eve, 1, Holidays(country=country)) == moved, "and elsewhere it is no day off"


def test_the_day_of_an_event_is_the_zones() -> None:
    late = datetime(2026, 4, 7, 23, 30, tzinfo=UTC)
    assert calendar.local_day(late, Rule()) == date(2026, 4, 7)
    assert calendar.local_day(late, Rule(time_zone="Europe/Berlin")) == date(2026, 4, 8)
    assert calendar.local_day(late, Rule(time_zone="America/New_York")) == date(2026, 4, 7)
    same = late.astimezone(timezone(timedelta(hours=9)))
    assert calendar.local_day(same, Rule()) == date(2026, 4, 7)
