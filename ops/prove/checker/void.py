"""What makes a history itself unusable: the harness failed, so nothing follows for geophone."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from ops.prove.checker.evidence import Evidence
from ops.prove.history import Outcome
from ops.prove.readers.kinds import is_read


def reasons(evidence: Evidence) -> Iterator[str]:
    """Yield why this history proves nothing, one sentence each."""
    yield from _nothing(evidence)
    yield from _senders(evidence)
    yield from _truncated(evidence)
    yield from _final_reader(evidence)


def _nothing(evidence: Evidence) -> Iterator[str]:
    past = evidence.history
    for what, how in (
        (past.attempts, "no attempt was recorded"),
        (past.raw, "the final reader found no raw record"),
        (past.live, "the live reader got nothing"),
        (past.ends, "nobody looked where the partitions end"),
        (past.lag, "nobody measured the lag at the end"),
    ):
        if not what:
            yield how
    if past.attempts and all(each.outcome is not Outcome.OK for each in past.attempts):
        yield "no attempt was answered 2xx"


def _senders(evidence: Evidence) -> Iterator[str]:
    past = evidence.history
    if unknown := {each.event for each in past.attempts} - evidence.events.keys():
        yield f"{len(unknown)} events were attempted that are not known, e.g. {min(unknown)}"
    if unsent := len(evidence.events.keys() - evidence.first_sent.keys()):
        yield f"{unsent} events were never attempted"
    if backwards := sum(each.ended < each.started for each in past.attempts):
        yield f"{backwards} attempts ended before they began"
    if twins := len(past.events) - len(evidence.by_digest):
        yield f"{twins} events have the body of another one"
    if twins := len(past.events) - len(evidence.events):
        yield f"{twins} events have the number of another one"
    recipients = Counter(to for event in past.events for to in event.recipients)
    if shared := recipients.total() - len(recipients):
        yield f"{shared} recipients are named twice"


def _truncated(evidence: Evidence) -> Iterator[str]:
    for end in evidence.history.ends:
        if end.start > end.since and is_read(end.kind):
            lane = f"{end.kind} partition {end.partition}"
            yield f"{lane} begins at offset {end.start}: what was before is gone"


def _final_reader(evidence: Evidence) -> Iterator[str]:
    for (kind, partition), log in evidence.logs.items():
        if any(later < earlier for earlier, later in pairwise(log)):
            yield f"the final reader read {kind} partition {partition} out of order"
    read = sum(1 for _ in evidence.read_at_the_end())
    if again := read - sum(len(log) for log in evidence.logs.values()):
        yield f"the final reader read {again} places twice"
    # Only raw has no transaction markers, so only there each offset is a record.
    for end in evidence.history.ends:
        found = len(evidence.logs.get((end.kind, end.partition), ()))
        if end.kind == "raw" and found != end.high - end.since:
            lane = f"raw partition {end.partition}"
            yield f"{lane}: the final reader read {found} of {end.high - end.since} records"
