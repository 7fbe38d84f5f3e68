from random import random

from hypothesis import given
from hypothesis import strategies as st

from streams.crm.retry import (
    BASE_SECONDS,
    CAP_SECONDS,
    RETRY_AFTER_CAP_SECONDS,
    delay,
)

ATTEMPTS = st.integers(0, 10**9)
DICE = st.floats(0, 1, exclude_max=True)
WISHES = st.none() | st.floats(allow_nan=False)


@given(ATTEMPTS, DICE)
def test_without_a_wish_the_delay_is_jitter_below_the_cap(attempt: int, roll: float) -> None:
    assert 0 <= delay(attempt, None, lambda: roll) <= CAP_SECONDS


@given(ATTEMPTS, WISHES, DICE)
def test_the_delay_is_always_finite(attempt: int, wish: float | None, roll: float) -> None:
    assert 0 <= delay(attempt, wish, lambda: roll) <= RETRY_AFTER_CAP_SECONDS + CAP_SECONDS


@given(ATTEMPTS, st.floats(0, RETRY_AFTER_CAP_SECONDS), DICE)
def test_never_earlier_than_the_crm_asked(attempt: int, wish: float, roll: float) -> None:
    assert delay(attempt, wish, lambda: roll) >= wish


@given(ATTEMPTS, st.floats(RETRY_AFTER_CAP_SECONDS, 1e12))
def test_a_wish_beyond_the_cap_counts_as_the_cap(attempt: int, wish: float) -> None:
    assert delay(attempt, wish, lambda: 0.0) == RETRY_AFTER_CAP_SECONDS


@given(ATTEMPTS, DICE)
def test_later_attempts_never_wait_less_for_the_same_roll(attempt: int, roll: float) -> None:
    assert delay(attempt, None, lambda: roll) <= delay(attempt + 1, None, lambda: roll)


def test_the_ceiling_doubles_from_the_base() -> None:
    ceilings = [delay(attempt, None, lambda: 1.0) for attempt in range(4)]
    assert ceilings == [BASE_SECONDS * factor for factor in (1, 2, 4, 8)]


def test_the_jitter_spreads_over_the_whole_range() -> None:
    delays = [delay(30, None, random) for _ in range(1000)]
    assert min(delays) < CAP_SECONDS * 0.05
    assert max(delays) > CAP_SECONDS * 0.95
