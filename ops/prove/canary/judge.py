"""The judgement of what the canary saw: pure, one function for each way to be wrong."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ops.prove.canary.observed import Observed, Sighting, sightings_of
from ops.prove.canary.plan import TYPE
from ops.prove.canary.tally import Spread, counts, times
from ops.prove.findings import Finding, Verdict
from ops.prove.history import Event
from schemas.partitioner import partition_for

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """Counts and times are those of `tally`."""

    findings: Sequence[Finding]
    counts: Mapping[str, int]
    times: Mapping[str, Spread | None]

    @property
    def verdict(self) -> Verdict:
        return Verdict.FAILED if self.findings else Verdict.PASSED


def judge(observed: Observed) -> Judgement:
    """Judge one run."""
    findings = [
        Finding(invariant, name, len(examples), tuple(examples[:_EXAMPLES]))
        for name, (invariant, find) in _BREACHES.items()
        if (examples := list(find(observed)))
    ]
    return Judgement(findings, counts(observed), times(observed))


def _refused(observed: Observed) -> Iterator[str]:
    """Yield events whose last attempt got no 2xx: also a second delivery has to be accepted."""
    for number, attempts in observed.attempted().items():
        last = attempts[-1].status
        if not 200 <= (last or 0) < 300:  # noqa: PLR2004 - 2xx
            answers = ", ".join(str(each.status or "no answer") for each in attempts)
            yield f"{_name(observed, number)}: {answers}"


def _lost(observed: Observed) -> Iterator[str]:
    """Yield 2xx without a record of its own: each accepted delivery is one."""
    for number, accepted in observed.accepted().items():
        if (found := len(sightings_of(number, observed.raw))) < len(accepted):
            name = _name(observed, number)
            yield f"{name}: {len(accepted)} times answered 2xx, {found} times in the raw topic"


def _stuck(observed: Observed) -> Iterator[str]:
    for number in observed.accepted():
        copies = sightings_of(number, observed.raw)
        if copies and not sightings_of(number, observed.outputs):
            yield f"{_name(observed, number)}: raw {_place(copies[0])}, not in event.{TYPE}"


def _late(observed: Observed) -> Iterator[str]:
    for number, accepted in observed.accepted().items():
        if found := sightings_of(number, observed.outputs):
            seconds = found[0].at - accepted[0].ended
            if seconds > observed.patience_seconds:
                yield f"{_name(observed, number)}: readable {seconds:.1f} s after its 2xx"


def _twice(observed: Observed) -> Iterator[str]:
    for event in observed.events:
        found = sightings_of(event.number, observed.outputs)
        if len(found) > 1:
            places = ", ".join(_place(each) for each in found)
            yield f"{event.event_id}: {len(found)} times in event.{TYPE} ({places})"


def _unordered(observed: Observed) -> Iterator[str]:
    """Yield neighbours in the wrong order; a later copy of an event has no place of its own."""
    for sightings in (observed.raw, observed.outputs):
        firsts = _firsts(sightings, observed.accepted())
        for before, after in pairwise(firsts):
            if before.event > after.event and before.record.partition == after.record.partition:
                yield (
                    f"{_name(observed, after.event)} comes after {_name(observed, before.event)} "
                    f"in {before.record.kind}"
                )


def _altered(observed: Observed) -> Iterator[str]:
    for each in _all(observed):
        if each.record.digest != _event(observed, each).digest:
            yield f"{_where(observed, each)} has other bytes than were sent"


def _misplaced(observed: Observed) -> Iterator[str]:
    for each in _all(observed):
        key = _event(observed, each).tenant.encode()
        expected = partition_for(key, observed.partitions)
        if each.record.key != key:
            yield f"{_where(observed, each)} has the key {each.record.key!r}, not {key!r}"
        elif each.record.partition != expected:
            yield f"{_where(observed, each)} belongs to partition {expected}"


def _mislabelled(observed: Observed) -> Iterator[str]:
    for each in _all(observed):
        expected = (_event(observed, each).event_id, f"com.seismic.{TYPE}")
        if (each.ce_id, each.ce_type) != expected:
            yield (
                f"{_where(observed, each)} has ce_id {each.ce_id} and ce_type {each.ce_type}, "
                f"not {expected[0]} and {expected[1]}"
            )


_BREACHES: Mapping[str, tuple[str, Callable[[Observed], Iterator[str]]]] = {
    "refused": ("I6", _refused),
    "lost": ("I1", _lost),
    "stuck": ("I5", _stuck),
    "late": ("I8", _late),
    "duplicate": ("I3", _twice),
    "out of order": ("I4", _unordered),
    "altered": ("I2", _altered),
    "misplaced": ("I10", _misplaced),
    "mislabelled": ("headers", _mislabelled),
}


def _firsts(sightings: Sequence[Sighting], events: Iterable[int]) -> list[Sighting]:
    """Return the first record of each event, by partition and offset."""
    firsts: dict[int, Sighting] = {}
    for each in sorted(sightings, key=lambda one: (one.record.partition, one.record.offset)):
        firsts.setdefault(each.event, each)
    wanted = set(events)
    return [each for number, each in firsts.items() if number in wanted]


def _all(observed: Observed) -> Iterator[Sighting]:
    yield from observed.raw
    yield from observed.outputs


def _event(observed: Observed, sighting: Sighting) -> Event:
    return observed.events[sighting.event]


def _name(observed: Observed, number: int) -> str:
    return observed.events[number].event_id


def _place(sighting: Sighting) -> str:
    return f"{sighting.record.partition}/{sighting.record.offset}"


def _where(observed: Observed, sighting: Sighting) -> str:
    return f"{_event(observed, sighting).event_id} in {sighting.record.kind} {_place(sighting)}"
