"""Leaves the last of the day's API requests to the organisation's other programs."""

import re
import time
from collections.abc import Callable

from streams.crm import Unavailable
from streams.crm.answer import Answer

SHARE = 0.05
REST_SECONDS = 60.0
_USAGE = re.compile(r"(?:^|[;\s])api-usage=(\d{1,12})/(\d{1,12})\b", re.ASCII)


def usage(answer: Answer) -> tuple[int, int] | None:
    """Return how many of the day's API requests are used, of how many, if the answer tells.

    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_api_usage.htm
    """
    match = _USAGE.search(answer.headers.get("Sforce-Limit-Info", ""))
    return (int(match[1]), int(match[2])) if match else None


def nearly_used_up(answer: Answer) -> bool:
    """Say whether what is left of the day's API requests is meant for others."""
    used = usage(answer)
    return used is not None and used[0] >= used[1] * (1 - SHARE)


class Reserve:
    """Keeps tasks from being begun for a minute after each answer that tells of the last requests.

    One that is begun is finished, however many requests it takes: a rest between two of them would
    outlast what the first had found, and the task would begin anew for ever.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._rested_at = now()

    def heed(self, answer: Answer) -> None:
        """Take note of what the answer tells."""
        if nearly_used_up(answer):
            self._rested_at = self._now() + REST_SECONDS

    def admit(self) -> None:
        """Return if a task may be begun.

        Raises:
            Unavailable: it may not yet.
        """
        if (left := self._rested_at - self._now()) > 0:
            raise Unavailable(f"the last {SHARE:.0%} of the day's API requests are others'", left)
