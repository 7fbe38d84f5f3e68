"""I6 and I7: what was answered, and when. Every call of a history is signed."""

from collections.abc import Iterator

from ops.prove.checker.evidence import Evidence, name, place
from ops.prove.checker.invariants import Breach
from ops.prove.excused import excused
from ops.prove.history import Attempt

_COME_AGAIN = 503


def refused_good(evidence: Evidence) -> Iterator[Breach]:
    """Neither 2xx nor 503: the sender repeats what cannot succeed, and then drops it."""
    for attempt in evidence.history.attempts:
        status = attempt.status
        if status is not None and status != _COME_AGAIN and not 200 <= status < 300:  # noqa: PLR2004 - 2xx
            yield Breach("refused-good", f"{_who(evidence, attempt)} was answered {status}")


def late_answers(evidence: Evidence) -> Iterator[Breach]:
    """An answer after the sender's limit, or a sender that hung up because none came."""
    is_excused = excused(evidence.history.strikes)
    for attempt in evidence.history.attempts:
        if attempt.late and not is_excused(attempt):
            answer = "not answered" if attempt.status is None else f"answered {attempt.status}"
            took = attempt.ended - attempt.started
            yield Breach(
                "late-answer", f"{_who(evidence, attempt)} was {answer} after {took:.3f} s"
            )


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
