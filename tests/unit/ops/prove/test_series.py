"""A run second by second."""

from ops.prove.history import Attempt
from ops.prove.series import series
from ops.prove.watch import Sample


def attempt(started: float, ended: float, status: int | None = 200, route: str = "i-1") -> Attempt:
    return Attempt(0, route, started, ended, status)


def test_a_run_in_which_nothing_happened_has_no_seconds() -> None:
    empty = series([], [], 100.0)
    assert list(empty.seconds) == []
    assert all(list(column) == [] for column in empty.columns.values())


def test_attempts_count_in_the_second_in_which_they_ended() -> None:
    made = series(
        [
            attempt(99.0, 99.9),  # before the beginning
            attempt(100.0, 100.5),
            attempt(100.0, 100.999, 503),
            attempt(100.5, 102.0, None),
            attempt(102.9, 102.95, 202),
        ],
        [],
        100.0,
    )
    assert made.seconds == [0.0, 1.0, 2.0]
    assert made.columns["accepted"] == [1.0, 0.0, 1.0]
    assert made.columns["refused"] == [1.0, 0.0, 0.0]
    assert made.columns["unanswered"] == [0.0, 0.0, 1.0]


def test_answer_times_are_ranks_in_milliseconds_of_what_was_answered_over_http() -> None:
    hundred = [attempt(0.0, number / 1000) for number in range(1, 101)]
    others = [attempt(-2.0, 0.5, None), attempt(-9.0, 0.5, 200, "kafka")]
    columns = series([*hundred, *others], [], 0.0).columns
    assert [columns[name] for name in ("p50", "p99", "max")] == [[50.0], [99.0], [100.0]]
    assert series(others, [], 0.0).columns["max"] == [None]


def test_a_sender_that_hung_up_has_waited_so_long() -> None:
    columns = series([attempt(0.0, 5.0, None)], [], 0.0).columns
    assert columns["max"][5] == 5000.0


def test_of_three_answers_the_middle_one_is_the_median() -> None:
    columns = series([attempt(0.0, each) for each in (0.75, 0.25, 0.5)], [], 0.0).columns
    assert [columns[name] for name in ("p50", "p99", "max")] == [[500.0], [750.0], [750.0]]


def test_one_answer_is_every_rank() -> None:
    columns = series([attempt(1.0, 1.25)], [], 1.0).columns
    assert [columns[name] for name in ("p50", "p99", "max")] == [[250.0], [250.0], [250.0]]


def test_what_the_watch_did_not_see_is_unknown_and_no_zero() -> None:
    samples = [Sample(9.9, 5, 5), Sample(10.1, 7, 0), Sample(12.2, None, None), Sample(13, 0, 3)]
    columns = series([], samples, 10.0).columns
    assert columns["lag"] == [7, None, None, 0]
    assert columns["unstable"] == [0, None, None, 3]
    assert columns["accepted"] == [0.0, 0.0, 0.0, 0.0]
