"""What one run of the canary saw: the answers it got, and the records it read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ops.prove.history import Attempt, Event, Outcome, Record


@dataclass(frozen=True, slots=True)
class Sighting:
    """One record of this run; `event` is the number of its event, `at` when it was readable.

    `ce_id` and `ce_type` are its headers of these names, None if it has none.
    """

    event: int
    at: float
    record: Record
    ce_id: str | None
    ce_type: str | None


@dataclass(frozen=True, slots=True)
class Observed:
    """All of it; `raw` and `outputs` (the event topic) are in the order in which they were read.

    `hidden` is how many records of the event topic an open transaction keeps from readers.
    """

    events: Sequence[Event]
    attempts: Sequence[Attempt]
    raw: Sequence[Sighting]
    outputs: Sequence[Sighting]
    partitions: int
    patience_seconds: float
    hidden: int = 0

    def accepted(self) -> Mapping[int, Sequence[Attempt]]:
        """The 2xx of each event that got one, in the order of the events' first deliveries."""
        return _by_event([each for each in self.attempts if each.outcome is Outcome.OK])

    def attempted(self) -> Mapping[int, Sequence[Attempt]]:
        """The attempts of each event that was sent at all."""
        return _by_event(self.attempts)


def sightings_of(event: int, sightings: Sequence[Sighting]) -> list[Sighting]:
    """Return what was seen of one event."""
    return [each for each in sightings if each.event == event]


def _by_event(attempts: Sequence[Attempt]) -> dict[int, list[Attempt]]:
    grouped: dict[int, list[Attempt]] = {}
    for attempt in attempts:
        grouped.setdefault(attempt.event, []).append(attempt)
    return grouped
