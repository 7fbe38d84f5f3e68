"""Tells the log about refused requests without letting a flood of them fill it."""

import time

import structlog

from ingress.answers import Answer

log = structlog.get_logger(__name__)

EVERY_SECONDS = 10.0


class Refusals:
    """Logs the first error of a kind at once, then at most one line per kind and interval."""

    def __init__(self) -> None:
        self._logged_at: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def note(self, answer: Answer) -> None:
        """Note one answer."""
        if not answer.is_error:
            return
        self._unsaid[answer.name] = self._unsaid.get(answer.name, 0) + 1
        now = time.monotonic()
        if now - self._logged_at.get(answer.name, float("-inf")) >= EVERY_SECONDS:
            self._logged_at[answer.name] = now
            log.warning(
                "requests_refused",
                answer=answer.name,
                status=answer.status,
                count=self._unsaid.pop(answer.name),
            )
