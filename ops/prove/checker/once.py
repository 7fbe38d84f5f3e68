"""I3: each event comes out at most once, and what a read_committed reader got stays."""

from collections.abc import Iterator

from ops.prove.checker.evidence import Evidence, is_event_topic, name, place
from ops.prove.checker.invariants import Breach
from ops.prove.history import Record


def duplicates(evidence: Evidence) -> Iterator[Breach]:
    """An event at two places of the event topics, a raw record set aside twice.

    A place that was read twice is no duplicate of the log: `polls` tells of it.
    """
    yield from _output_twice(evidence)
    for (partition, offset), aside in evidence.quarantined_from.items():
        for record in aside[1:]:
            sentence = f"raw partition {partition} offset {offset} was set aside at"
            yield Breach("duplicate", f"{sentence} {place(aside[0])} and at {place(record)}")


def _output_twice(evidence: Evidence) -> Iterator[Breach]:
    first = dict(evidence.first_output)
    for record in evidence.history.outputs:
        if first[record.digest] is not record:
            yield _twice(evidence, first[record.digest], record, "")
    for record in evidence.only_live:
        if is_event_topic(record.kind):
            there = first.setdefault(record.digest, record)
            if there is not record:
                yield _twice(evidence, there, record, ", where the live reader saw it")


def _twice(evidence: Evidence, one: Record, other: Record, how: str) -> Breach:
    event = evidence.by_digest.get(one.digest)
    what = name(event) if event else f"digest {one.digest.hex()}"
    return Breach("duplicate", f"{what} is at {place(one)} and again at {place(other)}{how}")


def aborted_reads(evidence: Evidence) -> Iterator[Breach]:
    """The live reader got what the log, read after the end, does not have."""
    for record in evidence.only_live:
        event = evidence.by_digest.get(record.digest)
        what = name(event) if event else f"digest {record.digest.hex()}"
        sentence = f"the live reader got {what} at {place(record)}; at the end nothing is there"
        yield Breach("aborted-read", sentence)
