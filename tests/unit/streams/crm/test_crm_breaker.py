"""How many refusals are believed: a handful always, most of the last decided commands never."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.crm.breaker import MINIMUM, WINDOW, Breaker


def breaker(share: float = 0.5) -> Breaker:
    return Breaker(share, count(1000).__next__)


def accepted(one: Breaker, times: int, partition: int = 0) -> Breaker:
    for _ in range(times):
        one.accept(partition)
    return one


@pytest.mark.parametrize("few", [1, MINIMUM - 1])
def test_a_handful_is_believed_whatever_its_share(few: int) -> None:
    assert breaker().give_up(0, few) == few


def test_of_as_many_as_count_none_is_believed_when_all_are_refused() -> None:
    assert breaker().give_up(0, MINIMUM) == 0
    one = breaker()
    assert [one.give_up(0, 1) for _ in range(MINIMUM)] == [1] * (MINIMUM - 1) + [0]


def test_as_many_are_believed_as_the_share_bears() -> None:
    assert accepted(breaker(), 30).give_up(0, 10) == 10
    assert accepted(breaker(), 30).give_up(0, 50) == 30
    assert accepted(breaker(0.25), 30).give_up(0, 50) == 10
    assert accepted(breaker(0.25), 10 * WINDOW).give_up(0, 50) == 25


def test_a_share_of_one_believes_all() -> None:
    assert breaker(1).give_up(0, 1000) == 1000


def test_what_is_long_ago_does_not_count() -> None:
    one = accepted(breaker(), 60)
    assert one.give_up(0, 60) == 50
    assert one.give_up(0, 1) == 0
    assert accepted(one, 60).give_up(0, 60) == 50


def test_what_is_taken_elsewhere_counts_and_what_is_not_believed_does_not() -> None:
    one = breaker()
    assert one.give_up(0, 40) == 0
    assert accepted(one, 100, partition=7).give_up(0, 40) == 40


def test_a_crm_that_takes_what_it_had_refused_begins_anew() -> None:
    one = breaker()
    for _ in range(MINIMUM - 1):
        one.give_up(0, 1)
    one.recover()
    assert one.give_up(0, MINIMUM - 1) == MINIMUM - 1


def test_a_note_brings_the_next_owner_to_the_same_judgement() -> None:
    one = accepted(breaker(), 3)
    for _ in range(MINIMUM - 4):
        one.give_up(0, 1)
    successor = breaker()
    successor.take_over(0, one.note(0))
    assert successor.give_up(0, 1) == 0 == one.give_up(0, 1)
    assert successor.note(0) == one.note(0)


def test_a_note_speaks_of_its_own_partition_only() -> None:
    one = accepted(accepted(breaker(), 2, partition=1), 1, partition=2)
    one.give_up(2, 2)
    assert [one.note(partition) for partition in (0, 1, 2)] == ["", "1001 ..", "1004 .xx"]


def test_a_partition_that_is_let_go_is_forgotten() -> None:
    one = accepted(breaker(), 5, partition=1)
    one.let_go(1)
    assert one.note(1) == ""


def test_an_old_note_does_not_push_out_what_is_new() -> None:
    one = accepted(breaker(), WINDOW)
    one.take_over(1, "5 " + "x" * WINDOW)
    assert one.note(1) == ""
    assert one.give_up(0, 10) == 10


@pytest.mark.parametrize(
    "note",
    ["", "x", "5", "5 ", "5 y", "5 x ", f"5 {'x' * (WINDOW + 1)}", "\u0665 x", "-5 x", "5 x\n"],
)
def test_what_is_no_note_says_nothing(note: str) -> None:
    one = breaker()
    one.take_over(0, note)
    assert one.note(0) == ""


@given(
    st.floats(0.05, 1),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60), st.integers(0, 30))),
)
def test_no_more_than_the_share_is_ever_believed(
    share: float, steps: list[tuple[int, int, int]]
) -> None:
    one = breaker(share)
    decided: list[bool] = []
    for partition, accepts, refused in steps:
        accepted(one, accepts, partition)
        decided += [False] * accepts
        pending = len(decided[-WINDOW:]) + refused
        believed = one.give_up(partition, refused)
        assert 0 <= believed <= refused
        decided += [True] * believed
        last = decided[-WINDOW:]
        if believed and pending >= MINIMUM:
            assert sum(last) <= share * len(last)
        assert sum(len(one.note(each).partition(" ")[2]) for each in range(4)) <= WINDOW
