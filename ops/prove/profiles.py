"""How much of a run: the sizes that have a name, and what a user may change of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

SHORTEST_PAUSE_SECONDS = 2.0
"""Faults closer together than this would hit processes that are not back yet."""


class WrongSize(ValueError):
    """What was asked for cannot be run; the message says why."""


@dataclass(frozen=True, slots=True)
class Profile:
    """So many events sent over so many seconds, `kills` kill -9, and each of `faults` once.

    The end of a run, when everything is handled and read back, comes on top of `seconds`.
    """

    name: str
    events: int
    kills: int
    seconds: float
    faults: Sequence[str] = ()

    def changed(
        self,
        events: int | None = None,
        kills: int | None = None,
        minutes: float | None = None,
        faults: Sequence[str] | None = None,
    ) -> "Profile":
        """Return this profile with what the user wants otherwise.

        Raises:
            WrongSize: so many faults do not fit into the time.
        """
        chosen = replace(
            self,
            events=self.events if events is None else events,
            kills=self.kills if kills is None else kills,
            seconds=self.seconds if minutes is None else minutes * 60,
            faults=self.faults if faults is None else tuple(faults),
        )
        strikes = chosen.kills + len(chosen.faults)
        needed = strikes * SHORTEST_PAUSE_SECONDS
        if needed > chosen.seconds:
            raise WrongSize(
                f"{strikes} faults do not fit into {chosen.seconds:g} s: give it "
                f"--minutes {ceil(needed / 6) / 10} or more, or fewer --kills"
            )
        return chosen


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "quick",
            events=20_000,
            kills=12,
            seconds=100,
            faults=("term ingress", "term worker", "zombie worker", "pause ingress"),
        ),
        Profile("ci", events=50_000, kills=60, seconds=240),
        Profile("soak", events=1_000_000, kills=1_000, seconds=4_200),
    )
}

SEEDS = 3
"""A cell of the matrix is played so many times, each with another load and other moments."""

_BEFORE_AND_AFTER_SECONDS = 6.0


def alone(fault: str, fault_seconds: float, rate: float) -> Profile:
    """Return the profile of one cell: `rate` events a second before, during and after a fault."""
    seconds = fault_seconds + _BEFORE_AND_AFTER_SECONDS
    return Profile(fault, int(seconds * rate), 0, seconds, (fault,))


def cells(faults: Iterable[str], seed: int) -> Iterator[tuple[str, int]]:
    """Yield every cell of the matrix: fault and seed."""
    for fault in faults:
        for number in range(SEEDS):
            yield fault, seed + number
