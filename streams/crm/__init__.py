"""What every CRM connector promises: one command, at most one task, whatever happens between.

A connector creates and never changes. Delivering the same command again, for whatever reason,
leaves the CRM as it is: a seller may have moved, reassigned or closed the task in the meantime.
"""

from dataclasses import dataclass
from typing import Protocol

from schemas.task import TaskCommand


@dataclass(frozen=True)
class Created:
    """The CRM made the task now; `record_id` is its name there, if it told us."""

    record_id: str | None = None


@dataclass(frozen=True)
class AlreadyThere:
    """The CRM had a task for this key and left it alone: an earlier delivery's answer was lost."""

    record_id: str | None = None


class Refused(Exception):
    """The CRM will never take this command: it belongs in `seismic.task.dead`.

    `reason` is at most 200 characters, names no person and repeats nothing of the command.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unavailable(Exception):
    """Nothing is known to be wrong with the command: try again.

    `reason` is as in `Refused`; `retry_after` is the CRM's own wish in seconds, if it had one.
    The task may exist all the same (an answer can be lost after the CRM committed), which is why
    `create` must be safe to repeat.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class CRM(Protocol):
    """Creates follow-up tasks in one CRM. Safe for concurrent use within one event loop."""

    async def create(self, task: TaskCommand) -> Created | AlreadyThere:
        """Create the task unless one with `task.key` exists; never touch one that does.

        Returns only when the CRM has the task. Cancelling is safe: the command may be given again.

        Raises:
            Refused: the CRM has judged this command and will never take it.
            Unavailable: any other failure, including those only an operator can mend.
        """

    async def close(self) -> None:
        """Release connections; no call to `create` may follow or be under way."""
