"""How long to wait before the next delivery: exponential with full jitter, without end.

Pure: the caller sleeps, the caller brings the dice.
"""

from collections.abc import Callable

BASE_SECONDS = 0.2
CAP_SECONDS = 60.0  # a CRM that is back finds its work within a minute
RETRY_AFTER_CAP_SECONDS = 600.0  # a CRM that asks for hours must not stop deliveries that long
_DOUBLINGS = 30  # far beyond the cap; keeps the power finite whatever the attempt


def delay(attempt: int, retry_after: float | None, dice: Callable[[], float]) -> float:
    """Return the seconds to wait after failed attempt number `attempt` (the first is 0).

    `dice` returns a float in [0, 1), as `random.random`. The CRM's own `retry_after` is a floor,
    and the jitter comes on top: consumers told the same moment must not all come back at it.
    """
    ceiling = min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(attempt, _DOUBLINGS))
    floor = min(RETRY_AFTER_CAP_SECONDS, max(0.0, retry_after or 0.0))
    return floor + ceiling * dice()
