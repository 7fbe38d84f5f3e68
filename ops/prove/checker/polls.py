"""What the live reader got while the faults ran: offsets that rise, none left out, none too soon.

Within a session a reader goes on where it was. A new session may read again what an earlier one
has read; it may not begin behind it. It reads on until everything has settled, so that in the end
it has got all that the final reader finds, in partitions it never saw as well.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence

from ops.prove.checker.evidence import Evidence, name, place
from ops.prove.checker.invariants import Breach
from ops.prove.history import Record, Seen


def poll_anomalies(evidence: Evidence) -> Iterator[Breach]:
    """Offsets that do not rise within a session, and records that it left out."""
    for lane, readings in evidence.live.items():
        log = sorted(evidence.logs.get(lane, {}))
        latest: Seen | None = None
        for seen in readings:
            if latest is not None and latest.session == seen.session:
                yield from _step(evidence, latest, seen, log)
            latest = seen


def _step(evidence: Evidence, before: Seen, seen: Seen, log: Sequence[int]) -> Iterator[Breach]:
    came, to = before.record.offset, seen.record.offset
    if to == came + 1:
        return
    within = "int-" if before.poll == seen.poll else ""
    lane = f"{seen.record.kind} partition {seen.record.partition}"
    where = f"{lane}, at {evidence.clock(seen.at)} (poll {seen.poll})"
    if to <= came:
        yield Breach(f"{within}nonmonotonic-poll", f"{where}: offset {to} after offset {came}")
    elif left_out := log[bisect_right(log, came) : bisect_left(log, to)]:
        span = f"{len(left_out)} records from offset {left_out[0]} to {left_out[-1]}"
        yield Breach(f"{within}poll-skip", f"{where}: {span} left out")


def unseen(evidence: Evidence) -> Iterator[Breach]:
    """Records that no session got. Who got nothing at all makes the history void instead."""
    if not evidence.history.live:
        return
    for lane, log in evidence.logs.items():
        readings = evidence.live.get(lane, ())
        if missing := log.keys() - {each.record.offset for each in readings}:
            for offset in sorted(missing - _left_out_within_sessions(readings, log)):
                yield Breach("unseen", _never(evidence, log[offset]))


def _left_out_within_sessions(readings: Sequence[Seen], log: Mapping[int, Record]) -> set[int]:
    left_out: set[int] = set()
    offsets = sorted(log)
    latest: Seen | None = None
    for seen in readings:
        if latest is not None and latest.session == seen.session:
            low = bisect_right(offsets, latest.record.offset)
            left_out.update(offsets[low : bisect_left(offsets, seen.record.offset)])
        latest = seen
    return left_out


def _never(evidence: Evidence, record: Record) -> str:
    event = evidence.by_digest.get(record.digest)
    what = name(event) if event else f"digest {record.digest.hex()}"
    return f"{what} at {place(record)} never came to the live reader"


def premature_reads(evidence: Evidence) -> Iterator[Breach]:
    """The live reader got a body before anybody had begun to send it."""
    for seen in evidence.history.live:
        event = evidence.by_digest.get(seen.record.digest)
        sent = evidence.first_sent.get(event.number) if event else None
        if event and sent is not None and seen.at < sent:
            sentence = (
                f"{name(event)} was read at {place(seen.record)} at {evidence.clock(seen.at)}"
            )
            yield Breach("premature-read", f"{sentence}, and first sent at {evidence.clock(sent)}")
