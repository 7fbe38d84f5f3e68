"""What the sender says of itself while it runs: a line a second, and how late its loop was."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from ops.prove.history import Attempt, Outcome

TICK_SECONDS = 0.05


@dataclass(slots=True)
class Gauges:
    """Counts since the start; answer times and lag since the last line."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    begun: int = 0
    ended: int = 0
    given_up: int = 0
    flying: int = 0
    lag: float = 0.0
    _seconds: list[float] = field(default_factory=list)

    def note(self, attempt: Attempt) -> None:
        """Count an attempt; one that was not answered has no answer time."""
        self.outcomes[attempt.outcome] += 1
        if attempt.status is not None:
            self._seconds.append(attempt.ended - attempt.started)

    def line(self) -> bytes:
        """Return the progress line, and begin the next."""
        taken = sorted(self._seconds)
        self._seconds.clear()
        said: dict[str, Any] = {
            "at": time.monotonic(),
            "sent": self.outcomes.total(),
            "ok": self.outcomes[Outcome.OK],
            "fail": self.outcomes[Outcome.FAIL],
            "unknown": self.outcomes[Outcome.UNKNOWN],
            "waiting": self.begun - self.ended - self.flying,
            "p50": _quantile(taken, 0.5),
            "p99": _quantile(taken, 0.99),
            "max": _quantile(taken, 1.0),
            "begun": self.begun,
            "flying": self.flying,
            "given_up": self.given_up,
            "lag": _milliseconds(self.lag),
        }
        self.lag = 0.0
        return orjson.dumps(said) + b"\n"

    async def watch_loop(self) -> None:
        """Notice how late this loop comes to what is due, for ever."""
        while True:
            due = time.monotonic() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            self.lag = max(self.lag, time.monotonic() - due)


def _quantile(ordered: list[float], share: float) -> float | None:
    if not ordered:
        return None
    return _milliseconds(ordered[min(len(ordered) - 1, int(share * len(ordered)))])


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
