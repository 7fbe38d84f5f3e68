"""One CRM, and what all partitions that deliver to it here have to know of it."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from streams import metrics
from streams.crm import CRM
from streams.crm.breaker import Breaker
from streams.crm.undecided import Undecided

OUTAGE_SECONDS = 5.0
"""How long a CRM has to have decided nothing for its next decision to be told to all who wait. It
bounds how often a command that fails alone is tried for the sake of others that do not."""


@dataclass(slots=True, eq=False)
class Target:
    """`serves` takes a tenant's id, or None where a record does not say whose it is."""

    name: str
    crm: CRM
    serves: Callable[[str | None], bool]
    breaker: Breaker
    active_at: float = -math.inf
    """Until when it was, or will be, asked (monotonic). That is progress for all its partitions,
    as they wait for their turns with each other's commands before them."""
    tenants: frozenset[str] = frozenset()
    """All that it serves, if it is one beside the default."""
    undecided: Undecided = field(default_factory=Undecided)
    _decided_at: float = -math.inf
    _back: asyncio.Event = field(default_factory=asyncio.Event)
    _held: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        # At 0 from the start: the increase of a series that begins with 1 is not seen.
        metrics.CRM_ERRORS.labels(self.name)
        metrics.CRM_OLDEST.labels(self.name).set_function(self.undecided.age)

    def active(self, until: float) -> None:
        """Note that it is being asked, or waited for, until then."""
        self.active_at = max(self.active_at, until)

    def decided(self) -> None:
        """Note that it has taken or refused a command; after an outage, wake all who wait."""
        now = time.monotonic()
        if now - self._decided_at > OUTAGE_SECONDS:
            self._back.set()
            self._back = asyncio.Event()
        self._decided_at = now

    async def wait(self, seconds: float, *, at_least: bool) -> None:
        """Wait for so long, or (unless that is the least) until it is back after an outage."""
        self.active(time.monotonic() + seconds)
        if at_least:
            await asyncio.sleep(seconds)
            return
        either = {
            asyncio.ensure_future(asyncio.sleep(seconds)),
            asyncio.ensure_future(self._back.wait()),
        }
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in either:
                each.cancel()

    def held(self, partition: int, *, now: bool) -> None:
        """Tell whether deliveries of a partition are held back now."""
        (self._held.add if now else self._held.discard)(partition)
        metrics.CRM_HELD.labels(self.name).set(bool(self._held))
