"""One word for a run, and why."""

import pytest

from ops.prove.findings import Cell, Finding, Identity, Verdict
from ops.prove.verdict import judge, judge_cells

LOST = Finding("I1", "lost-write", 2, ("event 7 is nowhere", "event 9 is nowhere"))
EVEN, ODD = Identity("sent = ok + fail", 3, 3), Identity("raw = outputs", 10, 8)


def test_nothing_found_and_balanced_books_are_a_pass_without_reasons() -> None:
    assert judge([], [], [EVEN]) == (Verdict.PASSED, ())


def test_a_finding_fails_the_run_and_is_told_with_its_first_example() -> None:
    verdict, reasons = judge([], [LOST], [EVEN])
    assert verdict is Verdict.FAILED
    assert reasons == ("I1, lost-write: 2, e.g. event 7 is nowhere",)


def test_a_late_answer_is_shown_and_fails_nothing() -> None:
    late = Finding("I7", "late-answer", 1, ("event 7 was answered after 3.1 s",))
    assert judge([], [late], [EVEN]) == (Verdict.PASSED, ())


def test_books_that_do_not_balance_fail_the_run_and_show_both_sides() -> None:
    verdict, reasons = judge([], [], [EVEN, ODD])
    assert verdict is Verdict.FAILED
    assert reasons == ("the books do not balance: raw = outputs: 10 and 8",)


def test_a_harness_that_failed_proves_nothing_not_even_a_loss() -> None:
    assert judge(["the reader died"], [LOST], [ODD]) == (Verdict.VOID, ("the reader died",))


def cell(verdict: Verdict, *reasons: str, seed: int = 1) -> Cell:
    return Cell("kill worker", seed, verdict, reasons, (), {})


PASSED, FAILED = cell(Verdict.PASSED), cell(Verdict.FAILED, "two are lost", seed=2)
VOID = cell(Verdict.VOID, "the sender died", seed=3)


@pytest.mark.parametrize(
    ("cells", "verdict"),
    [
        ([PASSED, PASSED], Verdict.PASSED),
        ([PASSED, VOID], Verdict.VOID),
        ([PASSED, VOID, FAILED], Verdict.FAILED),
        ([FAILED, VOID], Verdict.FAILED),
    ],
)
def test_a_matrix_is_as_good_as_its_worst_cell(cells: list[Cell], verdict: Verdict) -> None:
    assert judge_cells(cells)[0] is verdict


def test_a_matrix_says_which_cells_and_why() -> None:
    assert judge_cells([PASSED, VOID, FAILED])[1] == (
        "kill worker, seed 3: void: the sender died",
        "kill worker, seed 2: failed: two are lost",
    )
    assert judge_cells([PASSED])[1] == ()
