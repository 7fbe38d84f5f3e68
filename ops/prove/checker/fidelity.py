"""I2: a record's value is the request's body, whoever reads it and when."""

from collections.abc import Iterator
from itertools import chain

from ops.prove.checker.evidence import Evidence, place
from ops.prove.checker.invariants import Breach
from ops.prove.history import Record


def corrupt(evidence: Evidence) -> Iterator[Breach]:
    """Bytes that nobody sent, in a topic whose values are bodies."""
    past, known = evidence.history, evidence.by_digest
    for record in chain(past.raw, past.outputs, past.quarantine):
        if record.digest not in known:
            key = "no key" if record.key is None else f"key {record.key!r}"
            sentence = f"{place(record)} ({key}) holds a body that was never sent"
            yield Breach("corrupt", f"{sentence}, digest {record.digest.hex()}")


def inconsistent_offsets(evidence: Evidence) -> Iterator[Breach]:
    """Two readings of one place that differ: of one reader, or of the two."""
    for record in evidence.read_at_the_end():
        there = evidence.logs[record.kind, record.partition][record.offset]
        if there.digest != record.digest:
            yield _differ(record, there, "the final reader got")
    for lane, readings in evidence.live.items():
        log, beyond = evidence.logs.get(lane, {}), dict[int, Record]()
        for seen in readings:
            offset = seen.record.offset
            there = log.get(offset) or beyond.setdefault(offset, seen.record)
            if there.digest != seen.record.digest:
                who = f"at {evidence.clock(seen.at)} the live reader got"
                yield _differ(seen.record, there, who)


def _differ(record: Record, other: Record, who: str) -> Breach:
    one, two = record.digest.hex(), other.digest.hex()
    return Breach("inconsistent-offsets", f"{place(record)}: {who} {one}, elsewhere it is {two}")
