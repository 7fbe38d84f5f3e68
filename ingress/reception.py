"""What every request goes through, whichever way it came in: judged, counted, answered."""

import time
from dataclasses import dataclass

import structlog

from ingress import answers
from ingress import metrics as table
from ingress.answers import Answer
from ingress.judge import Judge
from ingress.metrics import Metrics
from ingress.record import Call, Record
from ingress.refusals import Refusals
from ingress.settings import Settings
from ingress.sink import Cause, Sink, Unavailable

log = structlog.get_logger(__name__)

TAKEN_BACK = "geophone.taken_back"
"""In the scope of a request that its connection answers after all: the rest of it was no HTTP."""


@dataclass(slots=True)
class State:
    """What the parts of one process tell each other."""

    draining: bool = False


class Reception:
    """What all connections of a process share."""

    def __init__(
        self, settings: Settings, judge: Judge, sink: Sink, metrics: Metrics, state: State
    ) -> None:
        self.settings = settings
        self.sink = sink
        self.state = state
        self._judge = judge
        self.metrics = metrics
        again = answers.unavailabilities(settings.retry_after_seconds)
        self._unavailable = {
            Cause.LATE: again.late,
            Cause.REFUSED: again.refused,
            Cause.FULL: again.full,
        }
        self.crowded = again.crowded
        self._refusals = Refusals()
        self._in_flight = 0
        # Bound here: bound at every call it costs a microsecond to say nothing.
        self._log = log.bind()
        metrics.watch(table.IN_FLIGHT, lambda: self._in_flight)

    def came(self) -> float:
        """Count a request in; return when it came (monotonic), to be given back to `went`."""
        self._in_flight += 1
        return time.monotonic()

    def went(self, came: float, answer: Answer | None) -> None:
        """Count a request out; None if its caller hung up before the body was complete."""
        self._in_flight -= 1
        if answer is None:
            self.metrics.abandoned.inc()
            return
        seconds = time.monotonic() - came
        self.metrics.answered(answer.name, seconds)
        if answer.is_error:
            self._refusals.note(answer)
        self._log.debug("answered", answer=answer.name, seconds=seconds)

    def withdrawn(self) -> None:
        """Count a request out that was taken back: whoever refused it counts its answer."""
        self._in_flight -= 1

    def refused(self, answer: Answer) -> None:
        """Count an answer to a request that never was complete."""
        self.metrics.refused(answer.name)
        self._refusals.note(answer)

    def judge(self, call: Call) -> Answer | Record:
        """Judge one complete call that came just now."""
        self.metrics.body_bytes.count(len(call.body))
        return self._judge(call, int(time.time() * 1000))

    def stored(self, record: Record) -> Answer:
        """Return the answer to a record that is safe."""
        if record.reason:
            self.metrics.quarantined(record.reason)
        return record.answer

    def unavailable(self, why: Unavailable) -> Answer:
        """Return the answer to a record that is not known to be."""
        return self._unavailable[why.cause]
