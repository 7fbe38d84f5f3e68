"""A thinned series keeps every peak and every gap."""

from math import isnan

from hypothesis import given
from hypothesis import strategies as st

from ops.prove.thinning import envelope, stretches, sums

values = st.lists(st.none() | st.floats(0, 1e6), min_size=1, max_size=200)


@given(values, st.integers(1, 50))
def test_the_lowest_and_the_highest_are_kept(column: list[float | None], most: int) -> None:
    curve = envelope(range(len(column)), column, most)
    known = [value for value in column if value is not None]
    lows = [value for value in curve.lowest if not isnan(value)]
    highs = [value for value in curve.highest if not isnan(value)]
    assert len(curve.seconds) <= most
    assert min(lows, default=None) == min(known, default=None)
    assert max(highs, default=None) == max(known, default=None)


@given(values, st.integers(1, 50))
def test_nothing_is_summed_twice_or_forgotten(column: list[float | None], most: int) -> None:
    ones = [None if value is None else 1.0 for value in column]
    total = sum(value is not None for value in column)
    assert sum(sums(ones, stretches(len(column), most))) == total


def test_a_gap_stays_a_gap_and_a_short_series_stays_as_it_is() -> None:
    curve = envelope([0, 1, 2], [5.0, None, 7.0])
    assert (curve.seconds, curve.middle[0], curve.middle[2]) == ([0, 1, 2], 5.0, 7.0)
    assert isnan(curve.middle[1])
    assert isnan(envelope(range(4), [None, None, 1.0, None], 2).middle[0])
