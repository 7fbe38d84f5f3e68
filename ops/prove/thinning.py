"""A long series with fewer points that still shows every peak and every gap."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import nan
from statistics import median

MOST_POINTS = 900
"""About one per pixel of a plot's width."""

Value = float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a thinned series, each for a stretch of time; not a number where nothing is known.

    `middle` is the stretch's median; with one value per stretch all three are that value.
    """

    seconds: list[float]
    lowest: list[float]
    middle: list[float]
    highest: list[float]


def stretches(length: int, most: int) -> list[slice]:
    """Return at most `most` neighbouring slices that cover `length` values."""
    size = max(1, -(-length // most))
    return [slice(start, start + size) for start in range(0, length, size)]


def envelope(seconds: Sequence[float], values: Sequence[Value], most: int = MOST_POINTS) -> Curve:
    """Return the series in at most `most` points, between its lowest and its highest values."""
    parts = stretches(len(seconds), most)
    known = [[value for value in values[part] if value is not None] or [nan] for part in parts]
    return Curve(
        [seconds[part][0] for part in parts],
        list(map(min, known)),
        list(map(median, known)),
        list(map(max, known)),
    )


def sums(values: Sequence[Value], parts: Iterable[slice]) -> list[float]:
    """Return the sum of what is known in each stretch."""
    return [sum(value for value in values[part] if value is not None) for part in parts]
