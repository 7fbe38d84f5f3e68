"""I8: at the end nothing waits."""

from collections.abc import Iterator

from ops.prove.checker.evidence import Evidence
from ops.prove.checker.invariants import Breach


def stuck(evidence: Evidence) -> Iterator[Breach]:
    """A stage that has not handled all it could."""
    for stage, records in evidence.history.lag.items():
        if records > 0:
            yield Breach("stuck", f"stage {stage} did not handle {records} records")


def hanging_transactions(evidence: Evidence) -> Iterator[Breach]:
    """A last stable offset that never reached the end: nobody decided a transaction."""
    for end in evidence.history.ends:
        if end.stable < end.high:
            lane = f"{end.kind} partition {end.partition}"
            sentence = f"{lane}: readers cannot pass offset {end.stable}, the end is {end.high}"
            yield Breach("hanging-transaction", sentence)
