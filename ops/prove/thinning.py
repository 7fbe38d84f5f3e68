"""A long series with fewer points that still shows every peak and every gap."""

from collections.abc import Iterator, Sequence

MOST_POINTS = 900
"""About one per pixel of a plot's width."""

Value = float | None


def buckets(length: int, most: int) -> list[slice]:
    """Return at most `most` neighbouring slices that cover `length` values."""
    size = max(1, -(-length // most))
    return [slice(start, start + size) for start in range(0, length, size)]


def envelope(
    seconds: Sequence[float], values: Sequence[Value], most: int = MOST_POINTS
) -> tuple[list[float], list[float]]:
    """Return at most `most` points: of each stretch the lowest and the highest, as they came.

    A stretch in which nothing is known becomes one point that is not a number: a gap.
    """
    if len(seconds) <= most:
        return list(seconds), [_number(value) for value in values]
    points = [
        point
        for part in buckets(len(seconds), most // 2)
        for point in _extremes(seconds[part], values[part])
    ]
    return [at for at, _ in points], [value for _, value in points]


def sums(values: Sequence[Value], parts: Sequence[slice]) -> list[float]:
    """Return the sum of what is known in each stretch."""
    return [sum(value for value in values[part] if value is not None) for part in parts]


def _extremes(seconds: Sequence[float], values: Sequence[Value]) -> Iterator[tuple[float, float]]:
    known = [(value, at) for at, value in zip(seconds, values, strict=True) if value is not None]
    if not known:
        yield seconds[0], float("nan")
        return
    lowest, highest = min(known), max(known)
    for value, at in sorted({lowest, highest}, key=lambda point: point[1]):
        yield at, value


def _number(value: Value) -> float:
    return float("nan") if value is None else value
