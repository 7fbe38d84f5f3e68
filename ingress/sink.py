"""Where records go: what every sink promises, and how it says that it could not."""

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from ingress.record import Record


class Cause(Enum):
    """Why a record is not known to be stored; the value is a label of metrics and logs."""

    LATE = "late"
    """No acknowledgement within the deadline. The record may still be written later; the sender
    sends it again anyway, and the deduplication absorbs it."""
    REFUSED = "refused"
    """Kafka refused it, or the topics are not as the contract says."""
    FULL = "full"
    """Too many records wait for Kafka already."""


class Unavailable(Exception):
    """Ours or Kafka's fault, never the sender's: answered 503, so that the sender comes again."""

    def __init__(self, cause: Cause, detail: str = "") -> None:
        super().__init__(f"{cause.value}: {detail}" if detail else cause.value)
        self.cause = cause


Settle = Callable[[Record, Unavailable | None], None]
"""Is told once how it went with a record: None says that it is safe."""


class Sink(Protocol):
    """Takes ready records and says when they are safe."""

    def put(self, record: Record, deadline: float, settle: Settle) -> None:
        """Take a record; `settle` is called once, as soon as every in-sync replica has it.

        Records of one key that are handed over one after the other are stored in that order.
        `deadline` is a time of the running event loop, in seconds.

        Raises:
            Unavailable: not taken, `settle` will not be called.
        """

    async def store(self, record: Record, deadline: float) -> None:
        """Do the same, and return once every in-sync replica has the record.

        Raises:
            Unavailable: the record is not known to be stored.
        """

    def trouble(self) -> str | None:
        """Say in a few words why records would not be stored now, None if they would."""
