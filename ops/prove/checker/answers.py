"""I6 and I7: what was answered, and when. Every call of a history is signed."""

import math
from collections.abc import Iterator

from ops.prove.checker.evidence import Evidence, name, place
from ops.prove.checker.invariants import Breach
from ops.prove.excused import excused
from ops.prove.history import NO_INGRESS, Attempt

RECOVERED_SECONDS = 60.0
"""Long after the last fault is over: whoever still refuses everything will not recover."""

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


def never_accepted(evidence: Evidence) -> Iterator[Breach]:
    """Events refused or unanswered to the last, when nothing had been broken for long.

    What is put into raw past the ingress is put there once, and nobody comes again with it.
    """
    well = _well_since(evidence)
    for number, last in evidence.last_attempt.items():
        if number in evidence.accepted or last.route == NO_INGRESS or last.started <= well:
            continue
        answer = "not answered" if last.status is None else f"answered {last.status}"
        yield Breach("never-accepted", f"{_who(evidence, last)} was {answer}, and never 2xx")


def _well_since(evidence: Evidence) -> float:
    healed = [math.inf if one.healed is None else one.healed for one in evidence.history.strikes]
    return max(healed, default=-math.inf) + RECOVERED_SECONDS


def _who(evidence: Evidence, attempt: Attempt) -> str:
    event = evidence.events.get(attempt.event)
    what = name(event) if event else f"event {attempt.event}"
    return f"{what}, sent to {attempt.route} at {evidence.clock(attempt.started)},"
