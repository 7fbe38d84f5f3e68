"""When the last of the day's API requests are left to others."""

import pytest

from streams.crm import Unavailable
from streams.crm.answer import Answer
from streams.crm.salesforce.reserve import REST_SECONDS, Reserve, nearly_used_up, usage


def answer(used: str) -> Answer:
    return Answer(200, {"Sforce-Limit-Info": used}, b"")


ENOUGH, SCARCE = answer("api-usage=4749/5000"), answer("api-usage=4750/5000")


@pytest.mark.parametrize(
    ("header", "used"),
    [
        ("api-usage=18/5000", (18, 5000)),
        ("api-usage=25/5000; per-app-api-usage=17/250(appName=sample-connected-app)", (25, 5000)),
        ("per-app-api-usage=17/250(appName=sample-connected-app)", None),
        ("", None),
        (f"api-usage={'9' * 5000}/1", None),
        (f"api-usage=1/{'9' * 5000}", None),
    ],
)
def test_documented_usage_headers(header: str, used: tuple[int, int] | None) -> None:
    assert usage(answer(header)) == used


def test_the_last_requests_of_the_day_are_left_to_others() -> None:
    assert (nearly_used_up(ENOUGH), nearly_used_up(SCARCE)) == (False, True)


def test_after_an_answer_that_tells_of_the_last_no_task_is_begun_for_a_minute() -> None:
    clock = [100.0]
    reserve = Reserve(lambda: clock[0])
    reserve.admit()
    reserve.heed(ENOUGH)
    reserve.admit()
    reserve.heed(SCARCE)
    clock[0] += 20
    with pytest.raises(Unavailable, match="the last 5% of the day's API requests") as caught:
        reserve.admit()
    assert caught.value.retry_after == REST_SECONDS - 20
    clock[0] += 40
    reserve.admit()
