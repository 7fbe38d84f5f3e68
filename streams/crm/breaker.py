"""How many refusals are believed: a sliding window over a target's last decided commands. Pure.

A CRM that refuses one command has judged it; one that refuses most of them has been changed (a
field that is required now, a right that was taken away). Then the rest is kept back and tried
again, or an evening's mistake would empty the topic into the dead letters.
"""

import re
import time
from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

WINDOW = 100
"""How many decided commands are looked at. Few enough that yesterday's do not outweigh today's."""

MINIMUM = 20
"""Of fewer decided commands no share is taken: three bad ones on a quiet day are three bad ones."""

_NOTE = re.compile(rf"(\d{{1,12}}) ([.x]{{1,{WINDOW}}})", re.ASCII)


class _Decided(NamedTuple):
    at: int
    partition: int
    refused: bool


class Breaker:
    """Remembers by source partition, so that each takes its part along to its next owner.

    `share` is the largest part of the window that may be refusals, from 0 to 1 (never hold back).
    """

    def __init__(self, share: float, now: Callable[[], float] = time.time) -> None:
        self._share = share
        self._now = now
        self._window: list[_Decided] = []

    def accept(self, partition: int) -> None:
        """Remember that the CRM has taken a command."""
        self._append(partition, refused=False)

    def give_up(self, partition: int, refused: int) -> int:
        """Return how many of so many refused commands are to be believed; they are remembered.

        The others are as good as undecided.
        """
        believed = self._believed(refused)
        for _ in range(believed):
            self._append(partition, refused=True)
        return believed

    def recover(self) -> None:
        """Forget all refusals: the CRM has taken a command that it had refused."""
        self._window = [one for one in self._window if not one.refused]

    def take_over(self, partition: int, note: str) -> None:
        """Remember what the partition's last owner noted; what is no note says nothing."""
        if noted := _NOTE.fullmatch(note):
            at = int(noted[1])
            self._window += [_Decided(at, partition, mark == "x") for mark in noted[2]]
            self._window = sorted(self._window, key=attrgetter("at"))[-WINDOW:]

    def let_go(self, partition: int) -> None:
        """Forget the partition's commands: some of them may not have been committed."""
        self._window = [one for one in self._window if one.partition != partition]

    def note(self, partition: int) -> str:
        """Return what the partition's next owner has to know: the time, then `.` or `x` for each.

        It goes where the offset goes and nothing else does, so both are of the same moment.
        """
        own = [one for one in self._window if one.partition == partition]
        marks = "".join("x" if one.refused else "." for one in own)
        return f"{own[-1].at} {marks}" if own else ""

    def _believed(self, refused: int) -> int:
        if len(self._window) + refused < MINIMUM:
            return refused
        return max(filter(self._bears, range(1, refused + 1)), default=0)

    def _bears(self, more: int) -> bool:
        window = [one.refused for one in self._window] + [True] * more
        return sum(window[-WINDOW:]) <= self._share * len(window[-WINDOW:])

    def _append(self, partition: int, *, refused: bool) -> None:
        self._window = [*self._window, _Decided(int(self._now()), partition, refused)][-WINDOW:]
