"""What a run leaves to be checked: what was sent, what was answered, what lies where.

Times are seconds of time.monotonic(), which all processes of a machine share.
A digest is the 16-byte BLAKE2b of a body; bodies are told apart by it, and by nothing else.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

SENDER_LIMIT_SECONDS = 3.0
"""Seismic counts an answer that comes later as none."""

NO_INGRESS = "kafka"
"""The route of what was put into the raw topic directly: its times say nothing of answers."""


def digest(body: bytes) -> bytes:
    """Return the name of these bytes in a history."""
    return hashlib.blake2b(body, digest_size=16).digest()


class Outcome(StrEnum):
    """What the sender knows of an attempt, three-valued as in Jepsen."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Event:
    """One event, or poison (`type` is empty then, and so are tenant and id).

    `type` is the event topic it belongs to, without the prefix: `LivesendUpdatedV1`, `Other`.
    `recipients` are addresses that no other event has; each has to get one task.
    """

    number: int
    digest: bytes
    tenant: str = ""
    event_id: str = ""
    type: str = ""
    recipients: tuple[str, ...] = ()

    @property
    def poison(self) -> bool:
        return not self.type


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery of one event; `status` None means no answer: its outcome is not known.

    `route` is the process it went to (`ingress-1`), or `kafka` for what was put into the raw topic
    without an ingress (`status` 200 then means acknowledged).
    """

    event: int
    route: str
    started: float
    ended: float
    status: int | None

    @property
    def outcome(self) -> Outcome:
        if self.status is None:
            return Outcome.UNKNOWN
        return Outcome.OK if 200 <= self.status < 300 else Outcome.FAIL  # noqa: PLR2004 - 2xx

    @property
    def waited(self) -> float | None:
        """Seconds an ingress let its sender wait, for an answer or until the sender hung up.

        None if it says nothing: no ingress, or a connection that was lost within the limit.
        """
        seconds = self.ended - self.started
        lost = self.status is None and seconds <= SENDER_LIMIT_SECONDS
        return None if lost or self.route == NO_INGRESS else seconds

    @property
    def late(self) -> bool:
        """Whether the sender's limit passed without an answer."""
        return self.waited is not None and self.waited > SENDER_LIMIT_SECONDS


@dataclass(frozen=True, slots=True)
class Record:
    """One record as a reader got it; `kind` is its topic's name without the prefix.

    `source` is the raw partition and offset that a quarantined record's headers name.
    """

    kind: str
    partition: int
    offset: int
    digest: bytes
    key: bytes | None
    source: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as the live reader got it, in the order in which it got them.

    `poll` counts its fetches; a reader that had to connect anew starts another `session`.
    """

    record: Record
    at: float
    poll: int
    session: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One task in the CRM."""

    key: str
    tenant: str
    recipient: str


@dataclass(frozen=True, slots=True)
class End:
    """Where a partition ends: log start, last stable offset, high watermark.

    `since` is where this run begins in it: 0 in topics of its own.
    """

    kind: str
    partition: int
    start: int
    stable: int
    high: int
    since: int = 0


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that was injected: `healed` is when its cause was taken away, None if never.

    `fault` is the row of the matrix (`kill worker`), `target` the process or link it hit.
    `restarted` is when enough brokers took connections again after some were killed: before that
    they read their logs, and a while after it all is well.
    """

    fault: str
    target: str
    at: float
    healed: float | None = None
    note: str = ""
    restarted: float | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Everything the checker looks at.

    `raw`, `outputs` (every event topic), `quarantine`, `commands` (of tasks) and `dead` were read
    committed from the beginning after the end, per partition in order. `live` holds what the live
    reader saw of the same topics. `lag` is records not handled at the end, by stage. `began` is
    when the run did, and `counted` how many attempts the sender counted by itself.
    """

    partitions: int
    events: Sequence[Event] = ()
    attempts: Sequence[Attempt] = ()
    raw: Sequence[Record] = ()
    outputs: Sequence[Record] = ()
    quarantine: Sequence[Record] = ()
    commands: Sequence[Record] = ()
    dead: Sequence[Record] = ()
    live: Sequence[Seen] = ()
    tasks: Sequence[Task] = ()
    ends: Sequence[End] = ()
    lag: Mapping[str, int] = field(default_factory=dict)
    strikes: Sequence[Strike] = ()
    began: float = 0.0
    counted: int = 0
