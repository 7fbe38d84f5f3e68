"""How long partitions took to work again after a moment: for senders, and for readers.

Each is told by partition, because one may hang while all others hide it. A partition nobody sent
to after the moment says nothing.
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

from ops.prove.history import NO_INGRESS, Attempt, Event, History, Outcome
from ops.prove.readers.kinds import OUTPUT
from schemas.partitioner import partition_for

Key = TypeVar("Key")


class Answers:
    """When attempts at the ingress were answered 2xx again."""

    def __init__(self, history: History) -> None:
        events = {event.number: event for event in history.events}
        found: defaultdict[int, list[Attempt]] = defaultdict(list)
        for attempt in history.attempts:
            event = events.get(attempt.event)
            if event and not event.poison and attempt.route != NO_INGRESS:
                found[_partition(event, history.partitions)].append(attempt)
        self._lanes = [_Lane(attempts) for _, attempts in sorted(found.items())]
        self._end = _end(history)

    def again(self, struck: float, counted_from: float, limit: float) -> Iterator[float]:
        """Yield seconds from `counted_from` to the first 2xx of an attempt begun after `struck`.

        Where the first attempt is accepted at once, nothing was interrupted: it counts from its
        own beginning, as a partition with little traffic would seem to have been down before.
        """
        for lane in self._lanes:
            if (first := lane.first_after(struck)) is None:
                continue
            ended, at_once = lane.accepted_after(struck)
            start = max(counted_from, first) if at_once else counted_from
            yield from _seconds(start, ended, self._end, limit)


class _Lane:
    """The attempts of one partition, in the order in which they began."""

    def __init__(self, attempts: list[Attempt]) -> None:
        self._attempts = sorted(attempts, key=lambda one: one.started)
        self._begins = [one.started for one in self._attempts]
        ends = [one.ended if one.outcome is Outcome.OK else math.inf for one in self._attempts]
        self._accepted = _least_from(ends)

    def first_after(self, moment: float) -> float | None:
        at = bisect_right(self._begins, moment)
        return self._begins[at] if at < len(self._begins) else None

    def accepted_after(self, moment: float) -> tuple[float, bool]:
        """Return when any begun after that was first accepted, and whether the first one was."""
        at = bisect_right(self._begins, moment)
        accepted = self._accepted[at]
        return accepted, self._attempts[at].outcome is Outcome.OK


@dataclass(frozen=True, slots=True, order=True)
class _Way:
    """One event's: first sent, accepted, and in the live reader's hands; infinite if never."""

    sent: float
    accepted: float
    seen: float


class Outputs:
    """When events that were sent after a moment came out at the other end."""

    def __init__(self, history: History) -> None:
        found: defaultdict[int, list[_Way]] = defaultdict(list)
        for event, way in _ways(history):
            found[_partition(event, history.partitions)].append(way)
        self._lanes = [_Ways(ways) for _, ways in sorted(found.items())]
        self._end = _end(history)

    def moved_on(self, struck: float, until: float, limit: float) -> Iterator[float]:
        """Yield seconds to the first output of an event first sent after `struck`.

        They count from when such an event was accepted first: before, there was nothing to do.
        What is not there `until` the next strike, which may hit the new owner, counts from that.
        """
        for lane in self._lanes:
            if (way := lane.first_after(struck)) is not None and min(way.seen, self._end) <= until:
                yield from _seconds(way.accepted, way.seen, self._end, limit)


def longest_way(history: History) -> float:
    """Return the most seconds from an event's first 2xx until it was readable, whatever struck.

    What never was took at least until the end of what is known.
    """
    end = _end(history)
    took = (min(way.seen, end) - way.accepted for _, way in _ways(history))
    return max(0.0, max(took, default=0.0))


class _Ways:
    """Those of one partition, in the order in which they were first sent."""

    def __init__(self, ways: list[_Way]) -> None:
        ways = sorted(ways)
        self._sent = [way.sent for way in ways]
        self._accepted = _least_from([way.accepted for way in ways])
        self._seen = _least_from([way.seen for way in ways])

    def first_after(self, moment: float) -> _Way | None:
        at = bisect_right(self._sent, moment)
        if at == len(self._sent):
            return None
        return _Way(self._sent[at], self._accepted[at], self._seen[at])


def _ways(history: History) -> Iterator[tuple[Event, _Way]]:
    sent, accepted, seen = _sent(history), _accepted(history), _seen(history)
    for event in history.events:
        if (at := accepted.get(event.number)) is not None and not event.poison:
            yield event, _Way(sent[event.number], at, seen.get(event.digest, math.inf))


def _partition(event: Event, partitions: int) -> int:
    return partition_for(event.tenant.encode(), partitions)


def _end(history: History) -> float:
    """Return the last moment that anything is known of."""
    ended = max((one.ended for one in history.attempts), default=-math.inf)
    return max(ended, max((one.at for one in history.live), default=-math.inf))


def _seconds(start: float, end: float, known_until: float, limit: float) -> Iterator[float]:
    if end < math.inf:
        yield max(0.0, end - start)
    elif (least := known_until - start) > limit:
        yield least


def _least_from(values: Sequence[float]) -> list[float]:
    """Return the least value at each place or after it."""
    return list(accumulate(reversed(values), min))[::-1]


def _sent(history: History) -> dict[int, float]:
    return _first((one.event, one.started) for one in history.attempts)


def _accepted(history: History) -> dict[int, float]:
    ok = (one for one in history.attempts if one.outcome is Outcome.OK)
    return _first((one.event, one.ended) for one in ok)


def _seen(history: History) -> dict[bytes, float]:
    seen = ((one.record, one.at) for one in history.live)
    return _first((one.digest, at) for one, at in seen if one.kind.startswith(OUTPUT))


def _first(pairs: Iterable[tuple[Key, float]]) -> dict[Key, float]:
    first: dict[Key, float] = {}
    for key, at in pairs:
        first[key] = min(at, first.get(key, math.inf))
    return first
