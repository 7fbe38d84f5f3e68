"""How many calls may be under way after good and bad answers."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from streams.crm.window import Window


def answered(window: Window, overtaxed: Sequence[bool | None]) -> float:
    for one in overtaxed:
        window.end(window.begin(), overtaxed=one)
    return window.size


def test_it_begins_with_all_and_a_complaint_halves_it() -> None:
    assert Window(8).size == 8
    assert answered(Window(8), [True]) == 4
    assert answered(Window(8), [True, True]) == 2


def test_one_round_of_complaints_cuts_once() -> None:
    window = Window(8)
    tickets = [window.begin() for _ in range(8)]
    for ticket in tickets:
        window.end(ticket, overtaxed=True)
    assert window.size == 4


def test_a_round_of_good_answers_adds_about_one() -> None:
    window = Window(8)
    answered(window, [True])
    assert 4.9 < answered(window, [False] * 4) <= 5
    assert answered(window, [False] * 100) == 8


def test_a_cancelled_call_tells_nothing() -> None:
    assert answered(Window(8), [None]) == 8


def test_it_is_open_as_long_as_there_is_room() -> None:
    window = Window(2)
    first = window.begin()
    assert window.open
    window.begin()
    assert not window.open
    window.end(first, overtaxed=None)
    assert window.open


@given(st.integers(1, 50), st.lists(st.sampled_from([True, False, None]), max_size=60))
def test_there_is_always_room_for_one_and_never_for_more_than_allowed(
    most: int, answers: list[bool | None]
) -> None:
    window = Window(most)
    assert 1 <= answered(window, answers) <= most
    assert window.under_way == 0
    assert window.open
