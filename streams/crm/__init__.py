"""What every CRM connector promises: one command, at most one task, whatever happens between.

A connector creates and never changes. Delivering the same command again, for whatever reason,
leaves the CRM as it is: a seller may have moved, reassigned or closed the task in the meantime.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
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

    def at_least(self, seconds: float) -> "Unavailable":
        """Return the same, to be tried again after so many seconds at the earliest."""
        return Unavailable(self.reason, max(seconds, self.retry_after or 0.0))


OWNER_ID = "<owner>"
RECIPIENT_ID = "<recipient>"
"""In a preview: the ids that only the CRM can tell."""


@dataclass(frozen=True)
class Request:
    """One HTTP request below a CRM's base URL, without its credentials.

    `path` begins with a slash, is percent-encoded and holds the query; `body` is sent as it is.
    """

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What `check` looked at, whether it is as it has to be, and if not how to mend it."""

    subject: str
    ok: bool
    remedy: str = ""


class CRM(Protocol):
    """Creates follow-up tasks in one CRM. Safe for concurrent use within one event loop."""

    async def create(self, task: TaskCommand) -> Created | AlreadyThere:
        """Create the task unless one with `task.key` exists; never touch one that does.

        Returns only when the CRM has the task. Cancelling is safe: the command may be given again.

        Raises:
            Refused: the CRM has judged this command and will never take it.
            Unavailable: any other failure, including those only an operator can mend.
        """

    def preview(self, task: TaskCommand) -> Sequence[Request]:
        """Return what `create` would send for this command alone: look-ups, then the creation.

        Pure: nothing is sent, credentials and signatures are left out, and `OWNER_ID` and
        `RECIPIENT_ID` stand where the answers to the look-ups would.

        Raises:
            Refused: as `create` would, where that is known without asking.
        """

    async def check(self) -> Sequence[Finding]:
        """Look at what `create` needs and change nothing; trouble is a finding, never raised."""

    async def owners(self, addresses: Sequence[str]) -> Collection[str] | None:
        """Return which of these belong to users whose tasks could be; None: it cannot be asked.

        Raises:
            Unavailable: it cannot be asked now.
        """

    async def close(self) -> None:
        """Release connections; no other call may follow or be under way."""
