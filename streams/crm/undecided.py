"""Which commands of a target are not decided yet, and how old the oldest of them is. Pure.

A command that has to be tried again for ever keeps its partition waiting. Where other partitions
go on, neither the retries nor the tasks tell that: the age of the command does.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping


class Undecided:
    """Remembers by partition and offset since when (epoch seconds) each command exists."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._since: defaultdict[int, dict[int, float]] = defaultdict(dict)

    def take(self, partition: int, since: Mapping[int, float]) -> None:
        """Remember the commands that are to be decided next."""
        self._since[partition] = dict(since)

    def settle(self, partition: int, offset: int) -> None:
        """Forget a command: the CRM has its task, or never will."""
        self._since[partition].pop(offset, None)

    def let_go(self, partition: int) -> None:
        """Forget a partition's: all are decided, or somebody else is to decide them."""
        self._since.pop(partition, None)

    def age(self) -> float:
        """Return the seconds since the oldest one came into being; 0 if there is none."""
        oldest = min((at for each in self._since.values() for at in each.values()), default=None)
        return 0.0 if oldest is None else max(0.0, self._now() - oldest)
