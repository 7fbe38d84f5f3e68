"""A run second by second: attempts by the second in which they ended, and what the watch saw."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ops.prove.findings import Series
from ops.prove.history import Attempt, Outcome
from ops.prove.watch import Sample

_COUNTS = {
    Outcome.OK: "accepted",
    Outcome.FAIL: "refused",
    Outcome.UNKNOWN: "unanswered",
}
_TIMES = {"p50": 0.5, "p99": 0.99, "max": 1.0}


def series(attempts: Iterable[Attempt], samples: Iterable[Sample], began: float) -> Series:
    """Return the columns from `began` on; what ended before that is left out."""
    by_second = _by_second(attempts, began)
    seen = {second: one for one in samples if (second := math.floor(one.at - began)) >= 0}
    length = max([*by_second, *seen], default=-1) + 1
    seconds = range(length)
    counted = [by_second.get(second, []) for second in seconds]
    return Series(
        [float(second) for second in seconds],
        {
            **_counts(counted),
            **_times(counted),
            "lag": [_value(seen, second, "lag") for second in seconds],
            "unstable": [_value(seen, second, "unstable") for second in seconds],
        },
    )


def _by_second(attempts: Iterable[Attempt], began: float) -> dict[int, list[Attempt]]:
    by_second: defaultdict[int, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        if attempt.ended >= began:
            by_second[math.floor(attempt.ended - began)].append(attempt)
    return dict(by_second)


def _counts(seconds: Sequence[Sequence[Attempt]]) -> dict[str, Sequence[float | None]]:
    return {
        name: [float(sum(one.outcome is outcome for one in each)) for each in seconds]
        for outcome, name in _COUNTS.items()
    }


def _times(seconds: Sequence[Sequence[Attempt]]) -> dict[str, Sequence[float | None]]:
    answered = [sorted(_answer_times(each)) for each in seconds]
    return {name: [_rank(each, share) for each in answered] for name, share in _TIMES.items()}


def _answer_times(attempts: Iterable[Attempt]) -> Iterable[float]:
    for one in attempts:
        if one.waited is not None:
            yield one.waited * 1000


def _rank(ordered: Sequence[float], share: float) -> float | None:
    """Return the nearest rank: a time that was measured, never one in between."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _value(seen: Mapping[int, Sample], second: int, name: str) -> float | None:
    return getattr(seen[second], name) if second in seen else None
