"""I6 and I7: what was answered, and when. Every call of a history is signed."""

from collections.abc import Iterator

from ops.prove.checker.evidence import KAFKA, Evidence, name, place
from ops.prove.checker.invariants import Breach
from ops.prove.excused import excused
from ops.prove.history import SENDER_LIMIT_SECONDS, Attempt

_COME_AGAIN = 503


def refused_good(evidence: Evidence) -> Iterator[Breach]:
    """Neither 2xx nor 503: the sender repeats what cannot succeed, and then drops it."""
    for attempt in evidence.history.attempts:
        status = attempt.status
        if status is not None and status != _COME_AGAIN and not 200 <= status < 300:  # noqa: PLR2004 - 2xx
            yield Breach("refused-good", f"{_who(evidence, attempt)} was answered {status}")


def late_answers(evidence: Evidence) -> Iterator[Breach]:
    """An answer after the sender's limit. Without an answer an attempt is not late but unknown."""
    is_excused = excused(evidence.history.strikes)
    for attempt in evidence.history.attempts:
        took = attempt.ended - attempt.started
        if took <= SENDER_LIMIT_SECONDS or attempt.status is None or attempt.route == KAFKA:
            continue
        if not is_excused(attempt):
            sentence = f"{_who(evidence, attempt)} was answered {attempt.status} after {took:.3f} s"
            yield Breach("late-answer", sentence)


def quarantined_good(evidence: Evidence) -> Iterator[Breach]:
    """An event that could be handled was set aside."""
    for record in evidence.history.quarantine:
        event = evidence.by_digest.get(record.digest)
        if event and not event.poison:
            origin = "an ingress" if record.source is None else "raw {}/{}".format(*record.source)
            sentence = f"{name(event)} is at {place(record)}, from {origin}"
            yield Breach("quarantined-good", sentence)


def _who(evidence: Evidence, attempt: Attempt) -> str:
    event = evidence.events.get(attempt.event)
    what = name(event) if event else f"event {attempt.event}"
    return f"{what}, sent to {attempt.route} at {attempt.started:.3f},"
