"""The line that tells how far a long run is."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

from ops.progress import Progress
from ops.prove.words import clock

EVERY_SECONDS = 10.0
"""How often a line is written where none can be changed: a log should stay short."""

_SPINNER = 3  # cells that rich puts before the line


@dataclass(frozen=True, slots=True)
class Now:
    """How it stands; times in seconds, `p99` in ms, None where nothing is known yet.

    `fault` is what is being injected now (`kill worker worker-2`), or empty.
    """

    elapsed: float
    remaining: float | None
    sent: int
    events: int
    ok: int = 0
    fail: int = 0
    unknown: int = 0
    kills: int = 0
    kills_planned: int = 0
    fault: str = ""
    p99: float | None = None
    lag: int | None = None


class Display:
    """One line that changes on a terminal; elsewhere a plain line every ten seconds."""

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._progress = Progress(console)
        self._clock = now
        self._due = now()

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.__exit__(kind, error, traceback)

    def show(self, now: Now) -> None:
        """Show how it stands; call it as often as you like."""
        if self._console.is_terminal:
            self._progress.say(self._cut(line(now)))
        elif self._clock() >= self._due:
            self._due = self._clock() + EVERY_SECONDS
            self._progress.say(line(now))

    def say(self, text: str) -> None:
        """Say at once what happens now, where there is nothing to count."""
        self._progress.say(text)

    def _cut(self, text: str) -> str:
        # A line that wraps would leave its upper half behind at each change.
        line = Text(text)
        line.truncate(self._console.width - _SPINNER, overflow="ellipsis")
        return line.plain


def line(now: Now) -> str:
    """Return it as one line, what matters most first."""
    return " · ".join(_parts(now))


def _parts(now: Now) -> Iterator[str]:
    left = "" if now.remaining is None else f", {clock(now.remaining)} left"
    yield f"{clock(now.elapsed)}{left}"
    yield f"{now.sent:,} attempts at {now.events:,} events"
    if now.kills_planned:
        yield f"{now.kills:,} of {now.kills_planned:,} faults"
    if now.fault:
        yield now.fault
    yield f"{now.ok:,} ok, {now.fail:,} fail, {now.unknown:,} unknown"
    if now.p99 is not None:
        yield f"p99 {now.p99:,.0f} ms"
    if now.lag is not None:
        yield f"lag {now.lag:,}"
