"""Judges a history: what breaches an invariant, and whether the books balance. Pure functions.

Time and memory grow with the records, not faster: everything is found by digest or by place.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

from ops.prove.checker import (
    answers,
    ends,
    fates,
    fidelity,
    lost,
    once,
    order,
    polls,
    tasks,
    tenancy,
    void,
)
from ops.prove.checker.books import identities
from ops.prove.checker.evidence import Evidence
from ops.prove.checker.invariants import INVARIANT_OF, INVARIANTS, Breach
from ops.prove.findings import Finding, Identity
from ops.prove.history import History

__all__ = ["CHECKS", "INVARIANTS", "books", "check", "void_reasons"]

MOST_EXAMPLES = 5

Check = Callable[[Evidence], Iterator[Breach]]

CHECKS: tuple[Check, ...] = (
    lost.lost_writes,
    lost.unprocessed,
    fidelity.corrupt,
    fidelity.inconsistent_offsets,
    once.duplicates,
    once.aborted_reads,
    order.inversions,
    order.nonmonotonic_sends,
    fates.unbalanced,
    fates.phantoms,
    answers.refused_good,
    answers.quarantined_good,
    answers.never_accepted,
    answers.late_answers,
    ends.stuck,
    ends.hanging_transactions,
    tasks.wrong_tasks,
    tasks.double_commands,
    tasks.dead_tasks,
    tenancy.cross_tenant,
    tenancy.misplaced,
    tenancy.misrouted,
    polls.poll_anomalies,
    polls.unseen,
    polls.premature_reads,
)


def check(history: History) -> list[Finding]:
    """Return every kind of breach there is, in the order of the invariants; none is good."""
    evidence = Evidence(history)
    return _findings(breach for each in CHECKS for breach in each(evidence))


def books(history: History) -> list[Identity]:
    """Return the identities, whether they hold or not."""
    return list(identities(Evidence(history)))


def void_reasons(history: History) -> list[str]:
    """Return why this history says nothing about geophone, in sentences; none is good."""
    return list(void.reasons(Evidence(history)))


def _findings(breaches: Iterable[Breach]) -> list[Finding]:
    counts: Counter[str] = Counter()
    examples: dict[str, list[str]] = defaultdict(list)
    for anomaly, sentence in breaches:
        counts[anomaly] += 1
        if counts[anomaly] <= MOST_EXAMPLES:
            examples[anomaly].append(sentence)
    return [
        Finding(number, anomaly, counts[anomaly], tuple(examples[anomaly]))
        for anomaly, number in INVARIANT_OF.items()
        if counts[anomaly]
    ]
