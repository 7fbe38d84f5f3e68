"""I1: what was answered 2xx is stored, and comes out."""

from collections.abc import Iterator

from ops.prove.checker.evidence import Evidence, name, place
from ops.prove.checker.invariants import Breach


def lost_writes(evidence: Evidence) -> Iterator[Breach]:
    """Accepted and stored nowhere, or less often than accepted.

    Each 2xx speaks of a record of its own. An attempt without an answer, or refused, may have
    been stored or not: it makes copies more, never fewer.
    """
    for number, attempts in evidence.accepted.items():
        event = evidence.events.get(number)
        if event is None or (copies := evidence.copies(event)) >= len(attempts):
            continue
        first = min(attempts, key=lambda attempt: attempt.ended)
        said = f"{first.route} answered {first.status} at {evidence.clock(first.ended)}"
        if copies:
            sentence = f"{name(event)}: {len(attempts)} times 2xx, stored {copies} times; {said}"
            yield Breach("lost-copy", sentence)
        else:
            where = "neither in raw nor in quarantine" if event.poison else "not in raw"
            yield Breach("lost-write", f"{name(event)} is {where}, but {said}")


def unprocessed(evidence: Evidence) -> Iterator[Breach]:
    """Accepted and in raw, but neither in an event topic nor, if poison, in the quarantine."""
    for event, record in evidence.unfinished:
        if event.number in evidence.accepted:
            where = "quarantine" if event.poison else f"event.{event.type}"
            sentence = f"{name(event)} is at {place(record)} and did not come to {where}"
            yield Breach("unprocessed", sentence)
