"""Reports with made-up numbers that look like a run's."""

import random
from collections.abc import Sequence
from dataclasses import replace

from ops.prove.findings import Cell, Finding, Goal, Identity, Report, Series, Verdict
from ops.prove.history import Strike

KINDS = {
    "kill ingress": ("ingress-1", "ingress-2"),
    "kill worker": ("worker-1", "worker-2"),
    "kill broker": ("broker-1", "broker-2", "broker-3"),
    "pause worker": ("worker-1", "worker-2"),
    "term ingress": ("ingress-1", "ingress-2"),
}


def report(seconds: int = 300, strikes: int = 12, seed: int = 7) -> Report:
    """Return the report of a run that passed."""
    chance = random.Random(seed)  # noqa: S311 - made-up numbers
    struck = _strikes(chance, seconds, strikes)
    return Report(
        verdict=Verdict.PASSED,
        reasons=(),
        command=f"geophone prove --profile soak --seed {seed}",
        profile="soak",
        seed=seed,
        began="2026-03-01T10:00:00+00:00",
        seconds=float(seconds),
        versions={"geophone": "0.1.0", "Kafka": "4.4.0", "Python": "3.11.9"},
        counts={"events": 1_000_000, "attempts": 1_240_110, "duplicates dropped": 201_345},
        identities=(
            Identity("attempts = ok + fail + unknown", 1_240_110, 1_240_110),
            Identity("raw = output + duplicates + quarantined", 1_201_345, 1_201_345),
        ),
        goals=(
            Goal("slowest answer", 3.0, 2.512, 1_240_110),
            Goal("2xx again after a broker leader's kill", 10.0, 4.25, 101),
            Goal("lag 0 after a backlog of 60,000", 120.0, None, 0),
        ),
        strikes=struck,
        series=_series(chance, seconds, struck),
        environment={"cores": 2, "system": "Linux 6.1"},
    )


def broken(sentence: str = "2 events answered 2xx are not in seismic.raw") -> Report:
    """Return the report of a run that failed; `sentence` is wherever text of a run can be."""
    return replace(
        report(60, 4),
        verdict=Verdict.FAILED,
        reasons=(sentence,),
        identities=(Identity(sentence, 10, 8),),
        findings=(Finding("I1", "lost-write", 2, (f"event 7: {sentence}", "event 9")),),
        goals=(Goal("slowest answer", 3.0, 3.4, 100),),
        cells=matrix(),
    )


def matrix() -> tuple[Cell, ...]:
    """Return two faults under two seeds, one cell failed and one not run."""
    slow, quick = Goal("slowest answer", 3.0, 3.4, 9), Goal("slowest answer", 3.0, 0.51, 9)
    other = Goal("2xx again", 10.0, 9.0, 1)
    return (
        Cell("kill broker", 1, Verdict.PASSED, (), (other, quick), {"events": 100}),
        Cell("kill broker", 2, Verdict.FAILED, ("an answer came late",), (slow,), {}),
        Cell("cut link", 2, Verdict.VOID, ("the proxy died",), (), {}),
    )


def _strikes(chance: random.Random, seconds: int, number: int) -> list[Strike]:
    return [_strike(chance, seconds * (at + chance.random()) / number) for at in range(number)]


def _strike(chance: random.Random, at: float) -> Strike:
    fault = chance.choices(list(KINDS), weights=(5, 4, 1, 1, 1))[0]
    healed = at + chance.uniform(3, 12) if fault.startswith("pause") else at + chance.uniform(1, 3)
    return Strike(fault, chance.choice(KINDS[fault]), at, None if chance.random() < 0.1 else healed)


def _series(chance: random.Random, seconds: int, strikes: Sequence[Strike]) -> Series:
    hit = {int(strike.at) + after for strike in strikes for after in range(3)}
    bad = [second in hit for second in range(seconds)]
    accepted = [chance.gauss(260, 12) * (0.7 if hit else 1) for hit in bad]
    columns: dict[str, list[float | None]] = {
        "accepted": [*accepted],
        "refused": [chance.uniform(10, 120) if hit else 0 for hit in bad],
        "unanswered": [chance.uniform(0, 25) if hit else 0 for hit in bad],
        "p50": [chance.lognormvariate(1.6, 0.2) for _ in bad],
        "p99": [chance.lognormvariate(5.5 if hit else 3.2, 0.3) for hit in bad],
        "max": [min(2510, chance.lognormvariate(7 if hit else 4.2, 0.5)) for hit in bad],
        "lag": [chance.uniform(500, 6000) if hit else chance.uniform(0, 150) for hit in bad],
        "unstable": [chance.uniform(0, 900) if hit else chance.uniform(0, 60) for hit in bad],
    }
    if seconds > 40:
        columns["p99"][20:30] = [None] * 10  # nothing was answered
    return Series([float(second) for second in range(seconds)], columns)
