"""How long things took that users wait for, against what is promised.

A strike is recognised by the words of its fault's name: one of brokers says `kill` and `broker`,
`brokers` or `controller`, and says `all` if none was left; one of workers `kill` and `worker` or
`workers`. All else (`pause`, `term`, `cut`, `min.insync.replicas lost`) is no occasion here.

What never came counts up to the end of the history, as it took at least so long; if that is
within the limit nobody knows, and it is no occasion.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from ops.prove.excused import excused
from ops.prove.findings import Goal
from ops.prove.history import SENDER_LIMIT_SECONDS, History, Strike
from ops.prove.recovery import Answers, Outputs

LEADER_SECONDS = 10.0
WORKER_SECONDS = 15.0
RESTART_SECONDS = 30.0
STABLE_SECONDS = 15.0
DRAIN_SECONDS = 120.0

_ALL_DOWN_SECONDS = 3.0
"""So long all brokers are down at least, where a strike does not say when they were up again."""


def measure(
    history: History, stable: Sequence[float] = (), drained: Sequence[float] = ()
) -> list[Goal]:
    """Return every goal, in the order in which they are promised.

    Args:
        history: of the run.
        stable: seconds until the LSO had reached the high watermark, each time it was waited for.
        drained: seconds in which a backlog of 60,000 was handled, each time there was one.
    """
    return [
        _goal("no answer later than 3.0 s", SENDER_LIMIT_SECONDS, _answers(history)),
        _goal("2xx again after a broker leader's kill", LEADER_SECONDS, _leaders(history)),
        _goal("a killed worker's partitions move on", WORKER_SECONDS, _workers(history)),
        _goal("2xx again once two killed brokers are up", RESTART_SECONDS, _restarts(history)),
        _goal("LSO reaches the high watermark", STABLE_SECONDS, stable),
        _goal("backlog of 60,000 drained", DRAIN_SECONDS, drained),
    ]


def _goal(name: str, limit: float, took: Iterable[float]) -> Goal:
    seconds = list(took)
    return Goal(name, limit, max(seconds, default=None), len(seconds))


def _answers(history: History) -> Iterator[float]:
    is_excused = excused(history.strikes)
    for one in history.attempts:
        if one.waited is not None and not is_excused(one):
            yield one.waited


def _leaders(history: History) -> Iterator[float]:
    answers = Answers(history)
    for strike in history.strikes:
        if _hits(strike, "broker", "brokers", "controller") and not _hits(strike, "all"):
            yield from answers.again(strike.at, strike.at, LEADER_SECONDS)


def _restarts(history: History) -> Iterator[float]:
    answers = Answers(history)
    for strike in history.strikes:
        if _hits(strike, "broker", "brokers") and _hits(strike, "all"):
            yield from answers.again(strike.at, _restarted(strike), RESTART_SECONDS)


def _restarted(strike: Strike) -> float:
    """Not when they were started, reading logs is up to them; nor when every replica is in sync."""
    return strike.at + _ALL_DOWN_SECONDS if strike.restarted is None else strike.restarted


def _workers(history: History) -> Iterator[float]:
    outputs = Outputs(history)
    struck = sorted(one.at for one in history.strikes if _hits(one, "worker", "workers"))
    for at, following in pairwise([*struck, math.inf]):
        yield from outputs.moved_on(at, following, WORKER_SECONDS)


def _hits(strike: Strike, *words: str) -> bool:
    said = set(strike.fault.replace("'", " ").split())
    return "kill" in said and not said.isdisjoint(words)
