"""When a backlog was one, and how long it took."""

import pytest

from ops.prove.backlog import BACKLOG, drained
from ops.prove.faults import FAULTS, WORKERS_AWAY
from ops.prove.history import Strike
from ops.prove.watch import Sample

AWAY = Strike(WORKERS_AWAY, "streams-1, streams-2", 10.0, 100.0)


def samples(*lags: int | None) -> list[Sample]:
    """One every ten seconds, the first at 90."""
    return [Sample(90.0 + 10 * number, lag, 0) for number, lag in enumerate(lags)]


def test_it_takes_from_the_workers_return_to_the_first_sample_without_lag() -> None:
    seen = samples(BACKLOG - 1, BACKLOG + 5, None, 400, 0, 7, 0)
    assert list(drained([AWAY], seen)) == [30.0]


def test_one_that_is_not_handled_took_at_least_to_the_end() -> None:
    assert list(drained([AWAY], samples(0, BACKLOG, 50_000, None))) == [10.0]


@pytest.mark.parametrize(
    "seen", [samples(BACKLOG, BACKLOG - 1, 0), samples(BACKLOG), samples(None, None), []]
)
def test_less_than_that_at_the_return_is_no_occasion(seen: list[Sample]) -> None:
    assert list(drained([AWAY], seen)) == []


def test_nothing_else_makes_a_backlog() -> None:
    strikes = [Strike(name, "x", 10.0, 100.0) for name in FAULTS if name != WORKERS_AWAY]
    assert list(drained(strikes, samples(0, BACKLOG, 0))) == []


def test_the_row_is_long_enough_for_a_backlog() -> None:
    row = FAULTS[WORKERS_AWAY]
    assert (row.seconds - 15) * row.rate >= BACKLOG
