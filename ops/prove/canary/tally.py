"""How many, and how fast: the numbers of one run of the canary."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from ops.prove.canary.observed import Observed, Sighting, sightings_of


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds of `count` events; the 99th percentile of fewer than 100 is the slowest."""

    count: int
    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> "Spread | None":
        """Return None of nothing."""
        ordered = sorted(1000 * each for each in seconds)
        if not ordered:
            return None
        return cls(len(ordered), _rank(ordered, 0.5), _rank(ordered, 0.99), ordered[-1])


def counts(observed: Observed) -> dict[str, int]:
    """Return what was sent, accepted and read."""
    accepted = observed.accepted()
    deliveries = sum(len(each) for each in accepted.values())
    return {
        "events": len(observed.events),
        "sent": len(observed.attempted()),
        "attempts": len(observed.attempts),
        "attempts_not_accepted": len(observed.attempts) - deliveries,
        "accepted": len(accepted),
        "accepted_deliveries": deliveries,
        "in_raw": len({each.event for each in observed.raw}),
        "raw_records": len(observed.raw),
        "in_event": len({each.event for each in observed.outputs}),
        "event_records": len(observed.outputs),
        "hidden_by_open_transactions": observed.hidden,
    }


def times(observed: Observed) -> dict[str, Spread | None]:
    """Return `accepted` (request to 2xx), `raw` and `event` (first request to readable)."""
    return {
        "accepted": Spread.of(
            each.ended - each.started for all_of in observed.accepted().values() for each in all_of
        ),
        "raw": Spread.of(_until_readable(observed, observed.raw)),
        "event": Spread.of(_until_readable(observed, observed.outputs)),
    }


def _until_readable(observed: Observed, sightings: Sequence[Sighting]) -> Iterator[float]:
    """Yield seconds from an event's first request: retries count, as they do for its readers."""
    for number, attempts in observed.attempted().items():
        if found := sightings_of(number, sightings):
            yield found[0].at - attempts[0].started


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[ceil(share * len(ordered)) - 1]
