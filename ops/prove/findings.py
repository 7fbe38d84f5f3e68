"""What the checker says of a history, and what a run comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ops.prove.history import Strike


class Verdict(StrEnum):
    """VOID: the harness itself failed, so the run says nothing about geophone.

    NOT_RUN is for cells only: this machine does not allow the fault.
    """

    PASSED = "passed"
    FAILED = "failed"
    VOID = "void"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of breach: its invariant (`I1`), its Jepsen name where there is one, examples."""

    invariant: str
    name: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """Two numbers that have to be equal, e.g. `sent = ok + fail + unknown`."""

    sentence: str
    left: int
    right: int

    @property
    def holds(self) -> bool:
        return self.left == self.right


@dataclass(frozen=True, slots=True)
class Goal:
    """A time that was measured against its limit; `worst` None: the run had no occasion for it."""

    name: str
    limit_seconds: float
    worst_seconds: float | None
    occasions: int

    @property
    def met(self) -> bool:
        return self.worst_seconds is None or self.worst_seconds <= self.limit_seconds


@dataclass(frozen=True, slots=True)
class Series:
    """Columns over time, all as long as `seconds` (from the run's start); None where unknown.

    Columns: `accepted`, `refused`, `unanswered` (attempts per second), `p50`, `p99`, `max` (answer
    times in ms), `lag` (raw records not handled), `unstable` (records between LSO and end); where
    answers are told apart, `status_200`, `status_503`, … and `status_none` (attempts per second).
    """

    seconds: Sequence[float] = ()
    columns: Mapping[str, Sequence[float | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault under one seed: a run of its own within a matrix."""

    fault: str
    seed: int
    verdict: Verdict
    reasons: tuple[str, ...]
    goals: tuple[Goal, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """All of it; `began` is ISO 8601, strikes' times count from the run's start.

    `reasons` say, in sentences, why it is not PASSED. One that is has none, but those of a matrix's
    cells that were not run.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    command: str
    profile: str
    seed: int
    began: str
    seconds: float
    versions: Mapping[str, str]
    counts: Mapping[str, int]
    identities: Sequence[Identity] = ()
    findings: Sequence[Finding] = ()
    goals: Sequence[Goal] = ()
    strikes: Sequence[Strike] = ()
    series: Series = field(default_factory=Series)
    cells: Sequence[Cell] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
