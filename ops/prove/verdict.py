"""What a run comes to: one word, and the sentences that say why."""

from collections.abc import Iterator, Sequence

from ops.prove.findings import Cell, Finding, Identity, Verdict

_OF_TIME = "late-answer"


def judge(
    void: Sequence[str], findings: Sequence[Finding], identities: Sequence[Identity]
) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict and its reasons; a harness that failed can prove nothing, not even a loss.

    Times missed, late answers too, are shown in the report and are no reason: a machine that is
    busy with something else is slow, and loses nothing.
    """
    if void:
        return Verdict.VOID, tuple(void)
    reasons = tuple(_reasons(findings, identities))
    return (Verdict.FAILED if reasons else Verdict.PASSED), reasons


def judge_cells(cells: Sequence[Cell]) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict on a matrix: failed if one cell failed, void if one says nothing.

    It may pass without the cells that this machine does not allow, but not without naming them.
    """
    reasons = tuple(
        f"{one.fault}, seed {one.seed}: {one.verdict}: {reason}"
        for one in cells
        for reason in one.reasons
    )
    for worst in (Verdict.FAILED, Verdict.VOID):
        if any(one.verdict is worst for one in cells):
            return worst, reasons
    return Verdict.PASSED, reasons


def _reasons(findings: Sequence[Finding], identities: Sequence[Identity]) -> Iterator[str]:
    for found in findings:
        if found.name != _OF_TIME:
            yield f"{found.invariant}, {found.name}: {found.count}, e.g. {found.examples[0]}"
    for one in identities:
        if not one.holds:
            yield f"the books do not balance: {one.sentence}: {one.left} and {one.right}"
