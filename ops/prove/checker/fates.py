"""I5: every raw record ends as exactly one thing, and nothing comes from nowhere."""

from collections.abc import Iterator

from ops.prove.checker.evidence import Evidence, name, place
from ops.prove.checker.invariants import Breach
from ops.prove.history import Event, Record


def unbalanced(evidence: Evidence) -> Iterator[Breach]:
    """Raw records without an end; those that were answered 2xx are told of as `unprocessed`."""
    for event, record in evidence.unfinished:
        if event.number not in evidence.accepted:
            sentence = f"{name(event)} at {place(record)} is no output, no duplicate"
            yield Breach("unbalanced", f"{sentence} and not quarantined; it was never answered 2xx")


def phantoms(evidence: Evidence) -> Iterator[Breach]:
    """Records, of bodies that are known, which nothing accounts for."""
    past = evidence.history
    for records, why in ((past.raw, _raw), (past.outputs, _output), (past.quarantine, _aside)):
        for record in records:
            event = evidence.by_digest.get(record.digest)
            if event and (reason := why(evidence, event, record)):
                yield Breach("phantom", f"{name(event)} at {place(record)}: {reason}")


def _raw(evidence: Evidence, event: Event, _: Record) -> str:
    return "" if event.number in evidence.first_sent else "it was never sent"


def _output(evidence: Evidence, event: Event, _: Record) -> str:
    if event.poison:
        return "poison is no event"
    return "" if event.digest in evidence.first_raw else "it is not in raw"


def _aside(evidence: Evidence, event: Event, record: Record) -> str:
    if record.source is None:
        return "" if event.number in evidence.sent_to_ingress else "no ingress got it"
    partition, offset = record.source
    raw = evidence.logs.get(("raw", partition), {}).get(offset)
    if raw is None or raw.digest != record.digest:
        return f"it is not at its source, raw partition {partition} offset {offset}"
    return ""
