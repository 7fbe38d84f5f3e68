"""Turns what was played into what the report says of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ops.prove.backlog import drained
from ops.prove.checker import books, check, void_reasons
from ops.prove.excused import excused
from ops.prove.findings import Cell, Report
from ops.prove.goals import measure
from ops.prove.history import History, Outcome, Strike
from ops.prove.recovery import longest_way
from ops.prove.round import Played
from ops.prove.series import series
from ops.prove.struck import without_load
from ops.prove.verdict import judge


def account(blank: Report, played: Played) -> Report:
    """Return the report filled with verdict, books, findings, goals, strikes and series."""
    history = played.history
    findings, identities = check(history), books(history)
    verdict, reasons = judge(void_reasons(history), findings, identities)
    return replace(
        blank,
        verdict=verdict,
        reasons=reasons,
        counts=counts(played),
        identities=identities,
        findings=findings,
        goals=measure(history, _stable(played), list(drained(history.strikes, played.samples))),
        strikes=_since(played.began, history.strikes),
        series=series(history.attempts, played.samples, played.began),
    )


def cell(fault: str, seed: int, blank: Report, played: Played) -> Cell:
    """Return one cell of a matrix."""
    report = account(blank, played)
    return Cell(
        fault, seed, report.verdict, tuple(report.reasons), tuple(report.goals), report.counts
    )


def counts(played: Played) -> dict[str, int]:
    """Return what a reader wants to know of a run in numbers."""
    history = played.history
    late = [attempt for attempt in history.attempts if attempt.late]
    outcomes = Counter(attempt.outcome for attempt in history.attempts)
    return {
        "events": len(history.events),
        "given up": _given_up(history),
        "attempts": len(history.attempts),
        **{f"attempts {outcome}": outcomes[outcome] for outcome in Outcome},
        "answers later than 3 s, or never": len(late),
        "of these, from an ingress that was stopped": sum(map(excused(history.strikes), late)),
        "raw records": len(history.raw),
        "output records": len(history.outputs),
        "duplicates dropped": _dropped(history),
        "quarantined": len(history.quarantine),
        "task commands": len(history.commands),
        "tasks": len(history.tasks),
        "read live": len(history.live),
        "faults": len(history.strikes),
        "struck without load": len(without_load(history.strikes, history.attempts)),
        "kill -9": played.kills,
        "longest from a 2xx to readable, in ms": round(longest_way(history) * 1000),
        "longest delay of the sender's own, in ms": _own_delay_ms(played),
    }


def _given_up(history: History) -> int:
    accepted = {one.event for one in history.attempts if one.outcome is Outcome.OK}
    return sum(event.number not in accepted for event in history.events)


def _stable(played: Played) -> list[float]:
    """What never became stable took at least as long as it was waited for."""
    stable = played.settled.stable_seconds
    return [played.settled.seconds if stable is None else stable]


def _own_delay_ms(played: Played) -> int:
    """What an answer time may owe to the sender: its loop was not there to take the answer."""
    return round(max((seconds for _, seconds in played.lags), default=0.0) * 1000)


def _dropped(history: History) -> int:
    """Poison has no id to be known again by: each copy of it is set aside, and none dropped."""
    poison = {event.digest for event in history.events if event.poison}
    good = [record.digest for record in history.raw if record.digest not in poison]
    return len(good) - len(set(good))


def _since(began: float, strikes: Sequence[Strike]) -> list[Strike]:
    def since(moment: float | None) -> float | None:
        return None if moment is None else moment - began

    return [
        replace(one, at=one.at - began, healed=since(one.healed), restarted=since(one.restarted))
        for one in strikes
    ]
