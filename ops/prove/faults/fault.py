"""The shape of a fault."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

import psutil
from aiohttp import ClientError
from aiokafka.errors import KafkaError

from ops.child import ChildFailed
from ops.kafka.errors import LocalKafkaError
from ops.prove.faults.site import FaultFailed, Site
from ops.prove.history import Strike

Inflict = Callable[[Site, Random], Awaitable[Strike]]
"""Does it, heals it, and says when and where; the name of the fault is put in later."""

Lane = Literal["ingress", "streams", "kafka", "links", "crm", "none"]
"""Faults of one lane are planned one after the other; those of two lanes may overlap."""

_EXPECTED = (
    ChildFailed,
    ClientError,
    KafkaError,
    LocalKafkaError,
    OSError,  # a time-out, too
    psutil.Error,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the matrix; `seconds` is how long it takes, healing included, as a rule.

    `kills` is how many processes it ends with kill -9 in a stack of three brokers, two ingresses
    and two workers. `rate` is how many events a second are sent where it strikes alone.
    `wired` says that it strikes the links between the processes, which cost a third of a core.
    """

    name: str
    lane: Lane
    seconds: float
    inflict: Inflict
    kills: int = 0
    rate: float = 120.0
    wired: bool = False

    async def strike(self, site: Site, dice: Random) -> Strike:
        """Inflict it and heal it.

        Raises:
            FaultFailed: it had not the effect it has to have, or could not be healed.
            NotHere: this machine or this stack does not allow it.
        """
        try:
            return replace(await self.inflict(site, dice), fault=self.name)
        except FaultFailed as error:
            raise FaultFailed(f"{self.name}: {error}") from error
        except _EXPECTED as error:
            raise FaultFailed(f"{self.name}: {error!r}") from error


def together(strikes: Sequence[Strike]) -> Strike:
    """Return as one what was one: from the first blow to the last healing."""
    return Strike(
        "",
        ", ".join(strike.target for strike in strikes),
        min(strike.at for strike in strikes),
        max(strike.healed or strike.at for strike in strikes),
        "; ".join(dict.fromkeys(strike.note for strike in strikes)),
    )
