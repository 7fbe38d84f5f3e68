"""I4: within a tenant, what was sent later comes later, in raw and in the event topics."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ops.prove.checker.evidence import Evidence, name, place
from ops.prove.checker.invariants import Breach
from ops.prove.history import Event, Record


def inversions(evidence: Evidence) -> Iterator[Breach]:
    """Of two events of one tenant and type, the one that was first in raw came out last.

    Only first occurrences count, on both sides: the later ones are redeliveries. Events whose raw
    records lie in different partitions have no order between them.
    """
    furthest: dict[tuple[str, int, str, int], Record] = {}
    for digest, output in evidence.first_output.items():
        event, raw = evidence.by_digest.get(digest), evidence.first_raw.get(digest)
        if event is None or raw is None:
            continue
        stream = (output.kind, output.partition, event.tenant, raw.partition)
        before = furthest.setdefault(stream, raw)
        if raw.offset < before.offset:
            ahead = evidence.by_digest[before.digest]
            sentence = f"{name(event)}, {place(raw)}, came out at {place(output)}, after"
            yield Breach("inversion", f"{sentence} event {ahead.number}, {place(before)}")
        else:
            furthest[stream] = raw


class _Sent(NamedTuple):
    """`acknowledged` is infinite for what never was."""

    event: Event
    started: float
    acknowledged: float
    raw: Record


def nonmonotonic_sends(evidence: Evidence) -> Iterator[Breach]:
    """Of two events of one tenant, the second was first sent when the first was already answered.

    Then every record of the second has to lie behind the first record of the first, however often
    each was sent: at that answer the first was in the log, and of the second nothing existed.
    """
    tenants: dict[tuple[str, int], list[_Sent]] = defaultdict(list)
    for digest, raw in evidence.first_raw.items():
        event = evidence.by_digest.get(digest)
        if event and not event.poison and event.number in evidence.first_sent:
            tenants[event.tenant, raw.partition].append(_sent(evidence, event, raw))
    for sendings in tenants.values():
        yield from _overtaking(sendings, evidence.clock)


def _sent(evidence: Evidence, event: Event, raw: Record) -> _Sent:
    accepted = evidence.accepted.get(event.number, ())
    acknowledged = min((attempt.ended for attempt in accepted), default=float("inf"))
    return _Sent(event, evidence.first_sent[event.number], acknowledged, raw)


def _overtaking(sendings: Sequence[_Sent], clock: Callable[[float], str]) -> Iterator[Breach]:
    answered = deque(sorted(sendings, key=lambda sent: sent.acknowledged))
    furthest: _Sent | None = None
    for sent in sorted(sendings, key=lambda sent: sent.started):
        while answered and answered[0].acknowledged < sent.started:
            earlier = answered.popleft()
            if furthest is None or earlier.raw.offset > furthest.raw.offset:
                furthest = earlier
        if furthest is not None and sent.raw.offset < furthest.raw.offset:
            began, answered_at = clock(sent.started), clock(furthest.acknowledged)
            sentence = f"{name(sent.event)}, first sent at {began}, is at"
            answer = f"event {furthest.event.number}, answered at {answered_at}"
            where = f"{place(sent.raw)}, before {place(furthest.raw)} of {answer}"
            yield Breach("nonmonotonic-send", f"{sentence} {where}")
